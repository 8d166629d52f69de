# One image for every service of docker-compose.yml. Editable, because dbt_project/ and workspace.yaml are read in place.
FROM python:3.11-slim

RUN useradd --create-home --uid 1000 lethe \
 && install --directory --owner lethe --group lethe --mode 0700 /var/lib/lethe

WORKDIR /opt/lethe
COPY constraints.txt pyproject.toml README.md ./
# Dependencies first: this layer changes only when they do.
RUN python -c "import tomllib; print(*tomllib.load(open('pyproject.toml', 'rb'))['project']['dependencies'], sep='\n')" \
    > /tmp/requirements.txt \
 && pip install --no-cache-dir --constraint constraints.txt --requirement /tmp/requirements.txt \
 && rm /tmp/requirements.txt
COPY . .
RUN pip install --no-cache-dir --no-deps --editable .

ENV LETHE_HOME=/var/lib/lethe PYTHONUNBUFFERED=1
USER lethe
ENTRYPOINT ["lethe"]
CMD ["status"]

"""Seconds and peak memory of exporting a person with a million events, in all formats. Prints figure, bar and peer.

No peer is run beside it: engines for requests of people publish neither digests nor figures for exports of this size.
"""

from __future__ import annotations

import argparse
import json
import resource
import shutil
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from privacy.exports.exporting import Exporter
from privacy.exports.store import folder_of, path_of
from privacy.requests.kinds import Kind, Task
from privacy.vault import Vault
from warehouse.database import ADMIN, Database
from warehouse.embedded import EmbeddedServer
from warehouse.settings import Settings

BAR_SECONDS, BAR_MB = 60, 512
NOW = datetime(2024, 6, 1, tzinfo=UTC)
FILL = """
insert into raw.system_logs
select 'e' || n, 'user-1', null, 'company-7', 'page', 'web', 'board', (array['view', 'edit', 'share'])[1 + n %% 3],
  jsonb_build_object('path', '/board/' || n %% 977, 'ms', n %% 3001, 'title', 'Plan <' || n || '> & "more"',
    'note', repeat('word ', 4), 'amount', (n * 0.01)::numeric),
  jsonb_build_object('version', '1.' || n %% 9), 'personal', 'short_term', 'session-' || n / 50,
  jsonb_build_object('ip', '10.0.' || n %% 256 || '.7', 'agent', 'Mozilla/5.0 (X11; Linux x86_64)'),
  timestamptz '2024-01-01' + n * interval '5 seconds', timestamptz '2024-06-01', 'bench', sha256(n::text::bytea),
  (timestamptz '2024-01-01' + n * interval '5 seconds')::date
from generate_series(1, %s) n
"""


def fill(database: Database, n_rows: int) -> None:
    """Events of one person over two months."""
    with database.connect(ADMIN) as conn:
        conn.execute("select raw.ensure_partitions('2024-01-01', '2024-06-30')")
        conn.execute(FILL, (n_rows,))


def measure(home: Path, n_rows: int) -> dict[str, float]:
    """Export once in this process; memory is the most that the process ever had."""
    settings = Settings.load(home)
    database = Database.open(settings)
    fill(database, n_rows)
    before = resource.getrusage(resource.RUSAGE_SELF)
    began = time.perf_counter()
    with database.connect("erasure") as conn:
        exporter = Exporter(conn, Vault.open(home / "vault"), home)
        package = exporter.export(Task("req-bench", Kind.EXPORT, "user-1", NOW))
    seconds = time.perf_counter() - began
    after = resource.getrusage(resource.RUSAGE_SELF)
    return {
        "rows": package.n_rows,
        "seconds": round(seconds, 1),
        "cpu_seconds": round(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, 1),
        "peak_mb": round(after.ru_maxrss / 1024),
        "package_mb": round(path_of(folder_of(home), package.export_id).stat().st_size / 2**20),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    options = parser.parse_args()
    home = Path(tempfile.mkdtemp(prefix="lethe-bench-"))
    try:
        found = measure(home, options.rows)
    finally:
        EmbeddedServer.of(home).stop()
        shutil.rmtree(home, ignore_errors=True)
    print(
        f"export of {found['rows']:,} rows in 5 formats: {found['seconds']} s, {found['cpu_seconds']} s of CPU in this "
        f"process (bar {BAR_SECONDS} s)"
    )
    print(f"peak memory of the process: {found['peak_mb']} MB (bar {BAR_MB} MB); package {found['package_mb']} MB")
    print(json.dumps(found))


if __name__ == "__main__":
    main()

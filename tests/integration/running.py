"""Services for tests: `lethe up` in a process of its own, and questions to Dagster and MLflow over HTTP."""

from __future__ import annotations

import json
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from tests.homes import Home

START_SECONDS = 240


@dataclass(frozen=True, slots=True)
class Running:
    """A running `lethe up`: its process and where its web interfaces are."""

    process: subprocess.Popen[str]
    dagster: str
    mlflow: str


@contextmanager
def up(home: Home) -> Iterator[Running]:
    """`lethe up` of a home; stopped by `lethe down` of that home, if the test did not."""
    process = subprocess.Popen(
        home.command("up", "--dagster-port", "0", "--mlflow-port", "0"),
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=home.environment, start_new_session=True,
    )  # fmt: skip
    try:
        yield _addresses(process)
    finally:
        if process.poll() is None:
            process.terminate()
        process.wait(90)
        assert process.stdout is not None
        process.stdout.close()


def _addresses(process: subprocess.Popen[str]) -> Running:
    found: dict[str, str] = {}
    said = []
    assert process.stdout is not None
    for line in process.stdout:
        said.append(line)
        words = line.split()
        if len(words) == 2 and words[1].startswith("http://127.0.0.1:"):
            found[words[0]] = words[1]
        if line.startswith("Stop with"):
            return Running(process, found["Dagster"], found["MLflow"])
    raise AssertionError("lethe up ended: " + "".join(said))


def graphql(url: str, query: str, **variables: object) -> Any:
    """The data of a GraphQL answer; errors fail the test."""
    answer = fetch(f"{url}/graphql", {"query": query, "variables": variables})
    assert "errors" not in answer, answer["errors"]
    return answer["data"]


def fetch(url: str, body: object | None = None) -> Any:
    """A JSON answer, or the text of one that is no JSON."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"})  # noqa: S310 - http here
    with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310
        text = answer.read().decode()
    return json.loads(text) if text.startswith(("{", "[")) else text


def wait_for(what: str, ask: Callable[[], Any], seconds: float = START_SECONDS) -> Any:
    """What `ask` returns as soon as it is true; a refused connection is a no."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            if found := ask():
                return found
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            pass
        time.sleep(0.5)
    raise AssertionError(f"{what} did not happen within {seconds:.0f} s")


ASSETS = "{ assetNodes { assetKey { path } dependencyKeys { path } } }"
LAUNCH = """
mutation($job: String!, $tags: [ExecutionTag!]) {
  launchRun(executionParams: {
    selector: {jobName: $job, repositoryName: "__repository__", repositoryLocationName: "lethe"},
    runConfigData: {}, executionMetadata: {tags: $tags}}) {
    __typename
    ... on LaunchRunSuccess { run { runId } }
    ... on PythonError { message }
    ... on RunConfigValidationInvalid { errors { message } }
  }
}"""
RUN = "query($id: ID!) { runOrError(runId: $id) { ... on Run { status } } }"
HEARTBEATS = "{ instance { daemonHealth { allDaemonStatuses { daemonType required healthy } } } }"


def upstream(url: str, asset: str) -> set[str]:
    """Every asset from which this one is made, by the lineage that Dagster shows."""
    nodes = graphql(url, ASSETS)["assetNodes"]
    parents = {
        "/".join(node["assetKey"]["path"]): {"/".join(key["path"]) for key in node["dependencyKeys"]} for node in nodes
    }
    found: set[str] = set()
    waiting = [asset]
    while waiting:
        new = parents[waiting.pop()] - found
        found |= new
        waiting += new
    return found


def launch(url: str, job: str, **tags: str) -> str:
    """Launch a job as the web interface does; returns the run's id."""
    pairs = [{"key": key.replace("__", "/"), "value": value} for key, value in tags.items()]
    answer = graphql(url, LAUNCH, job=job, tags=pairs)["launchRun"]
    assert answer["__typename"] == "LaunchRunSuccess", answer
    return str(answer["run"]["runId"])


def outcome(url: str, run: str, seconds: float = 420) -> str:
    """The final status of a run."""

    def ended() -> str | None:
        status = graphql(url, RUN, id=run)["runOrError"]["status"]
        return str(status) if status in ("SUCCESS", "FAILURE", "CANCELED") else None

    return str(wait_for(f"the end of run {run}", ended, seconds))


def daemons_are_healthy(url: str) -> bool:
    """Whether every daemon that the instance needs has sent a heartbeat."""
    found = graphql(url, HEARTBEATS)["instance"]["daemonHealth"]["allDaemonStatuses"]
    required = [daemon for daemon in found if daemon["required"]]
    return bool(required) and all(daemon["healthy"] for daemon in required)

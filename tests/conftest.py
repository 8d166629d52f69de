"""A real PostgreSQL for every test that asks: one server a worker, one fresh database a test."""

from __future__ import annotations

import itertools
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

from tests.homes import make_home
from warehouse.database import ADMIN, Database
from warehouse.settings import Settings

_numbers = itertools.count()
# A group runs on one worker: tests that share a home, and packages with an import or a parse that takes long.
LONGEST_FIRST = ("completed", "dbt", "canary", "changing", "ml", "orchestration", "quality")
GROUP_OF_PACKAGE = {
    "tests/dbt_project": "dbt",
    "tests/privacy/anonymity/test_dbt.py": "dbt",
    "tests/privacy/carriers": "dbt",
    "tests/privacy/retention/test_rebuilds.py": "dbt",
    "tests/ml": "ml",
    "tests/orchestration": "orchestration",
    "tests/quality": "quality",
}
# Long, and not repeated on the second server: tests/dbt_project/test_builds.py builds every model there and runs every
# unit test, tests/integration runs every gate and trains, promotes and predicts, and what wrong commands and readers of
# files do is no server's business.
ONCE = (
    "tests/collection/test_streaming.py", "tests/contracts/test_subject_tables.py",
    "tests/dbt_project/test_categories.py", "tests/dbt_project/test_closed_days.py", "tests/dbt_project/test_guide.py",
    "tests/dbt_project/test_manifest.py", "tests/dbt_project/test_metrics.py", "tests/dbt_project/test_pairs.py",
    "tests/dbt_project/test_point_in_time.py", "tests/dbt_project/test_product_marts.py",
    "tests/dbt_project/test_revenue_marts.py", "tests/dbt_project/test_spark.py",
    "tests/dbt_project/test_web_events.py", "tests/ml/test_promotion.py",
    "tests/integration/test_bad_commands.py", "tests/orchestration/test_private_models.py",
    "tests/privacy/anonymity/test_dbt.py", "tests/privacy/retention/test_rebuilds.py", "tests/quality/test_gates.py",
)  # fmt: skip


def pytest_itemcollected(item: pytest.Item) -> None:
    """Give the tests of a package its group, unless they name their own, and mark those for one server only."""
    place = item.path.relative_to(item.config.rootpath).as_posix()
    if place in ONCE:
        item.add_marker("once")
    groups = [group for package, group in GROUP_OF_PACKAGE.items() if place.startswith(package)]
    if groups and item.get_closest_marker("xdist_group") is None:
        item.add_marker(pytest.mark.xdist_group(groups[0]))


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Long groups begin at once: begun last, one worker would end the suite alone. The rest keeps its random order."""
    items.sort(key=turn_of)


def turn_of(item: pytest.Item) -> int:
    """The place of a test's group among the long ones; those of no long group come after them."""
    marker = item.get_closest_marker("xdist_group")
    name = marker.args[0] if marker else None
    return LONGEST_FIRST.index(name) if name in LONGEST_FIRST else len(LONGEST_FIRST)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of third-party data; tests that need it skip where it is absent."""
    folder = Path(os.environ.get("LETHE_SHARED_DATA", Path(__file__).parents[2] / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"third-party data is not at {folder}; set LETHE_SHARED_DATA")
    return folder


@pytest.fixture(scope="session")
def template() -> Iterator[Database]:
    """A migrated database that others are cloned from; removed with its server afterwards."""
    home = make_home(Path(tempfile.mkdtemp(prefix="lethe-test-")) / "home")
    try:
        yield home.database()
    finally:
        home.remove()
        shutil.rmtree(home.path.parent, ignore_errors=True)


@contextmanager
def cloned(template: Database, name: str | None = None) -> Iterator[Database]:
    """A fresh migrated database of its own, dropped afterwards; roles are shared with the template."""
    name = name or f"{template.address.database[:30]}_{os.getpid()}_{next(_numbers)}"
    server = replace(template, address=replace(template.address, database="postgres"))
    with server.connect(ADMIN, autocommit=True) as conn:
        conn.execute(f'create database "{name}" template "{template.address.database}"'.encode())
        clone = replace(template, address=replace(template.address, database=name))
        _copy_role_settings(conn, template, name)
        try:
            yield clone
        finally:
            conn.execute(f'drop database "{name}" with (force)'.encode())


@pytest.fixture
def database(template: Database) -> Iterator[Database]:
    """A fresh migrated database for one test."""
    with cloned(template) as clone:
        yield clone


def _copy_role_settings(conn: psycopg.Connection, template: Database, name: str) -> None:
    """Settings of a role in a database are not part of a template."""
    from warehouse import roles

    for stage in roles.STAGES:
        for statement in roles.configure_role(name, template.role_prefix, stage):
            conn.execute(statement.encode())


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Settings of a home that nobody else uses."""
    return replace(Settings.load(tmp_path / "home"), home=tmp_path / "home")

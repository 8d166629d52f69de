"""A checkout that cannot be measured is refused in words, and one that nothing speaks against is not."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.web_sessions_peer import SAMPLE, why_not


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    folder = tmp_path / "web"
    for name in ("dbt_utils", "snowplow_utils"):
        (folder / "dbt_packages" / name).mkdir(parents=True)
    (folder / SAMPLE).parent.mkdir(parents=True)
    for name, text in (("LICENSE", "Apache License\nVersion 2.0"), ("dbt_project.yml", ""), (SAMPLE, "event_id")):
        (folder / name).write_text(text)
    return folder


def test_a_whole_checkout_is_measured(checkout: Path) -> None:
    assert why_not(checkout) == ""


def test_what_is_missing_is_named(checkout: Path) -> None:
    (checkout / "dbt_packages" / "dbt_utils").rmdir()
    assert "dbt_packages/dbt_utils: run dbt deps" in why_not(checkout)
    assert "--peer PATH" in why_not(None)


def test_another_licence_is_not_run(checkout: Path) -> None:
    (checkout / "LICENSE").write_text("Personal and Academic License Version 1.0")
    assert "not under Apache-2.0" in why_not(checkout)

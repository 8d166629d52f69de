"""Prompts with their answers as vectors: the nearest are those of a brute-force search, and history does not matter."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest

from privacy.embeddings import embed
from tests.dbt_project.conftest import Event, Project, vectors_of

pytestmark = pytest.mark.integration

TABLES = ("features.ftr_prompt_response_pairs", "features.ftr_reference_corpus")
SELECTED = ("--indirect-selection", "cautious", "-s", *(f"+{table.split('.')[1]}" for table in TABLES))


def exchanges() -> list[Event]:
    """Three people's prompts over three days, most with an answer, some known late; one who does not train models."""
    found = []
    for n in range(60):
        at, who = f"2024-01-0{1 + n % 3} 10:{n % 60:02}", "stu"[n % 3 // (1 + n % 2)]
        late = "2024-02-01 00:00" if n % 10 == 0 else None
        found.append(Event(f"{n:032x}", who, f"{at}:00", action="prompt", event_type="ai", received=late))
        if n % 4:
            data = '{"latency_ms": 5, "quality": 0.5}'
            found.append(Event(f"f{n:031x}", who, f"{at}:09", action="response", event_type="ai", data=data))
    content = Event("c", "s", "2024-01-02 10:00", action="reference_created", event_type="content")
    quiet = Event("q", "v", "2024-01-02 10:00", action="prompt", event_type="ai", purposes=["analytics"])
    return [*found, content, quiet]


def test_nearest_pairs_are_those_of_a_search_through_all_and_a_full_refresh_changes_nothing(project: Project) -> None:
    log = exchanges()
    project.replace_days([event for event in log if event.event_id[0] == "0"])
    assert project.run("run", *SELECTED), project.output.read_text()
    project.replace_days([e for e in log if e.subject != "t"], days={date(2024, 1, n) for n in (1, 2, 3)})
    project.build(*SELECTED)
    pairs = project.rows(
        "select subject, event_day, exchange_no, known_on, prompt_embedding::text "
        "from features.ftr_prompt_response_pairs"
    )
    prompts = [e for e in log if e.action == "prompt" and e.subject in ("s", "u")]
    assert len(pairs) == len(prompts)
    assert project.rows("select count(response_embedding) > 9 from features.ftr_prompt_response_pairs") == [(True,)]

    asked = embed([f"prompt {15:032x}"], bytes(32))[0]
    cosines = {
        row[:3]: float(np.array(str(row[4])[1:-1].split(","), float) @ asked)
        for row in pairs
        if str(row[3]) < "2024-02-01"
    }
    query = f"select * from features.nearest_pairs('{asked.tolist()}', 5, before => '2024-02-01')"
    found = project.rows(query)
    similarities = [float(str(row[3])) for row in found]
    np.testing.assert_allclose(similarities, sorted(cosines.values(), reverse=True)[:5], atol=1e-5)
    np.testing.assert_allclose(similarities, [cosines[row[:3]] for row in found], atol=1e-5)
    assert similarities[0] > 0.999
    assert project.rows(query) == found

    contents = project.contents(TABLES)
    assert all(contents.values())
    assert project.run("run", "--full-refresh", *SELECTED), project.output.read_text()
    assert project.contents(TABLES) == contents


def test_vectors_in_tests_are_of_those_who_train_models() -> None:
    assert not [row for row in vectors_of(exchanges()) if row[1] == "v"]

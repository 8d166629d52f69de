from __future__ import annotations

from pathlib import Path

import pytest

from collection.errors import EmptyFileError
from collection.mapping import parse_mapping
from collection.suggest import suggest_mapping

SECRET = "canary-5512"


def test_a_suggestion_is_a_mapping_with_doubts_and_no_values(tmp_path: Path) -> None:
    file = tmp_path / "Web Log-1.jsonl"
    file.write_text('{"uuid":"1","customer":"canary-5512","ts":1700000000000,"verb":"buy","x.y":1,"q":"a"}\n')
    suggestion = suggest_mapping(file)
    mapping = parse_mapping(suggestion.mapping_yaml_text)
    assert mapping.source == "web_log_1"
    assert "created_at: {timestamp: {field: ts, unit: ms}}" in suggestion.mapping_yaml_text
    assert "received_at: {same_as: created_at}" in suggestion.mapping_yaml_text
    assert SECRET not in suggestion.mapping_yaml_text + repr(suggestion.doubts)
    doubts = "\n".join(suggestion.doubts)
    for part in ("user_id is taken from customer", "number of ms", "x.y, q", "personal for every event", "refused"):
        assert part in doubts


def test_a_field_of_receipt_is_proposed(tmp_path: Path) -> None:
    (tmp_path / "f.csv").write_text("at,collector_tstamp\n2024-05-01T10:00:00Z,1714557660\n")
    suggestion = suggest_mapping(tmp_path / "f.csv")
    assert "received_at: {timestamp: {field: collector_tstamp, unit: s}}" in suggestion.mapping_yaml_text
    parse_mapping(suggestion.mapping_yaml_text)


def test_without_a_time_or_id_it_says_so(tmp_path: Path) -> None:
    (tmp_path / "f.csv").write_text("a,b\n1,2\n")
    suggestion = suggest_mapping(tmp_path / "f.csv")
    parse_mapping(suggestion.mapping_yaml_text)
    assert any("no time found" in doubt for doubt in suggestion.doubts)
    assert any("whole record is hashed" in doubt for doubt in suggestion.doubts)


def test_names_that_yaml_or_paths_would_misread_are_pointers(tmp_path: Path) -> None:
    (tmp_path / "f.jsonl").write_text('{"@timestamp":"2024-05-01T10:00:00","event-id":"1","event.name":"a"}\n')
    mapping = parse_mapping(suggest_mapping(tmp_path / "f.jsonl").mapping_yaml_text)
    assert ("@timestamp",) in mapping.paths()
    assert ("event-id",) in mapping.paths()


def test_nothing_readable(tmp_path: Path) -> None:
    (tmp_path / "f.jsonl").write_text("{\n{\n")
    with pytest.raises(EmptyFileError, match="nothing to suggest from"):
        suggest_mapping(tmp_path / "f.jsonl")

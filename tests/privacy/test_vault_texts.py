"""Texts in JSON payloads: sealed at their paths only, numbers untouched, readable while the subject's key lives."""

from __future__ import annotations

import json
from collections.abc import Iterable
from hashlib import sha256

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from privacy.errors import VaultKeyMismatchError
from privacy.vault import DataKey
from privacy.vault.errors import ForgottenSubjectError
from privacy.vault.payloads import PREFIX, seal_paths, unseal_paths
from privacy.vault.texts import seal_events, unseal_events

PATHS = ("/data/prompt", "/data/messages/*/content")


class Keys:
    """The keys of a vault, made when asked for."""

    def __init__(self) -> None:
        self.made: dict[str, DataKey] = {}

    def data_keys(self, subjects: Iterable[str]) -> dict[str, DataKey]:
        return {s: self.made.setdefault(s, DataKey.of(bytes([len(self.made)]) * 38)) for s in subjects}

    def known_data_keys(self, subjects: Iterable[str]) -> dict[str, DataKey]:
        return {s: self.made[s] for s in subjects if s in self.made}


def sealed_and_keys(payloads: list[str | None], subjects: list[str]) -> tuple[pa.Array, dict[str, DataKey]]:
    keys = Keys().data_keys(subjects)
    return seal_paths(pa.array(payloads, pa.string()), pa.array(subjects), PATHS, keys), keys


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["prompt", "messages", "content", "x"]), inner, max_size=3)
    ),
    max_leaves=8,
)


@settings(deadline=None)  # the first example loads Arrow
@given(payload=JSON)
def test_sealing_and_opening_gives_the_payload_back(payload: object) -> None:
    text = json.dumps(payload)
    sealed, keys = sealed_and_keys([text], ["u"])
    opened = unseal_paths(sealed, pa.array(["u"]), PATHS, keys)
    assert json.loads(opened[0].as_py()) == payload


def test_only_the_values_at_the_paths_are_sealed() -> None:
    payload = {"prompt": "secret one", "note": "kept", "messages": [{"role": "user", "content": ["secret two"]}]}
    sealed, keys = sealed_and_keys([json.dumps(payload), None, '{"note":"kept"}'], ["u", "u", "v"])
    assert "secret" not in str(sealed)
    found = json.loads(sealed[0].as_py())
    assert found["prompt"].startswith(PREFIX)
    assert found["messages"][0]["content"].startswith(PREFIX)
    assert (found["note"], found["messages"][0]["role"]) == ("kept", "user")
    assert sealed[1:].to_pylist() == [None, '{"note":"kept"}']
    assert json.loads(unseal_paths(sealed, pa.array(["u", "u", "v"]), PATHS, keys)[0].as_py()) == payload


def test_numbers_keep_every_digit() -> None:
    text = '{"prompt":{"n":1.10000000000000000001},"other":12345678901234567890123,"small":1e-400}'
    sealed, keys = sealed_and_keys([text], ["u"])
    assert '"other":12345678901234567890123,"small":1e-400' in sealed[0].as_py()
    assert unseal_paths(sealed, pa.array(["u"]), PATHS, keys)[0].as_py() == text


def test_a_text_that_looks_sealed_is_sealed_as_well() -> None:
    text = json.dumps({"prompt": PREFIX + "bXkgc2VjcmV0"}, separators=(",", ":"))
    sealed, keys = sealed_and_keys([text], ["u"])
    assert "bXkgc2VjcmV0" not in sealed[0].as_py()
    assert unseal_paths(sealed, pa.array(["u"]), PATHS, keys)[0].as_py() == text


def test_values_moved_or_changed_are_refused() -> None:
    sealed, keys = sealed_and_keys(['{"prompt":"a"}', '{"prompt":"b"}'], ["u", "v"])
    first = json.loads(sealed[0].as_py())["prompt"]
    for text, subject in (
        (json.dumps({"messages": [{"content": first}]}), "u"),
        (json.dumps({"prompt": first[:-4] + "AAAA"}), "u"),
        (json.dumps({"prompt": PREFIX + "no base64"}), "u"),
    ):
        with pytest.raises(VaultKeyMismatchError):
            unseal_paths(pa.array([text]), pa.array([subject]), PATHS, keys)
    with pytest.raises(ForgottenSubjectError):
        unseal_paths(sealed[:1], pa.array(["v"]), PATHS, keys)


def test_a_text_whose_key_is_gone_is_null_where_asked_for() -> None:
    sealed, keys = sealed_and_keys(['{"prompt":"a"}', '{"prompt":"b"}'], ["u", "v"])
    opened = unseal_paths(sealed, pa.array(["u", "v"]), PATHS, {"v": keys["v"]}, forgotten_as_null=True)
    assert opened.to_pylist() == ['{"prompt":null}', '{"prompt":"b"}']


def events() -> pa.Table:
    rows = [
        ("ai", "user-1", '{"prompt":"my secret","n":1}'),
        ("ai", None, '{"response":"my secret","n":1.0}'),
        ("ai", "user-2", '{"rating":5}'),
        ("ui", "user-3", '{"prompt":"a label"}'),
        ("ai", "user-1", '{"prompt":"my secret","n":1}'),
    ]
    prints = ["\\x" + sha256(row[2].encode()).hexdigest() for row in rows]
    columns = {name: pa.array([row[i] for row in rows]) for i, name in enumerate(("event_type", "user_id", "data"))}
    return pa.table({**columns, "fingerprint": prints, "id": list("abcde")})


def test_texts_of_ai_events_are_sealed_and_nothing_else_moves() -> None:
    keys, before = Keys(), events()
    after = seal_events(before, keys)
    assert after.schema.names == before.schema.names
    assert "my secret" not in str(after.to_pylist())
    assert after.slice(2, 2).to_pylist() == before.slice(2, 2).to_pylist()
    assert after.select(["id", "user_id", "event_type"]) == before.select(["id", "user_id", "event_type"])
    assert set(keys.made) == {"user-1", ""}, "only who said something gets a key"
    prompts = after["data"].to_pylist()
    assert prompts[0] != prompts[4], "two equal prompts do not look equal"


def test_events_are_read_as_they_were_and_null_where_a_key_is_gone() -> None:
    keys, before = Keys(), events()
    sealed = seal_events(before, keys)
    read = unseal_events(sealed, keys)
    assert [json.loads(text) for text in read["data"].to_pylist()] == [
        json.loads(t) for t in before["data"].to_pylist()
    ]
    del keys.made["user-1"]
    prompts = [json.loads(text) for text in unseal_events(sealed, keys)["data"].to_pylist()]
    assert [row.get("prompt", "none") for row in prompts] == [None, "none", "none", "a label", None]
    assert prompts[1]["response"] == "my secret"
    assert set(keys.made) == {""}, "reading makes no key"


def test_a_fingerprint_of_a_sealed_text_confirms_no_guess_but_still_recognises_the_event() -> None:
    keys, before = Keys(), events()
    first, again = seal_events(before, keys)["fingerprint"].to_pylist(), seal_events(before, keys)["fingerprint"]
    plain = before["fingerprint"].to_pylist()
    assert [a == b for a, b in zip(first, plain, strict=True)] == [False, False, True, True, False]
    assert first == again.to_pylist()
    assert first[0] == first[4]


def test_a_batch_without_such_events_is_returned_as_it_is() -> None:
    keys = Keys()
    table = events().slice(2, 2)
    assert seal_events(table, keys) is table
    assert keys.made == {}

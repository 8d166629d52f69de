"""Laws of the kernel: order does not matter, no consent no row, the stricter class wins, nothing unruled passes."""

from __future__ import annotations

import base64
import hashlib
import json
import random
import re
from datetime import timedelta
from typing import Any
from urllib.parse import quote

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from privacy.errors import MissingTokenError
from privacy.kernel import Transformed, transform
from privacy.policy import CLASSES, CompiledPolicy, make_rule
from privacy.pseudonyms import Keyring, subject_tokens
from privacy.values import treatment
from tests.privacy.events import RULES, START, batch, event, granted

KEYRING = Keyring(b"p" * 32, b"a" * 32)
POLICY = CompiledPolicy.of([make_rule(*rule) for rule in RULES], k=1)  # a crowd has a test of its own
USERS = ("u1", "u2", "u3")
TOKENS = subject_tokens(USERS, dict.fromkeys(USERS, b"salt"), KEYRING.pseudonymous)
NOBODY = granted()
SCALARS = st.one_of(st.none(), st.booleans(), st.integers(-9, 9), st.floats(-9, 9), st.text(max_size=6))
KEYS = st.sampled_from(
    ("plan", "email", "n_items", "device", "exts", "items", "status", "note", "x", "y.z", "Plan", "a b")
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(KEYS, inner, max_size=3)),
    max_leaves=8,
)
DOCUMENTS = st.lists(st.dictionaries(KEYS, VALUES, max_size=6), min_size=1, max_size=12)


def run(rows: list[dict[str, Any]], consent: pa.Table | None = None, policy: CompiledPolicy = POLICY) -> Transformed:
    ledger = granted("u1", "u2") if consent is None else consent
    return transform(batch(rows), policy, keyring=KEYRING, subject_tokens=TOKENS, decisions=ledger)


def one(data: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """The safe data of a single event."""
    return dict(json.loads(run([event(1, data, **fields)]).pseudonymous["data"][0].as_py()))


def reasons(result: Transformed) -> dict[tuple[str, str], int]:
    return {(row["reason"], row["path"]): row["n"] for row in result.exclusions.to_pylist()}


def unknown(result: Transformed) -> dict[str, int]:
    return {row["path"]: row["n_events"] for row in result.unknown_paths.to_pylist()}


def paths(value: Any, pointer: str) -> set[str]:
    """Leaf pointers of a document; arrays as '*'."""
    if isinstance(value, dict):
        return {p for key, item in value.items() for p in paths(item, f"{pointer}/{key}")}
    if isinstance(value, list):
        return {p for item in value for p in paths(item, f"{pointer}/*")}
    return {pointer}


@settings(max_examples=40, deadline=None)
@given(documents=DOCUMENTS, seed=st.integers(0, 99))
def test_shuffled_input_gives_the_same_output(documents: list[dict[str, Any]], seed: int) -> None:
    labels = ("non_personal", "pseudonymized", "personal", "sensitive")
    rows = [
        event(n, data, user_id=("u1", "u2", "u3", None)[n % 4], event_type=("page", "other")[n % 5 == 0],
              data_classification=labels[n % 7 % 4], session_id=f"s{n % 3}", created_at=START + timedelta(hours=9 * n))
        for n, data in enumerate(documents)
    ]  # fmt: skip
    shuffled = random.Random(seed).sample(rows, len(rows))  # noqa: S311
    first, second = run(rows), run(shuffled)
    for name in ("pseudonymous", "anonymous", "exclusions", "unknown_paths", "days"):
        assert getattr(first, name).equals(getattr(second, name)), name


@settings(max_examples=60, deadline=None)
@given(documents=DOCUMENTS)
def test_nothing_but_ruled_paths_passes(documents: list[dict[str, Any]]) -> None:
    result = run([event(n, data, client_info=json.dumps(data)) for n, data in enumerate(documents)])
    ruled = {rule[1] for rule in RULES}
    for table in (result.pseudonymous, result.anonymous):
        assert table.num_rows == len(documents)
        for text in table["data"].to_pylist():
            for key, value in json.loads(text).items():
                root = "" if key.startswith("_") else "/data"
                found = {path.replace("/_", "/", 1) for path in paths(value, f"{root}/{key}")}
                starred = {re.sub(r"^/data/(status|exts|items)/[^/]+", r"/data/\1/*", path) for path in found}
                starred -= {"/data/items", "/data/items/*"}  # emptied containers
                assert starred <= ruled, (text, starred - ruled)


@settings(max_examples=60, deadline=None)
@given(documents=st.lists(st.dictionaries(KEYS, SCALARS, max_size=6), min_size=1, max_size=12))
def test_unknown_paths_are_counted_exactly(documents: list[dict[str, Any]]) -> None:
    known = {rule[1].split("/")[2] for rule in RULES if rule[1].startswith("/data/")}
    expected: dict[str, int] = {}
    for data in documents:
        for place in {"?" if " " in key else key for key in data if key not in known}:
            expected[f"/data/{place}"] = expected.get(f"/data/{place}", 0) + 1
    result = run([event(n, data) for n, data in enumerate(documents)])
    assert unknown(result) == expected
    n_rows = sum(1 for data in documents if set(data) - known)
    assert reasons(result).get(("unknown_path", ""), 0) == n_rows


def test_unknown_places_inside_known_ones_are_found() -> None:
    data = {
        "device": {"os": "linux", "id": 7},
        "items": [{"sku": "a"}, {"sku": "b", "owner": {"name": "x"}}],
        "new": [{"k": [1]}],
    }
    result = run([event(1, data), event(2, data)])
    assert unknown(result) == {"/data/device/id": 2, "/data/items/*/owner/name": 2, "/data/new/*/k/*": 2}
    assert json.loads(result.pseudonymous["data"][0].as_py()) == {
        "device": {"os": "linux"},
        "items": [{"sku": "a"}, {"sku": "b"}],
    }


def test_many_unknown_keys_are_one_map_and_keys_that_name_people_are_not_written_down() -> None:
    result = run([event(n, {f"key{n}": 1, "ada@example.com": 1}) for n in range(80)])
    assert unknown(result) == {"/data/*": 80}
    assert unknown(run([event(1, {"ada@example.com": 1, "x 555 1234": {"y": 1}})])) == {"/data/?": 1, "/data/?/y": 1}


def test_each_class_is_treated_as_ruled() -> None:
    data = {
        "plan": "pro",
        "n_items": 3,
        "email": "ada@example.com",
        "account": "A-77",
        "secret": "s",
        "note": "free words",
        "device": {"os": "linux"},
        "exts": [".py"],
        "status": {"M": 2},
    }
    shown = one(data, client_info='{"ip":"10.1.2.3"}', metadata='{"version":"1.2"}')
    account = shown.pop("account")
    assert account.startswith("t_")
    assert len(account) == 34
    assert shown == {
        "plan": "pro",
        "n_items": 3,
        "email": "ada***@***.***",
        "device": {"os": "linux"},
        "exts": [".py"],
        "status": {"M": 2},
        "_client_info": {"ip": "10.***.***.***"},
        "_metadata": {"version": "1.2"},
    }
    anonymous = json.loads(run([event(1, data)]).anonymous["data"][0].as_py())
    assert "account" not in anonymous


@pytest.mark.parametrize("label", range(3))
@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule[1])
def test_the_stricter_class_wins(rule: tuple[str, str, str, str], label: int) -> None:
    action, _ = treatment(make_rule(*rule), label)
    strictness = {"pass": 0, "token": 1, "mask": 2, "drop": 3}
    assert strictness[action] >= {"sensitive": 3, "personal": 2, "pseudonymized": 1, "non_personal": 0}[rule[2]]
    if label == CLASSES.index("personal"):
        assert action in ("mask", "drop")


def test_an_event_s_label_is_obeyed() -> None:
    data = {"plan": "pro", "amount": 42}
    labelled = [event(n, data, data_classification=label) for n, label in enumerate(CLASSES)]
    result = run(labelled)
    assert result.pseudonymous.num_rows == 2
    assert sorted(result.anonymous["data"].to_pylist())[0] == '{"amount":"10..100"}'
    assert result.anonymous.num_rows == 3
    assert reasons(result) == {("sensitive_event", ""): 1, ("no_mask", "/data/plan"): 1}
    assert reasons(run(labelled[2:3], granted("u1", purposes=["analytics"]))) == {("personal_without_sharing", ""): 1}


def test_no_consent_no_row() -> None:
    rows = [event(n, {"plan": "pro"}, user_id=user) for n, user in enumerate(("u1", "u2", "u3", None))]
    result = run(rows, NOBODY)
    assert result.pseudonymous["subject"].to_pylist() == [None]
    assert reasons(result) == {("no_consent", ""): 3}
    assert result.days.to_pylist() == [{"event_day": START.date(), "n_in": 4, "n_kept": 1}]


def test_sharing_alone_makes_anonymous_rows_only() -> None:
    result = run([event(1, {"plan": "pro"})], granted("u1", purposes=["sharing"]))
    assert (result.pseudonymous.num_rows, result.anonymous.num_rows) == (0, 1)
    row = result.anonymous.to_pylist()[0]
    assert not {"subject", "persona", "session", "event_id", "purposes"} & set(row)
    assert row["occurred_hour"].minute == 0


def test_values_of_the_wrong_type_are_dropped_and_counted() -> None:
    data = {"plan": {"a": 1}, "n_items": "3", "email": 5, "device": "linux", "exts": [".py", {"x": 1}], "ok": "yes"}
    result = run([event(1, data)])
    assert json.loads(result.pseudonymous["data"][0].as_py()) == {"exts": [".py"]}
    wrong = ("plan", "n_items", "email", "device", "exts", "ok")
    assert reasons(result) == {("type_mismatch", f"/data/{name}"): 1 for name in wrong}


def test_payloads_that_are_no_objects_or_no_json() -> None:
    rows = [
        event(n, data=None) | {"data": text}
        for n, text in enumerate(("[1]", '"x"', "3", "null", "{}", '{"plan":', '{"plan":"a"}'))
    ]
    result = run(rows)
    assert sorted(result.pseudonymous["data"].to_pylist()) == ['{"plan":"a"}'] + ["{}"] * 5
    assert reasons(result) == {("invalid_json", ""): 1, ("type_mismatch", "/data"): 3}


@pytest.mark.parametrize("label", ["ada@example.com", "a" * 121, "tab\tbed", "semi;colon", ""])
def test_unsafe_labels_do_not_pass(label: str) -> None:
    names = ("event_type", "event_source", "component", "action")
    row = run([event(1) | dict.fromkeys(names, label)]).pseudonymous.to_pylist()[0]
    assert [row[name] for name in names] == ["unlabelled", "unlabelled", None, "unlabelled"]


def test_anonymous_rows_need_five_people_and_what_is_lost_is_counted() -> None:
    policy = CompiledPolicy.of([make_rule(*rule) for rule in RULES])
    both, sharing = granted("u1", "u2"), granted("u1", "u2", purposes=["sharing"])
    few = [event(n, user_id=f"u{1 + n % 2}") for n in range(10)]
    kept = run(few, both, policy)
    assert (kept.pseudonymous.num_rows, kept.anonymous.num_rows, reasons(kept)) == (10, 0, {})
    lost = run(few, sharing, policy)
    assert (lost.anonymous.num_rows, reasons(lost)) == (0, {("too_few_people", ""): 10})
    assert lost.days.to_pylist() == [{"event_day": START.date(), "n_in": 10, "n_kept": 0}]
    crowd = [f"u{n}" for n in range(5)]
    everybody = [event(n, user_id=user) for n, user in enumerate(crowd)]
    assert run(everybody, granted(*crowd, purposes=["sharing"]), policy).anonymous.num_rows == 5


def test_identities_are_keyed_and_unlinkable_across_purposes() -> None:
    rows = [event(n, user_id=user, persona_id="p", session_id="s") for n, user in enumerate(("u1", "u2"))]
    result = run(rows)
    persons = result.pseudonymous.select(["subject", "persona", "session", "event_id"]).to_pylist()
    assert all(persons[0][name] != persons[1][name] for name in persons[0])
    assert len(set(result.pseudonymous["company"].to_pylist()) | set(result.anonymous["company"].to_pylist())) == 2


def test_a_subject_without_a_token_is_refused() -> None:
    with pytest.raises(MissingTokenError):
        run([event(1, user_id="stranger")], granted("stranger"))


CANARY_FIELDS = ("note", "secret", "email", "phone", "ssn", "card", "name", "dob", "account", "unknown")


def spellings(token: str) -> set[str]:
    raw = token.encode()
    hashes = {getattr(hashlib, name)(raw).hexdigest() for name in ("md5", "sha1", "sha256")}
    return {token.lower(), quote(token).lower(), base64.b64encode(raw)[:-3].decode().lower(), raw.hex(), *hashes}


def test_canaries_do_not_leak_except_what_the_masks_allow() -> None:
    planted, rows = [], []
    for n in range(40):
        marks = {
            name: f"{name}Kq7Zx{n:02d}wvJp"
            for name in (*CANARY_FIELDS, "session", "persona", "user", "company", "key", "ip")
        }
        planted += list(marks.values())
        data: dict[str, Any] = {name: marks[name] for name in CANARY_FIELDS}
        data |= {"email": f"{marks['email']}@example.com", "plan": {"deep": marks["unknown"]}, "n_items": marks["note"]}
        data |= {marks["key"]: 1, "status": {marks["email"] + "@example.com": 1}, "items": [{"owner": marks["name"]}]}
        rows.append(
            event(
                n,
                data,
                user_id="u1",
                session_id=marks["session"],
                persona_id=marks["persona"],
                company_id=marks["company"],
                client_info=json.dumps({"ip": marks["ip"]}),
                data_classification=CLASSES[n % 3],
                action=f"{marks['user']}@x.org",
            )
        )
    result = run(rows)
    safe = json.dumps(
        [t.to_pylist() for t in (result.pseudonymous, result.anonymous, result.exclusions)], default=str
    ).lower()
    leaked = [token for token in planted if any(spelling in safe for spelling in spellings(token))]
    assert result.anonymous.num_rows == 40
    assert leaked == []
    broken = CompiledPolicy.of(
        [make_rule(*rule) for rule in RULES if rule[1] != "/data/note"]
        + [make_rule("page", "/data/note", "non_personal", "category")]
    )
    assert "notekq7zx00" in str(run(rows, policy=broken).pseudonymous["data"].to_pylist()).lower(), (
        "the search finds a planted leak"
    )


def test_a_kept_plan_reads_the_batch_of_its_own_call() -> None:
    """The second and the third batch run through the plan that the first one left behind; a key would renew it."""
    keyless = CompiledPolicy.of([make_rule("page", "/data/plan", "non_personal", "category")])
    for n in range(3):
        rows = [event(i, {"plan": f"p{n}"}) for i in range(n + 1)]
        assert run(rows, policy=keyless).pseudonymous["data"].to_pylist() == [f'{{"plan":"p{n}"}}'] * (n + 1)

"""Signed documents: RFC 8785's own examples, round trips through JSON, and every change refused."""

from __future__ import annotations

import json
import math
import struct
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from privacy.errors import InvalidSignatureError, UnsignableDocumentError, UntrustedSignerError
from privacy.signing import canonical, digest, sign, signer, verify
from privacy.vault import Vault

DOCUMENT = {"b": [1, 2.5, True, None], "a": {"ö": "€", "n": -7}, "seconds": 1.0}


class FixedKeys:
    """Purpose keys without a vault."""

    def __init__(self, byte: int = 1) -> None:
        self.byte = byte

    def purpose_key(self, purpose: str) -> bytes:
        return bytes([self.byte]) * 31 + purpose[:1].encode()


# RFC 8785, appendix B: IEEE 754 bits and their text.
NUMBERS = [
    ("0000000000000000", "0"),
    ("8000000000000000", "0"),
    ("0000000000000001", "5e-324"),
    ("7fefffffffffffff", "1.7976931348623157e+308"),
    ("4340000000000000", "9007199254740992"),
    ("4430000000000000", "295147905179352830000"),
    ("44b52d02c7e14af5", "9.999999999999997e+22"),
    ("44b52d02c7e14af6", "1e+23"),
    ("444b1ae4d6e2ef4e", "999999999999999700000"),
    ("444b1ae4d6e2ef50", "1e+21"),
    ("3eb0c6f7a0b5ed8c", "9.999999999999997e-7"),
    ("3eb0c6f7a0b5ed8d", "0.000001"),
    ("41b3de4355555553", "333333333.3333332"),
    ("41b3de4355555555", "333333333.3333333"),
    ("becbf647612f3696", "-0.0000033333333333333333"),
    ("43143ff3c1cb0959", "1424953923781206.2"),
]


@pytest.mark.parametrize(("bits", "text"), NUMBERS)
def test_numbers_are_written_as_the_standard_says(bits: str, text: str) -> None:
    assert canonical(struct.unpack(">d", bytes.fromhex(bits))[0]).decode() == text


def test_keys_are_sorted_by_utf_16_and_texts_escaped_as_the_standard_says() -> None:
    # RFC 8785, section 3.2.3 and section 3.2.4.
    keys = {"\u20ac": 1, "\r": 2, "\ufb33": 3, "1": 4, "\U0001f600": 5, "\x80": 6, "\u00f6": 7}
    assert list(json.loads(canonical(keys)).values()) == [2, 4, 6, 7, 1, 5, 3]
    assert canonical('€$\x0f\nA\'B"\\\\"/') == b'"\xe2\x82\xac$\\u000f\\nA\'B\\"\\\\\\\\\\"/"'


FINITE = st.floats(allow_nan=False, allow_infinity=False)
LEAVES = (
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | FINITE | st.text(st.characters(codec="utf-8"))
)
VALUES = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(st.characters(codec="utf-8")), inner)
)


@given(VALUES)
def test_the_canonical_text_survives_reading_it(value: Any) -> None:
    assert canonical(json.loads(canonical(value))) == canonical(value)


@pytest.mark.parametrize(
    "value", [math.nan, math.inf, 2**53 + 1, 10**400, {1: 2}, datetime(2024, 1, 1, tzinfo=UTC), "\ud800", {1}]
)
def test_what_json_cannot_hold_exactly_is_refused(value: Any) -> None:
    with pytest.raises(UnsignableDocumentError):
        sign({"value": value}, FixedKeys())


def test_a_signed_document_verifies_after_any_other_writer_of_json() -> None:
    signed = sign(DOCUMENT, FixedKeys())
    assert {name: signed[name] for name in DOCUMENT} == DOCUMENT
    verify(signed)
    verify(json.loads(json.dumps(signed, indent=3, sort_keys=True)), trusted=[signer(FixedKeys())])
    assert sign(DOCUMENT, FixedKeys()) == signed, "Ed25519 is deterministic"
    with pytest.raises(UnsignableDocumentError, match="already"):
        sign(signed, FixedKeys())


def _changes(value: Any) -> list[Any]:
    """The document with each of its leaves changed, one at a time, and with each member gone."""
    if isinstance(value, dict):
        inner = [value | {name: changed} for name in value for changed in _changes(value[name])]
        return inner + [{k: v for k, v in value.items() if k != name} for name in value]
    if isinstance(value, list):
        return [[*value[:n], changed, *value[n + 1 :]] for n in range(len(value)) for changed in _changes(value[n])]
    return ["A" + value[1:] if value[:1] != "A" else "B" + value[1:]] if isinstance(value, str) else [not value]


def test_every_change_is_refused() -> None:
    changed = _changes(sign(DOCUMENT, FixedKeys()))
    assert len(changed) > 15
    for document in changed:
        with pytest.raises(InvalidSignatureError):
            verify(document)


def test_a_document_signed_anew_by_another_key_is_intact_but_not_trusted() -> None:
    forged = sign(DOCUMENT | {"seconds": 2}, FixedKeys(2))
    verify(forged)
    with pytest.raises(UntrustedSignerError, match="none of those trusted"):
        verify(forged, trusted=[signer(FixedKeys(1))])


def test_another_process_verifies_without_the_vault(tmp_path: Path) -> None:
    signed = sign(DOCUMENT, Vault.open(tmp_path / "vault"))
    file = tmp_path / "signed.json"
    file.write_text(json.dumps(signed))
    code = "import json, sys; from privacy.signing import verify; verify(json.load(open(sys.argv[1])))"
    subprocess.run([sys.executable, "-W", "ignore", "-c", code, file], check=True)
    assert signed["signature"]["key_id"] == signer(Vault.open(tmp_path / "vault"))
    assert len(digest(signed)) == 64

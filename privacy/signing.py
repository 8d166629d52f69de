"""Signed JSON documents: Ed25519 over canonical JSON (RFC 8785). What a document says is its author's business."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any, Protocol

from privacy.errors import InvalidSignatureError, UnsignableDocumentError, UntrustedSignerError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

ALGORITHM = "Ed25519"  # RFC 8032
PURPOSE = "document-signing"
SIGNATURE = "signature"
FIELDS = {"algorithm", "key_id", "public_key", "value"}
LARGEST_PLAIN = 10**21  # from here on ECMAScript writes exponents; other readers keep every number as a double


class PurposeKeys(Protocol):
    """The part of a vault that signing needs."""

    def purpose_key(self, purpose: str) -> bytes:
        """The 32 secret bytes of a purpose."""


def sign(document: Mapping[str, Any], vault: PurposeKeys) -> dict[str, Any]:
    """The document with a member `signature` {algorithm, key_id, public_key, value}; the rest is as it was.

    Everything but `signature.value` is signed. Raises UnsignableDocumentError for what JSON cannot hold exactly and
    for a document that carries a signature already.
    """
    if SIGNATURE in document:
        raise UnsignableDocumentError("the document carries a signature already; take it out or wrap the document")
    key = _private_key(vault)
    public = key.public_key().public_bytes_raw()
    about = {"algorithm": ALGORITHM, "key_id": key_id(public), "public_key": _encode(public)}
    value = key.sign(canonical({**document, SIGNATURE: about}))
    return {**document, SIGNATURE: about | {"value": _encode(value)}}


def verify(document: Mapping[str, Any], trusted: Collection[str] | None = None) -> None:
    """Check a signed document by itself: no vault, no network.

    Without `trusted` this proves that nothing was changed since the holder of the named key signed it. With `trusted`
    (key ids, learnt from the signer by another way) it proves also who that was. Raises InvalidSignatureError or
    UntrustedSignerError.
    """
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    signature = document.get(SIGNATURE)
    if not isinstance(signature, Mapping) or set(signature) != FIELDS or signature["algorithm"] != ALGORITHM:
        raise InvalidSignatureError(f"the document carries no {ALGORITHM} signature; ask its sender for the signed one")
    try:
        public, value = _decode(signature["public_key"]), _decode(signature["value"])
        about = {name: signature[name] for name in FIELDS - {"value"}}
        Ed25519PublicKey.from_public_bytes(public).verify(value, canonical({**document, SIGNATURE: about}))
    except (InvalidSignature, ValueError, TypeError, UnsignableDocumentError):
        raise _changed() from None
    if signature["key_id"] != key_id(public):
        raise _changed()
    if trusted is not None and signature["key_id"] not in trusted:
        raise UntrustedSignerError(
            f"the document is intact, but its key {signature['key_id']} is none of those trusted; ask whose it is"
        )


def key_id(public: bytes) -> str:
    """The name of a public key of 32 bytes: the first 16 bytes of its SHA-256 in hexadecimal."""
    return hashlib.sha256(public).hexdigest()[:32]


def signer(vault: PurposeKeys) -> str:
    """The key id under which this vault signs: what others put among their trusted ones."""
    return key_id(_private_key(vault).public_key().public_bytes_raw())


def digest(document: Mapping[str, Any]) -> str:
    """SHA-256 of the canonical document in hexadecimal, signature and all."""
    return hashlib.sha256(canonical(document)).hexdigest()


def canonical(value: Any) -> bytes:
    """The one spelling of a JSON value (RFC 8785): sorted keys, no spaces, UTF-8, numbers as ECMAScript writes them.

    Raises UnsignableDocumentError for NaN, integers that a double would change, lone surrogates, types that JSON lacks.
    """
    try:
        return _text(value).encode()
    except UnicodeEncodeError:
        raise UnsignableDocumentError("a text of the document is no Unicode (lone surrogate); repair it") from None


def _text(value: Any) -> str:
    match value:
        case None | bool() | str():
            return json.dumps(value, ensure_ascii=False)
        case int() if abs(value) < LARGEST_PLAIN and _number(float(value)) == str(value):
            return str(value)
        case float() if abs(value) < float("inf"):
            return _number(value)
        case Mapping() if all(isinstance(name, str) for name in value):
            names = sorted(value, key=lambda name: name.encode("utf-16-be", "surrogatepass"))
            return "{" + ",".join(f"{_text(name)}:{_text(value[name])}" for name in names) + "}"
        case list() | tuple():
            return "[" + ",".join(map(_text, value)) + "]"
    raise UnsignableDocumentError(f"JSON cannot hold this {type(value).__name__} exactly; write it as text")


def _number(value: float) -> str:
    """ECMAScript's Number::toString (ECMA-262 section 6.1.6.1.20); repr has the same shortest digits."""
    if value == 0:
        return "0"
    found = re.fullmatch(r"(-?)(\d+)(?:\.(\d+))?(?:e([+-]\d+))?", repr(value))
    assert found is not None  # noqa: S101 - repr of a finite float has no other form
    sign, whole, fraction, exponent = found[1], found[2], found[3] or "", int(found[4] or 0)
    point = len(whole) + exponent
    leading = whole + fraction
    digits = leading.lstrip("0")
    point -= len(leading) - len(digits)
    digits = digits.rstrip("0")
    if len(digits) <= point <= 21:
        return sign + digits.ljust(point, "0")
    if 0 < point <= 21:
        return f"{sign}{digits[:point]}.{digits[point:]}"
    if -6 < point <= 0:
        return f"{sign}0.{'0' * -point}{digits}"
    tail = f".{digits[1:]}" if len(digits) > 1 else ""
    return f"{sign}{digits[0]}{tail}e{point - 1:+d}"


def _private_key(vault: PurposeKeys) -> Ed25519PrivateKey:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    return Ed25519PrivateKey.from_private_bytes(vault.purpose_key(PURPOSE))


def _changed() -> InvalidSignatureError:
    return InvalidSignatureError("the signature does not fit the document: it was changed; get it anew from its sender")


def _encode(content: bytes) -> str:
    return base64.b64encode(content).decode()


def _decode(text: str) -> bytes:
    return base64.b64decode(text, validate=True)

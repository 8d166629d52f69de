"""Many values at once under their subjects' data keys: bytes columns in, bytes columns out. Pure, but for nonces drawn.

A sealed value is one version byte, the key's id (6 bytes), the nonce (12), the ciphertext and its tag (16). Subject and
field are authenticated: a value moved to another person or field does not open.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from privacy.errors import VaultKeyMismatchError
from privacy.vault.cipher import NONCE_BYTES
from privacy.vault.errors import ForgottenSubjectError
from privacy.vault.subjects import KEY_ID_BYTES, DataKey

if TYPE_CHECKING:
    import pyarrow as pa

VERSION = b"\x01"
HEADER_BYTES = len(VERSION) + KEY_ID_BYTES
_BODY = HEADER_BYTES + NONCE_BYTES

Owner = tuple[str, str]  # subject, field
Draw = Callable[[int], bytes]


def seal_fields(
    values: pa.Array, subjects: pa.Array, field: str, keys: Mapping[str, DataKey], *, draw: Draw = secrets.token_bytes
) -> pa.Array:
    """Seal a column of bytes or text, each value under its subject's key; null stays null. Returns binary.

    `draw(n)` gives n random bytes and is called once. Raises KeyError for a subject without a key, or null.
    """
    import pyarrow as pa

    distinct, owners = _encoded(subjects)
    ring = [(subject, field) for subject in distinct]
    return pa.array(seal_all(_bytes_of(values), owners, ring, keys, draw=draw), pa.binary())


def unseal_fields(
    sealed: pa.Array, subjects: pa.Array, field: str, keys: Mapping[str, DataKey], *, forgotten_as_null: bool = False
) -> pa.Array:
    """Open a column that seal_fields made. Returns binary.

    Raises VaultKeyMismatchError for changed bytes, another subject or another field, and ForgottenSubjectError for a
    value whose key is gone, which is null instead where the caller says so.
    """
    import pyarrow as pa

    distinct, owners = _encoded(subjects)
    ring = [(subject, field) for subject in distinct]
    opened = unseal_all(sealed.to_pylist(), owners, ring, keys, forgotten_as_null=forgotten_as_null)
    return pa.array(opened, pa.binary())


def seal_all(
    values: Iterable[bytes | None],
    owners: Sequence[int],
    ring: Sequence[Owner],
    keys: Mapping[str, DataKey],
    *,
    draw: Draw = secrets.token_bytes,
) -> list[bytes | None]:
    """Seal values; owners[i] is the position in `ring` of the subject and field that value i belongs to."""
    nonces = draw(NONCE_BYTES * len(owners))
    ciphers = [_sealer(keys[subject], subject, field) for subject, field in ring]
    sealed: list[bytes | None] = []
    add, at = sealed.append, 0
    for value, owner in zip(values, owners, strict=True):
        if value is None:
            add(None)
            continue
        encrypt, header, bound = ciphers[owner]
        nonce = nonces[at : at + NONCE_BYTES]
        at += NONCE_BYTES
        add(header + nonce + encrypt(nonce, value, bound))
    return sealed


def unseal_all(
    sealed: Iterable[bytes | None],
    owners: Sequence[int],
    ring: Sequence[Owner],
    keys: Mapping[str, DataKey],
    *,
    forgotten_as_null: bool = False,
) -> list[bytes | None]:
    """Open what seal_all made for the same owners; see unseal_fields."""
    from cryptography.exceptions import InvalidTag

    ciphers = [_opener(keys.get(subject), subject, field) for subject, field in ring]
    opened: list[bytes | None] = []
    add = opened.append
    for value, owner in zip(sealed, owners, strict=True):
        if value is None:
            add(None)
            continue
        decrypt, header, bound = ciphers[owner]
        if value[:HEADER_BYTES] != header:
            _refuse_unless_forgotten(value, ring[owner][1], allowed=forgotten_as_null)
            add(None)
            continue
        try:
            add(decrypt(value[HEADER_BYTES:_BODY], value[_BODY:], bound))
        except (InvalidTag, ValueError):
            raise _changed(ring[owner][1]) from None
    return opened


def bound_to(subject: str, field: str) -> bytes:
    """The associated data of a value: field and subject, told apart by the field's length."""
    name = field.encode()
    return len(name).to_bytes(2, "big") + name + subject.encode("utf-8", "surrogatepass")


def _sealer(key: DataKey, subject: str, field: str) -> tuple[Any, bytes, bytes]:
    return key.cipher.encrypt, VERSION + key.key_id, bound_to(subject, field)


def _opener(key: DataKey | None, subject: str, field: str) -> tuple[Any, bytes, bytes]:
    if key is None:
        return None, b"", b""  # no value has an empty header
    return key.cipher.decrypt, VERSION + key.key_id, bound_to(subject, field)


def _refuse_unless_forgotten(value: bytes, field: str, *, allowed: bool) -> None:
    if len(value) < _BODY or value[: len(VERSION)] != VERSION:
        raise _changed(field)
    if not allowed:
        raise ForgottenSubjectError(
            f"the key that sealed a value of {field} is not the subject's: it was destroyed, or the value was moved"
        )


def _changed(field: str) -> VaultKeyMismatchError:
    return VaultKeyMismatchError(
        f"a sealed value of {field} does not open: its bytes were changed, or it belongs to another subject or field"
    )


def _encoded(subjects: pa.Array) -> tuple[list[str], list[int]]:
    import pyarrow as pa

    array = subjects.combine_chunks() if isinstance(subjects, pa.ChunkedArray) else subjects
    if array.null_count:
        raise KeyError("a value has no subject: name the one under whose key it is to be sealed")
    coded = array.dictionary_encode()
    return coded.dictionary.to_pylist(), coded.indices.to_pylist()


def _bytes_of(values: pa.Array) -> list[bytes | None]:
    import pyarrow as pa

    return values.cast(pa.large_binary()).to_pylist()  # type: ignore[no-any-return]

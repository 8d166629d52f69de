"""Many values at once under their subjects' data keys: bytes columns in, bytes columns out. Pure, but for nonces drawn.

A sealed value is one version byte, the key's id (6 bytes), the nonce (12), the ciphertext and its tag (16). Subject and
field are authenticated: a value moved to another person or field does not open.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from privacy.errors import VaultKeyMismatchError
from privacy.vault.cipher import NONCE_BYTES, TAG_BYTES
from privacy.vault.columns import Bytes, bytes_of, column_of, encoded, laid_out
from privacy.vault.errors import ForgottenSubjectError
from privacy.vault.subjects import KEY_ID_BYTES, DataKey

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

VERSION = b"\x01"
HEADER_BYTES = len(VERSION) + KEY_ID_BYTES
FRONT_BYTES = HEADER_BYTES + NONCE_BYTES
LEAST_BYTES = FRONT_BYTES + TAG_BYTES

Owner = tuple[str, str]  # subject, field
Draw = Callable[[int], bytes]


def seal_fields(
    values: pa.Array, subjects: pa.Array, field: str, keys: Mapping[str, DataKey], *, draw: Draw = secrets.token_bytes
) -> pa.Array:
    """Seal a column of bytes or text, each value under its subject's key; null stays null. Returns large_binary.

    `draw(n)` gives n random bytes and is called once. Raises KeyError for a subject without a key, or null.
    """
    distinct, owners = encoded(subjects)
    return seal_all(values, owners, [(subject, field) for subject in distinct], keys, draw=draw)


def unseal_fields(
    sealed: pa.Array, subjects: pa.Array, field: str, keys: Mapping[str, DataKey], *, forgotten_as_null: bool = False
) -> pa.Array:
    """Open a column that seal_fields made. Returns large_binary.

    Raises VaultKeyMismatchError for changed bytes, another subject or another field, and ForgottenSubjectError for a
    value whose key is gone, which is null instead where the caller says so.
    """
    distinct, owners = encoded(subjects)
    ring = [(subject, field) for subject in distinct]
    return unseal_all(sealed, owners, ring, keys, forgotten_as_null=forgotten_as_null)


def seal_all(
    values: pa.Array,
    owners: np.ndarray,
    ring: Sequence[Owner],
    keys: Mapping[str, DataKey],
    *,
    draw: Draw = secrets.token_bytes,
) -> pa.Array:
    """Seal values; owners[i] is the position in `ring` of the subject and field that value i belongs to."""
    import numpy as np

    plain = bytes_of(values)
    sealed = laid_out(plain, LEAST_BYTES)
    rows = _by_owner(plain.valid, owners)
    headers = np.array([list(VERSION + keys[subject].key_id) for subject, _ in ring], np.uint8)
    nonces = draw(NONCE_BYTES * len(rows))
    drawn = np.frombuffer(nonces, np.uint8).reshape(-1, NONCE_BYTES)
    sealed.write(rows, 0, np.hstack([headers.reshape(-1, HEADER_BYTES)[owners[rows]], drawn]))
    ciphers = [(keys[subject].cipher.encrypt_into, bound_to(subject, field)) for subject, field in ring]
    source, target = plain.view(), sealed.view()
    at = 0
    spans = (plain.starts[rows], plain.ends[rows], sealed.starts[rows] + FRONT_BYTES, sealed.ends[rows], owners[rows])
    for start, end, first, last, owner in zip(*(span.tolist() for span in spans), strict=True):
        encrypt, bound = ciphers[owner]
        encrypt(nonces[at : at + NONCE_BYTES], source[start:end], bound, target[first:last])
        at += NONCE_BYTES
    return column_of(sealed)


def unseal_all(
    values: pa.Array,
    owners: np.ndarray,
    ring: Sequence[Owner],
    keys: Mapping[str, DataKey],
    *,
    forgotten_as_null: bool = False,
) -> pa.Array:
    """Open what seal_all made for the same owners; see unseal_fields."""
    from cryptography.exceptions import InvalidTag

    sealed = bytes_of(values)
    kept = _with_key(sealed, owners, ring, keys, forgotten_as_null=forgotten_as_null)
    plain = laid_out(sealed.only(kept), -LEAST_BYTES)
    rows = _by_owner(plain.valid, owners)
    ciphers = [_opener(keys.get(subject), subject, field) for subject, field in ring]
    source, target = sealed.view(), plain.view()
    spans = (sealed.starts[rows] + HEADER_BYTES, sealed.ends[rows], plain.starts[rows], plain.ends[rows], owners[rows])
    for start, end, first, last, owner in zip(*(span.tolist() for span in spans), strict=True):
        decrypt, bound = ciphers[owner]
        body = start + NONCE_BYTES
        try:
            decrypt(source[start:body], source[body:end], bound, target[first:last])
        except InvalidTag:
            raise _changed(ring[owner][1]) from None
    return column_of(plain)


def bound_to(subject: str, field: str) -> bytes:
    """The associated data of a value: field and subject, told apart by the field's length."""
    name = field.encode()
    return len(name).to_bytes(2, "big") + name + subject.encode("utf-8", "surrogatepass")


def _by_owner(valid: np.ndarray, owners: np.ndarray) -> np.ndarray:
    """The rows with a value, those of one key together: a key's tables stay in the processor's cache."""
    import numpy as np

    rows = np.flatnonzero(valid)
    return rows[np.argsort(owners[rows], kind="stable")]


def _opener(key: DataKey | None, subject: str, field: str) -> tuple[Any, bytes]:
    return (key.cipher.decrypt_into if key else None), bound_to(subject, field)


def _with_key(
    sealed: Bytes, owners: np.ndarray, ring: Sequence[Owner], keys: Mapping[str, DataKey], *, forgotten_as_null: bool
) -> np.ndarray:
    """Which values were sealed by the key that their owner has now."""
    import numpy as np

    lengths = sealed.ends - sealed.starts
    if (bad := np.flatnonzero(sealed.valid & (lengths < LEAST_BYTES))).size:
        raise _changed(ring[owners[bad[0]]][1])
    rows = np.flatnonzero(sealed.valid)
    headers = sealed.read(rows, 0, HEADER_BYTES)
    if (bad := rows[headers[:, 0] != VERSION[0]]).size:
        raise _changed(ring[owners[bad[0]]][1])
    expected = [list(VERSION + keys[subject].key_id) if subject in keys else [0] * HEADER_BYTES for subject, _ in ring]
    same = (headers == np.array(expected, np.uint8).reshape(-1, HEADER_BYTES)[owners[rows]]).all(axis=1)
    if not forgotten_as_null and not same.all():
        raise ForgottenSubjectError(
            f"the key that sealed a value of {ring[owners[rows[~same][0]]][1]} is not the subject's: it was destroyed, "
            "or the value was moved"
        )
    kept = np.zeros(len(sealed.valid), bool)
    kept[rows[same]] = True
    return kept


def _changed(field: str) -> VaultKeyMismatchError:
    return VaultKeyMismatchError(
        f"a sealed value of {field} does not open: its bytes were changed, or it belongs to another subject or field"
    )

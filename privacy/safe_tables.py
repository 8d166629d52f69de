"""The two safe tables from the pieces of a batch: keyed identities, sorted by day and keyed event id. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from privacy import decisions as consent
from privacy import labels
from privacy.anonymity.shared_events import protect_shared_events
from privacy.arrays import one
from privacy.errors import MissingTokenError
from privacy.event_ids import event_ids, hexadecimal, order_by_day_and_id
from privacy.pseudonyms import Keyring, encoded, token, tokens_of
from privacy.rows import PERSONAL, Piece, Rows

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pyarrow as pa

PURPOSE_BITS = (1 << len(consent.PURPOSES_KEPT)) - 1
HOUR = 3_600_000_000


@dataclass(frozen=True, slots=True)
class _Made:
    """What the plans made, joined over the pieces, the batch row that each made row comes from, and facts by row.

    people: a number for whose the row is; words: columns of the batch that both tables need, as codes.
    """

    columns: dict[str, pa.Array]
    at: npt.NDArray[np.int64]
    people: npt.NDArray[np.int64]
    words: dict[str, pa.DictionaryArray]


def assemble(
    batch: pa.Table, rows: Rows, pieces: list[Piece], keyring: Keyring, tokens: dict[str, str], k: int
) -> tuple[pa.Table, pa.Table, npt.NDArray[np.int64]]:
    """(pseudonymous rows, anonymous rows in classes of k people, batch rows that are in neither for want of people)."""
    import numpy as np

    at = np.concatenate([piece.at for piece in pieces]) if pieces else np.zeros(0, dtype=np.int64)
    differs = any("anonymous_data" in piece.result.column_names for piece in pieces)
    data = _joined(pieces, "data")
    joined = {"data": data, "anonymous_data": _joined(pieces, "anonymous_data") if differs else data}
    pseudonymous = np.flatnonzero((rows.levels[at] < PERSONAL) & ((rows.held[at] & PURPOSE_BITS) != 0))
    anonymous = np.flatnonzero((rows.held[at] & consent.SHARING_BIT) != 0)
    words = {name: one(batch[name]).dictionary_encode() for name in ("source", "company_id")}
    made = _Made(joined, at, _people(rows, tokens), words)
    shared, kept = _anonymous(batch, rows, made, anonymous, keyring, k)
    is_lost = np.zeros(len(rows.reasons), dtype=np.bool_)
    is_lost[at[anonymous]] = True
    is_lost[at[pseudonymous]] = is_lost[kept] = False
    return _pseudonymous(batch, rows, made, pseudonymous, keyring, tokens), shared, np.flatnonzero(is_lost)


def _people(rows: Rows, tokens: dict[str, str]) -> npt.NDArray[np.int64]:
    """A number per row of the batch for its person, -1 for nobody: ids under one pseudonym are one person."""
    import numpy as np
    import pyarrow as pa

    if len(set(tokens.values())) == len(tokens):
        return rows.subject_codes
    subjects = rows.subjects.to_pylist()
    numbers = pa.array([tokens.get(user, user) for user in subjects], pa.string()).dictionary_encode().indices
    people = np.append(numbers.to_numpy().astype(np.int64), -1)  # the last is what the code -1 of nobody picks
    return people[rows.subject_codes]


def _joined(pieces: list[Piece], name: str) -> pa.Array:
    """A column of all pieces; where a plan has no anonymous_data, it is the same as data."""
    import pyarrow as pa

    parts = [piece.result[name if name in piece.result.column_names else "data"] for piece in pieces]
    return one(pa.chunked_array([chunk for part in parts for chunk in part.chunks], pa.string()))


def _pseudonymous(
    batch: pa.Table,
    rows: Rows,
    made: _Made,
    chosen: npt.NDArray[np.int64],
    keyring: Keyring,
    tokens: dict[str, str],
) -> pa.Table:
    import numpy as np
    import pyarrow as pa

    chosen, ids = _in_order(batch, rows, made, chosen, keyring.pseudonymous)
    source = made.at[chosen]
    codes = rows.subject_codes[source]
    subject = _subject_tokens(rows.subjects, codes, tokens)
    purposes = _purpose_lists().take(pa.array(rows.held[source] & np.uint8(PURPOSE_BITS | consent.SHARING_BIT)))
    keys = pa.array(source)
    picked = pa.array(chosen)
    own = {
        name: _personal_tokens(
            keyring.pseudonymous, prefix, subject, codes, _picked(one(batch[column]).dictionary_encode(), keys)
        )
        for name, column, prefix in (("persona", "persona_id", "p"), ("session", "session_id", "s"))
    }
    company = _tokens(keyring.pseudonymous, "c", _picked(made.words["company_id"], keys))
    return pa.table(
        {
            "event_id": ids,
            "subject": subject,
            "persona": own["persona"],
            "company": company,
            "session": own["session"],
            **{name: _words(rows.labels[name], keys) for name in labels.COLUMNS},
            "data": made.columns["data"].take(picked),
            "occurred_at": one(batch["created_at"]).take(keys),
            "received_at": one(batch["received_at"]).take(keys),
            "event_day": one(batch["event_day"]).take(keys),
            "purposes": purposes,
        }
    )


def _anonymous(
    batch: pa.Table,
    rows: Rows,
    made: _Made,
    chosen: npt.NDArray[np.int64],
    keyring: Keyring,
    k: int,
) -> tuple[pa.Table, npt.NDArray[np.int64]]:
    import pyarrow as pa

    chosen, ids = _in_order(batch, rows, made, chosen, keyring.anonymous)
    keys, picked = pa.array(made.at[chosen]), pa.array(chosen)
    created = one(batch["created_at"]).take(keys)
    hours = created.cast(pa.int64()).to_numpy() // HOUR * HOUR
    events = pa.table(
        {
            "anonymous_id": ids,
            "company": _tokens(keyring.anonymous, "c", _picked(made.words["company_id"], keys)),
            **{name: _words(rows.labels[name], keys) for name in labels.COLUMNS},
            "data": made.columns["anonymous_data"].take(picked),
            "occurred_hour": pa.array(hours).cast(created.type),
            "event_day": one(batch["event_day"]).take(keys),
            "row": keys,
        }
    )
    codes = made.people[made.at[chosen]]
    kept, _ = protect_shared_events(events, pa.array(codes, mask=codes < 0), k)
    return kept.drop_columns(["row"]), kept["row"].to_numpy()


def _in_order(
    batch: pa.Table, rows: Rows, made: _Made, chosen: npt.NDArray[np.int64], key: bytes
) -> tuple[npt.NDArray[np.int64], pa.Array]:
    """The chosen rows sorted by day and id, which hides the order of arrival, and their ids."""
    import numpy as np
    import pyarrow as pa

    source = made.at[chosen]
    senders, own = made.words["source"], one(batch["id"])
    if len(source) < len(own) or (np.diff(source) != 1).any():
        senders, own = senders.take(pa.array(source)), own.take(pa.array(source))
    ids = event_ids(key, senders, own)
    order = order_by_day_and_id(rows.days[source], ids)
    return chosen[order], hexadecimal(ids.take(order, axis=0))


def _words(column: pa.DictionaryArray, at: pa.Array) -> pa.Array:
    import pyarrow as pa

    if len(column.dictionary) == 1 and column.null_count == 0:
        return pa.repeat(column.dictionary[0], len(at))
    return column.dictionary.take(column.indices.take(at))


def _subject_tokens(subjects: pa.Array, codes: npt.NDArray[np.int64], tokens: dict[str, str]) -> pa.Array:
    import numpy as np
    import pyarrow as pa

    needed = np.bincount(codes[codes >= 0], minlength=len(subjects)) > 0
    made = [tokens.get(subject) for subject in subjects.to_pylist()]
    if any(text is None for text, is_needed in zip(made, needed.tolist(), strict=True) if is_needed):
        raise MissingTokenError("a subject of the batch has no pseudonym; make tokens for every user_id of it")
    return pa.array(made, pa.string()).take(pa.array(codes, mask=codes < 0))


def _picked(words: pa.DictionaryArray, at: pa.Array) -> pa.DictionaryArray:
    """Some rows of an encoded column: texts that lie in order are hashed faster than scattered ones."""
    import pyarrow as pa

    return pa.DictionaryArray.from_arrays(words.indices.take(at), words.dictionary)


def _personal_tokens(
    key: bytes, prefix: str, subject: pa.Array, codes: npt.NDArray[np.int64], ids: pa.DictionaryArray
) -> pa.Array:
    """Tokens under the subject's own token, so that they die with its salt; one HMAC per distinct (subject, id)."""
    import numpy as np
    import pyarrow as pa

    there = np.flatnonzero(ids.indices.is_valid().to_numpy(zero_copy_only=False))
    if not len(there):
        return pa.nulls(len(ids), pa.string())
    words = ids.indices.fill_null(0).to_numpy().astype(np.int64)
    pairs = _pairs(codes[there], words[there], len(ids.dictionary))
    first = np.zeros(pairs.max() + 1, dtype=np.int64)
    first[pairs] = there  # any row of the pair will do
    owners, values = subject.take(pa.array(first)).to_pylist(), ids.dictionary.to_pylist()
    chosen = (values[word] for word in words[first].tolist())
    made = tokens_of(key, prefix, zip((owner or "" for owner in owners), chosen, strict=True))
    at = np.full(len(ids), -1, dtype=np.int64)
    at[there] = pairs
    return pa.array(made, pa.string()).take(pa.array(at, mask=at < 0))


def _pairs(codes: npt.NDArray[np.int64], words: npt.NDArray[np.int64], n_words: int) -> npt.NDArray[np.int64]:
    """A number per distinct (code, word): the word itself where each word has one code only, as sessions have."""
    import numpy as np
    import pyarrow as pa

    owner = np.zeros(n_words, dtype=np.int64)
    owner[words] = codes
    if (owner[words] == codes).all():
        return words
    numbers: npt.NDArray[np.int64] = pa.array((codes + 1) * n_words + words).dictionary_encode().indices.to_numpy()
    return numbers


def _tokens(key: bytes, prefix: str, ids: pa.DictionaryArray) -> pa.Array:
    import pyarrow as pa

    made = [token(key, prefix, encoded(word)) for word in ids.dictionary.to_pylist()]
    return pa.array(made, pa.string()).take(ids.indices)


def _purpose_lists() -> pa.Array:
    import pyarrow as pa

    held = [
        [p for bit, p in enumerate(consent.CARRIED) if mask >> bit & 1] for mask in range(1 << len(consent.CARRIED))
    ]
    return pa.array(held, pa.list_(pa.string()))

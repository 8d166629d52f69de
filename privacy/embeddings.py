"""Texts as vectors of 768 figures by keyed feature hashing: no model, no download, no state. Pure; keys are arguments.

Feature hashing as in Weinberger et al., "Feature Hashing for Large Scale Multitask Learning" (ICML 2009), with AES as
the hash: without the key nobody can work out which place a word has, and so not look a word up in a vector.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

from privacy.pseudonyms import domain_key

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Codes = npt.NDArray[np.uint64]

DIMENSIONS = 768
VERSION = 1  # of the features below: vectors of two versions, or of two keys, are not comparable
CHARACTER_GRAMS = (3, 4, 5)
MAX_CHARACTERS = 8_000  # of a text: what follows is not read
CHARACTERS_AT_ONCE = 1 << 18  # of the texts held as features at a time: bounds memory, and stays in the caches
CHARACTER_BITS = 21  # of a Unicode code point
BUCKET_BITS = 44  # of a hash kept beside the number of its text
PRIME = 0x9E3779B97F4A7C15  # odd: the words' polynomial runs over all of 64 bits


def embed(texts: Sequence[str], key: bytes) -> npt.NDArray[np.float32]:
    """A vector of length 1 per text, shape (n, 768); of length 0 where a text has no letter or digit.

    key: 32 bytes. Features are words, pairs of neighbouring words, and 3 to 5 neighbouring characters within a word
    and its borders, case folded; each weighs 1 + log(times), at a place and with a sign that its hash says. A vector
    depends on its text and the key alone.
    """
    import numpy as np

    folded = [" ".join(_words(text[:MAX_CHARACTERS])) for text in texts]
    made = np.zeros((len(texts), DIMENSIONS), np.float32)
    for start, end in pairwise(_bounds([len(text) for text in folded])):
        made[start:end] = _vectors(folded[start:end], key)
    return made


def _words(text: str) -> list[str]:
    """The words of a text, case folded: what is no letter or digit parts them."""
    return "".join(c if c.isalnum() else " " for c in text.casefold()).split()


def _bounds(lengths: Sequence[int]) -> list[int]:
    """Where parts of about CHARACTERS_AT_ONCE begin, and the end."""
    bounds, n = [0], 0
    for number, length in enumerate(lengths):
        if n and n + length > CHARACTERS_AT_ONCE:
            bounds.append(number)
            n = 0
        n += length + 2
    return [*bounds, len(lengths)] if lengths else bounds


def _vectors(texts: Sequence[str], key: bytes) -> npt.NDArray[np.float32]:
    import numpy as np

    # Every text stands between two spaces, so that a first word has borders like any other.
    content = np.frombuffer(
        "".join(f" {text} " for text in texts).encode("utf-32-le", "surrogatepass"), np.uint32
    ).astype(np.uint64)
    of_text = np.repeat(np.arange(len(texts), dtype=np.uint64), [len(text) + 2 for text in texts])
    is_space = content == ord(" ")
    made = [
        *_hashed(*_word_grams(content, is_space, of_text), domain_key(key, "words")),
        *_hashed(*_character_grams(content, is_space, of_text), domain_key(key, "characters")),
    ]
    return _normalised(np.concatenate(made), len(texts))


def _word_grams(
    content: Codes, is_space: npt.NDArray[np.bool_], of_text: Codes
) -> tuple[list[tuple[Codes, Codes]], list[Codes]]:
    """Words and pairs of words of one text as two 64-bit halves, and the texts that they are in."""
    import numpy as np

    starts = np.flatnonzero(is_space[:-1] & ~is_space[1:]) + 1
    if not len(starts):
        return [], []
    borders = np.append(0, starts)
    place = np.arange(len(content)) - np.repeat(borders, np.diff(np.append(borders, len(content))))
    powers = np.cumprod(np.full(int(place.max()) + 1, PRIME, np.uint64))
    letters = np.where(is_space, np.uint64(0), (content + np.uint64(1)) * powers[place])
    words, texts = np.add.reduceat(letters, starts), of_text[starts]
    beside = texts[1:] == texts[:-1]
    return [(words, np.zeros_like(words)), (words[:-1][beside], words[1:][beside])], [texts, texts[1:][beside]]


def _character_grams(
    content: Codes, is_space: npt.NDArray[np.bool_], of_text: Codes
) -> tuple[list[tuple[Codes, Codes]], list[Codes]]:
    """Neighbouring characters as two halves that hold them whole, and their texts; a space is only first or last."""
    import numpy as np

    bits = np.uint64(CHARACTER_BITS)
    grams, texts = [], []
    for size in CHARACTER_GRAMS:
        n = len(content) - size + 1
        inner = np.zeros(max(n, 0), np.bool_)
        for place in range(1, size - 1):
            inner |= is_space[place : place + n]
        at = np.flatnonzero(~inner)
        letters = [content[at + place] for place in range(size)]
        letters += [np.zeros_like(letters[0])] * (5 - size)
        low = letters[0] | letters[1] << bits | letters[2] << bits + bits
        grams.append((low, letters[3] | letters[4] << bits | np.uint64(size) << bits + bits))
        texts.append(of_text[at])
    return grams, texts


def _hashed(grams: list[tuple[Codes, Codes]], texts: list[Codes], key: bytes) -> list[Codes]:
    """AES-256 of each feature's 16 bytes: its first bits, below the number of its text."""
    import numpy as np
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

    # Single blocks, each once: as a keyed hash, not as encryption.
    encrypt = Cipher(algorithms.AES(key), modes.ECB()).encryptor().update  # noqa: S305
    found = []
    for (low, high), of_text in zip(grams, texts, strict=True):
        blocks = np.frombuffer(encrypt(np.stack([low, high], axis=1).view(np.uint8).data), np.uint64).reshape(-1, 2)
        found.append(of_text << np.uint64(BUCKET_BITS) | blocks[:, 0] >> np.uint64(64 - BUCKET_BITS))
    return found


def _normalised(features: Codes, n_texts: int) -> npt.NDArray[np.float32]:
    """Count equal features of a text, weigh, add up with signs, and bring to length 1. The order of adding is fixed."""
    import numpy as np

    features.sort()
    first = np.flatnonzero(np.append(True, features[1:] != features[:-1])) if len(features) else np.zeros(0, np.int64)
    times = np.diff(np.append(first, len(features)))
    kinds = features[first]
    of_text, hashes = kinds >> np.uint64(BUCKET_BITS), kinds & np.uint64((1 << BUCKET_BITS) - 1)
    weights = (1 + np.log(times)) * np.where(hashes & np.uint64(1), 1.0, -1.0)
    places = of_text * np.uint64(DIMENSIONS) + (hashes >> np.uint64(1)) % np.uint64(DIMENSIONS)
    sums = np.bincount(places.astype(np.int64), weights, n_texts * DIMENSIONS).reshape(n_texts, DIMENSIONS)
    lengths = np.sqrt((sums * sums).sum(axis=1, keepdims=True))
    made: npt.NDArray[np.float32] = (sums / np.where(lengths == 0, 1, lengths)).astype(np.float32)
    return made

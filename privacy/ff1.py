"""FF1, format-preserving encryption of numerals: algorithm 7 of NIST SP 800-38G, many values at once. Pure.

What the numerals stand for, and which values have them, is format_tokens.py's.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from privacy.errors import PrivacyError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers import CipherContext

MIN_DOMAIN = 10**6  # SP 800-38G revision 1, section 5
MAX_NUMERALS = 56  # beyond it decimal FF1 needs more than one block of key stream
ROUNDS = 10
BLOCK = 16
LETTERS = {10: "d", 16: "x"}


class NoSuchFormatError(PrivacyError):
    """A value lacks the form that its token would have to keep."""


def ff1(numerals: Sequence[str], key: bytes, tweak: bytes, radix: int = 10) -> list[str]:
    """Each numeral string under one permutation of all strings of its length: no two of them become the same.

    numerals: at least one, of one length, in lower case; radix: 10 or 16; key: 16 or 32 bytes; tweak: tells the
    permutations of a key apart. Raises NoSuchFormatError for a length with too few strings (MIN_DOMAIN) or too long.
    """
    n = len(numerals[0])
    if radix**n < MIN_DOMAIN or n > MAX_NUMERALS:
        raise NoSuchFormatError(
            f"a value has {n} digits to replace; a token of its form needs 6 to {MAX_NUMERALS}; mask it"
        )
    left, right = n // 2, n - n // 2
    n_bytes = -(-(radix**right - 1).bit_length() // 8)
    encryptor = _encryptor(key)
    fixed = _fixed_part(encryptor, n, tweak, radix, n_bytes)
    a, b = [int(text[:left], radix) for text in numerals], [int(text[left:], radix) for text in numerals]
    for number in range(ROUNDS):
        modulus = radix ** (right if number % 2 else left)
        stream = _stream(encryptor, fixed ^ number << 8 * n_bytes, b, 4 * -(-n_bytes // 4) + 4)
        a, b = b, [(one + drawn) % modulus for one, drawn in zip(a, stream, strict=True)]
    letter = LETTERS[radix]
    return [f"{one:0{left}{letter}}{other:0{right}{letter}}" for one, other in zip(a, b, strict=True)]


def _encryptor(key: bytes) -> CipherContext:
    """AES of single blocks, which is what CBC-MAC chains."""
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

    return Cipher(algorithms.AES(key), modes.ECB()).encryptor()  # noqa: S305 - FF1's own chaining is around it


def _fixed_part(encryptor: CipherContext, n: int, tweak: bytes, radix: int, n_bytes: int) -> int:
    """What the last block of the CBC-MAC is added to: all blocks before it are the same for every value and round."""
    head = bytes((1, 2, 1)) + radix.to_bytes(3, "big") + bytes((ROUNDS, n // 2 % 256))
    head += n.to_bytes(4, "big") + len(tweak).to_bytes(4, "big")
    text = head + tweak + bytes(-(len(tweak) + n_bytes + 1) % BLOCK) + bytes(n_bytes + 1)
    state = 0
    for start in range(0, len(text) - BLOCK, BLOCK):
        state ^= int.from_bytes(text[start : start + BLOCK], "big")
        state = int.from_bytes(encryptor.update(state.to_bytes(BLOCK, "big")), "big")
    return state ^ int.from_bytes(text[-BLOCK:], "big")


def _stream(encryptor: CipherContext, fixed: int, halves: list[int], n_bytes: int) -> list[int]:
    """The key stream of a round for the right half of every value, as numbers of n_bytes."""
    blocks = encryptor.update(b"".join([(fixed ^ half).to_bytes(BLOCK, "big") for half in halves]))
    return [int.from_bytes(blocks[at : at + n_bytes], "big") for at in range(0, len(blocks), BLOCK)]

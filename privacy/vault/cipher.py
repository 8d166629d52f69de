"""AES-256-GCM for one value: nonce, ciphertext and tag in one piece. Many values at once are fields.py."""

from __future__ import annotations

import secrets

from privacy.errors import VaultKeyMismatchError

KEY_BYTES = 32
NONCE_BYTES = 12  # NIST SP 800-38D, section 8.2: 96-bit random nonces, at most 2^32 values under one key (8.3)
TAG_BYTES = 16


def encrypt(key: bytes, plaintext: bytes, associated_data: bytes) -> bytes:
    """The nonce (12 bytes), the ciphertext and its tag (16 bytes); the associated data is authenticated, not stored."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    nonce = secrets.token_bytes(NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, plaintext, associated_data)


def decrypt(key: bytes, sealed: bytes, associated_data: bytes, what: str) -> bytes:
    """What `encrypt` was given. Raises VaultKeyMismatchError, which names `what`, for another key or changed bytes."""
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    try:
        return AESGCM(key).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], associated_data)
    except (InvalidTag, ValueError):
        raise VaultKeyMismatchError(
            f"the vault cannot open the {what}: other master key or changed bytes; restore the vault from its backup"
        ) from None

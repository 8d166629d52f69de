"""An authority of the parties' own and the certificates by which they know each other. X.509, ECDSA P-256; no sockets.

A party makes its key where it stays, and asks; the authority signs what it was asked for. Files are 0600.
"""

from __future__ import annotations

import os
import re
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from privacy.multi_party.errors import MultiPartyInputError

if TYPE_CHECKING:
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

NAME = re.compile(r"[a-z][a-z0-9-]{0,38}[a-z0-9]")
VALID_FOR = timedelta(days=365)
AUTHORITY = "authority"
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Credentials:
    """A party's files: its key, its certificate, and the authority's certificate."""

    folder: Path
    name: str

    @property
    def key(self) -> Path:
        return self.folder / f"{self.name}.key"

    @property
    def request(self) -> Path:
        return self.folder / f"{self.name}.request"

    @property
    def certificate(self) -> Path:
        return self.folder / f"{self.name}.crt"

    @property
    def authority(self) -> Path:
        return self.folder / f"{AUTHORITY}.crt"

    def context(self, *, server: bool) -> ssl.SSLContext:
        """TLS 1.3 with both sides' certificates. Raises MultiPartyInputError where a file is missing or no pair."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER if server else ssl.PROTOCOL_TLS_CLIENT)
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        context.verify_mode = ssl.CERT_REQUIRED
        try:
            context.load_verify_locations(self.authority)
            context.load_cert_chain(self.certificate, self.key)
        except OSError as error:  # ssl.SSLError is one
            raise MultiPartyInputError(
                f"{self.folder} lacks a usable {self.key.name}, {self.certificate.name} or {self.authority.name} "
                f"({type(error).__name__}); ask for a certificate and have it signed"
            ) from None
        return context


def found_authority(folder: Path, *, now: datetime) -> Path:
    """A new authority's key and certificate in a folder; returns the certificate. Raises MultiPartyInputError."""
    from cryptography import x509
    from cryptography.hazmat.primitives.hashes import SHA256

    own = Credentials(folder, AUTHORITY)
    _require_new(own.key)
    key = _new_key()
    subject = _subject(AUTHORITY)
    certificate = (
        _dated(x509.CertificateBuilder(), now)
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, SHA256())
    )
    _write_key(own.key, key)
    _write(own.certificate, _pem(certificate))
    return own.certificate


def ask(folder: Path, name: str) -> Path:
    """A party's new key, and the request that the authority is to sign. Raises MultiPartyInputError."""
    from cryptography import x509
    from cryptography.hazmat.primitives.hashes import SHA256

    own = Credentials(folder, require_name(name))
    _require_new(own.key)
    key = _new_key()
    request = x509.CertificateSigningRequestBuilder().subject_name(_subject(name)).sign(key, SHA256())
    _write_key(own.key, key)
    _write(own.request, _pem(request))
    return own.request


def sign(folder: Path, request: Path, name: str, *, now: datetime) -> Path:
    """A certificate for a request, under the name that whoever signs has checked. Raises MultiPartyInputError."""
    from cryptography import x509
    from cryptography.hazmat.primitives.hashes import SHA256

    authority = Credentials(folder, AUTHORITY)
    asked = _read(request, x509.load_pem_x509_csr, "request")
    issuer = _read(authority.certificate, x509.load_pem_x509_certificate, "certificate of an authority")
    key = _read(authority.key, _load_key, "key of an authority")
    if not asked.is_signature_valid or asked.subject != _subject(require_name(name)):
        raise MultiPartyInputError(f"{request.name} is not a request of {name}; sign what {name} handed over")
    certificate = (
        _dated(x509.CertificateBuilder(), now)
        .subject_name(asked.subject)
        .issuer_name(issuer.subject)
        .public_key(asked.public_key())
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key()), critical=False)
        .sign(key, SHA256())
    )
    found = Credentials(folder, name).certificate
    _write(found, _pem(certificate))
    return found


def require_name(name: str) -> str:
    """A party's name. Raises MultiPartyInputError."""
    if not NAME.fullmatch(name) or name == AUTHORITY:
        raise MultiPartyInputError(
            f"a party is named by 2 to 40 small letters, digits and hyphens, and not {AUTHORITY}; rename it"
        )
    return name


def _subject(name: str) -> x509.Name:
    from cryptography import x509

    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, f"lethe multi-party {name}")])


def _dated(builder: x509.CertificateBuilder, now: datetime) -> x509.CertificateBuilder:
    from cryptography import x509

    return (
        builder.serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))  # clocks differ
        .not_valid_after(now + VALID_FOR)
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    from cryptography import x509

    return x509.KeyUsage(
        digital_signature=not signs_certificates, key_cert_sign=signs_certificates, crl_sign=signs_certificates,
        content_commitment=False, key_encipherment=False, data_encipherment=False, key_agreement=False,
        encipher_only=False, decipher_only=False,
    )  # fmt: skip


def _new_key() -> EllipticCurvePrivateKey:
    from cryptography.hazmat.primitives.asymmetric import ec

    return ec.generate_private_key(ec.SECP256R1())


def _load_key(text: bytes) -> EllipticCurvePrivateKey:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    key = load_pem_private_key(text, None)
    if not isinstance(key, EllipticCurvePrivateKey):
        raise ValueError("no key of an elliptic curve")
    return key


def _read(path: Path, load: Callable[[bytes], T], what: str) -> T:
    try:
        return load(path.read_bytes())
    except (OSError, ValueError) as error:
        raise MultiPartyInputError(f"{path} is no readable {what} ({type(error).__name__})") from None


def _require_new(key: Path) -> None:
    if key.exists():
        raise MultiPartyInputError(f"{key} exists and is kept; name another folder, or remove it yourself")
    key.parent.mkdir(parents=True, exist_ok=True, mode=0o700)


def _write_key(path: Path, key: EllipticCurvePrivateKey) -> None:
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    _write(path, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))


def _pem(found: x509.Certificate | x509.CertificateSigningRequest) -> bytes:
    from cryptography.hazmat.primitives.serialization import Encoding

    return found.public_bytes(Encoding.PEM)


def _write(path: Path, text: bytes) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(text)

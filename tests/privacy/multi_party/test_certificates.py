"""Keys stay private, and only what an authority has signed under the right name is taken."""

from __future__ import annotations

import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from privacy.multi_party import certificates
from privacy.multi_party.certificates import Credentials
from privacy.multi_party.errors import MultiPartyInputError

NOW = datetime(2026, 11, 21, tzinfo=UTC)


def test_keys_and_certificates_are_for_their_owner_only(authority: Path) -> None:
    modes = {stat.S_IMODE(path.stat().st_mode) for path in authority.iterdir()}
    assert modes == {0o600}
    assert Credentials(authority, "north").context(server=True).verify_mode == 2


def test_a_key_is_never_overwritten(authority: Path) -> None:
    with pytest.raises(MultiPartyInputError, match="is kept"):
        certificates.ask(authority, "north")
    with pytest.raises(MultiPartyInputError, match="is kept"):
        certificates.found_authority(authority, now=NOW)


def test_a_request_is_signed_under_its_own_name_only(authority: Path, tmp_path: Path) -> None:
    request = certificates.ask(tmp_path, "east")
    with pytest.raises(MultiPartyInputError, match="not a request of north"):
        certificates.sign(authority, request, "north", now=NOW)
    request.write_bytes(b"-----BEGIN CERTIFICATE REQUEST-----")
    with pytest.raises(MultiPartyInputError, match="no readable request"):
        certificates.sign(authority, request, "east", now=NOW)
    with pytest.raises(MultiPartyInputError, match="no readable certificate of an authority"):
        certificates.sign(tmp_path, authority / "north.request", "north", now=NOW)


def test_a_certificate_ends_after_a_year(authority: Path, tmp_path: Path) -> None:
    from cryptography import x509

    request = certificates.ask(tmp_path, "brief")
    signed = certificates.sign(authority, request, "brief", now=NOW)
    found = x509.load_pem_x509_certificate(signed.read_bytes())
    assert found.not_valid_after_utc - NOW == timedelta(days=365)
    signed.unlink()


@pytest.mark.parametrize("name", ["", "a", "North", "a b", "-ab", "ab-", "a" * 41, "authority", "../x"])
def test_names_that_are_no_names_are_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(MultiPartyInputError):
        certificates.ask(tmp_path, name)


def test_a_party_without_its_files_is_told_which(tmp_path: Path) -> None:
    with pytest.raises(MultiPartyInputError, match=r"north\.key, north\.crt or authority\.crt"):
        Credentials(tmp_path, "north").context(server=False)

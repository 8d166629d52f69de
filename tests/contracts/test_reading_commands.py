"""Every command is known as one that reads people's data, and then logs it, or as one that names nobody."""

from __future__ import annotations

from orchestration.privacy.readers import READS_PEOPLE
from tests.contracts.test_documents import KNOWN

# Counts, rules, states, or what a person's own request brings about; none prints or writes what is held on somebody.
NAMES_NOBODY = frozenset({
    "run", "up", "serve", "rollback", "download", "dbt-env",
    "status", "url", "down", "features list", "features extract",
    "models list", "models export", "models private", "models waiting", "models approve", "models refuse",
    "classify", "mapping suggest", "quarantine list", "quarantine replay",
    "privacy consent grant", "privacy consent withdraw", "privacy consent verify",
    "privacy consent serve", "privacy consent dismiss", "privacy consent gpc",
    "privacy requests open", "privacy requests list", "privacy requests verify-identity", "privacy requests approve",
    "privacy requests refuse", "privacy requests withdraw", "privacy requests extend", "privacy requests link",
    "privacy requests expire",
    "privacy identities merge", "privacy identities merge-file",
    "privacy anonymity check", "privacy anonymity anonymise",  # a file of their own, not what is held here
    "privacy erasure run", "privacy erasure verify", "privacy erasure status", "privacy verify",
    "privacy osint import",
    "privacy breaches open", "privacy breaches status", "privacy breaches close",
})  # fmt: skip
# Figures, keys and terms only.
AREAS = ("privacy budget ", "privacy multi-party ", "federated ", "privacy keys ", "privacy retention ")


def unknown(commands: set[str]) -> set[str]:
    return {name for name in commands - READS_PEOPLE - NAMES_NOBODY if not name.startswith(AREAS)}


def test_every_command_is_known_by_what_it_reads() -> None:
    assert unknown(set(KNOWN)) == set()
    assert set(KNOWN) >= READS_PEOPLE | NAMES_NOBODY
    assert unknown({"privacy consent spy"}) == {"privacy consent spy"}


def test_whoever_reads_people_can_say_who_they_are() -> None:
    for name in READS_PEOPLE:
        options = {option for action in KNOWN[name]._actions for option in action.option_strings}
        assert "--by" in options, name

"""Takes events in: the simulator or files, their consent evidence and their classification rules. No Dagster here."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from collection.errors import InputError
from privacy.vault.texts import seal_events

if TYPE_CHECKING:
    import psycopg

    from collection.admission import Blocked
    from collection.importer import ImportReport
    from collection.mapping import Mapping
    from collection.quarantine import ReplayReport
    from orchestration.platform import Platform


@dataclass(frozen=True, slots=True)
class Basis:
    """On what ground identified users' events of a file may be used: purposes and the reason somebody gives."""

    purposes: tuple[str, ...]
    reason: str


class UnstatedBasisError(InputError):
    """The basis for an import is incomplete."""


@dataclass(frozen=True, slots=True)
class SimulationPlan:
    """What `lethe run` without files simulates; remembered so that the next run simulates the same."""

    n_events: int
    seed: int
    end_on: str


def basis_of(mapping: Mapping, purposes: str | None, reason: str | None) -> Basis | None:
    """The basis from the command line, else from the mapping's consent section, else none.

    Raises UnstatedBasisError when purposes come without a reason.
    """
    if purposes:
        if not reason:
            raise UnstatedBasisError('--assume-consent needs --reason "..."; say why these purposes are allowed')
        return _known(Basis(tuple(item.strip() for item in purposes.split(",") if item.strip()), reason))
    if mapping.consent:
        if not mapping.consent.get("purposes") or not mapping.consent.get("reason"):
            raise UnstatedBasisError("the mapping's consent section needs both purposes: [...] and reason: ...")
        return _known(Basis(tuple(mapping.consent["purposes"]), str(mapping.consent["reason"])))
    return None


def _known(basis: Basis) -> Basis:
    """The basis, once every purpose in it is one that consent can be given for; checked before anything is stored."""
    from privacy.purposes import PURPOSES

    if unknown := sorted(set(basis.purposes) - set(PURPOSES)):
        raise UnstatedBasisError(f"there is no purpose {', '.join(unknown)}; the purposes are {', '.join(PURPOSES)}")
    return basis


def take_in_files(platform: Platform, files: list[Path], mapping: Mapping, basis: Basis | None) -> ImportReport:
    """Import files, then write the mapping's classification rules and their consent evidence.

    A file that is refused leaves neither. Every step is idempotent: a run killed between two of them is run again.
    """
    from collection.importer import import_files
    from collection.store import imported_subjects, stated_aliases

    with platform.database.connect("collection") as conn, uncollectable(platform) as blocked:
        report = import_files(
            conn,
            files,
            mapping,
            seal=platform.vault.seal,
            now=platform.settings.now(),
            has_basis=basis is not None,
            progress=lambda counts: platform.echo(f"{counts.n_read:,} records read"),
            blocked=blocked,
            protect=partial(seal_events, vault=platform.vault),
        )
        subjects = imported_subjects(conn, list(report.import_ids)) if basis else []
        aliases = stated_aliases(conn, list(report.import_ids), mapping.alias_places())
        received_at = first_received(conn, list(report.import_ids))
    load_rules(platform, mapping.classification)
    if basis and subjects:
        record_evidence(platform, subjects, mapping.source, basis, received_at)
    record_aliases(platform, aliases, mapping.source)
    remember_training_policy(platform, mapping.training)
    return report


def replay(platform: Platform, mapping_path: Path, purposes: str | None, reason: str | None) -> ReplayReport:
    """Try quarantined records again under a corrected mapping; each is stored at most once."""
    from collection import quarantine
    from collection.mapping import load_mapping
    from collection.store import imported_subjects, stated_aliases

    mapping = load_mapping(mapping_path)
    basis = basis_of(mapping, purposes, reason)
    with platform.database.connect("collection") as conn, uncollectable(platform) as blocked:
        report = quarantine.replay(
            conn,
            mapping,
            unseal=platform.vault.unseal,
            now=platform.settings.now(),
            has_basis=basis is not None,
            blocked=blocked,
            protect=partial(seal_events, vault=platform.vault),
        )
        imports = [
            str(row[0])
            for row in conn.execute("select import_id from raw.imports where source = %s", (mapping.source,)).fetchall()
        ]
        subjects = imported_subjects(conn, imports) if basis else []
        aliases = stated_aliases(conn, imports, mapping.alias_places())
        received_at = first_received(conn, imports) if imports else platform.settings.now()
    load_rules(platform, mapping.classification)
    if basis and subjects:
        record_evidence(platform, subjects, mapping.source, basis, received_at)
    record_aliases(platform, aliases, mapping.source)
    return report


@contextmanager
def uncollectable(platform: Platform) -> Iterator[Blocked]:
    """Who of some people must not have events stored; asked anew for every batch, so a withdrawal counts at once."""
    from orchestration.privacy.erasure import ledger_of
    from privacy.collection_consent import blocked_subjects

    now = platform.settings.now  # asked for every batch: at the beginning, later decisions are not made yet
    erased = ledger_of(platform).refusal(now())
    with platform.database.connect("privacy", autocommit=True) as conn:
        yield lambda user_ids: blocked_subjects(conn, user_ids, now()) | erased(user_ids)


def first_received(conn: psycopg.Connection, import_ids: list[str]) -> datetime:
    """When the first of these imports began: evidence given with an import was known when its events came in."""
    row = conn.execute("select min(received_at) from raw.imports where import_id = any(%s)", (import_ids,)).fetchone()
    if row is None or row[0] is None:
        raise LookupError(f"no import is recorded under {', '.join(import_ids)}")
    found: datetime = row[0]
    return found


def record_evidence(platform: Platform, subjects: list[Any], source: str, basis: Basis, received_at: datetime) -> None:
    """Write the stated basis to the consent ledger, one decision a subject and purpose."""
    from privacy.consent import record_imported_evidence

    with platform.database.connect("privacy") as conn:
        record_imported_evidence(
            conn,
            dict(subjects),
            basis.purposes,
            source=source,
            reason=basis.reason,
            received_at=received_at,
        )


def record_aliases(platform: Platform, aliases: list[tuple[str, str]], source: str) -> None:
    """Make one person of the ids that a source states to be one; an erased person's id is not written down again.

    After the evidence: consent is vouched for under the id of the event, and a no of either id is then one of both.
    """
    from orchestration.privacy.erasure import ledger_of
    from privacy.merging import take_statements

    now = platform.settings.now()
    erased = ledger_of(platform).is_erased({name for pair in aliases for name in pair}, now) if aliases else set()
    stated = [(alias, user) for alias, user in aliases if not {alias, user} & erased]
    if not stated:
        return
    with platform.database.connect("privacy") as conn:
        done = take_statements(conn, stated, source=source, at=now)
    platform.echo(f"{done.n_merged:,} ids merged with the person's other one")
    if done.n_conflicts:
        platform.echo(
            f"{done.n_conflicts:,} stated aliases would join people who are known apart; "
            "`lethe privacy identities conflicts` lists them for a steward"
        )


def load_rules(platform: Platform, rules: list[Any]) -> None:
    """Put classification rules into force; unchanged rules change nothing."""
    from privacy.classification import load_rules as load

    if rules:
        with platform.database.connect("privacy") as conn:
            load(conn, rules, decided_at=platform.settings.now())


def take_in_simulation(platform: Platform, plan: SimulationPlan) -> ImportReport:
    """Simulate a product log and import it by the ordinary path; its consents go to the ledger."""
    from collection.importer import import_files
    from collection.mapping import parse_mapping
    from collection.simulator import (
        SIMULATOR_MAPPING,
        SIMULATOR_RULES,
        SimulationSpec,
        simulate,
        write_jsonl,
    )
    from privacy.consent import record_decisions

    spec = SimulationSpec(seed=plan.seed, n_events=plan.n_events, end_on=date.fromisoformat(plan.end_on))
    simulation = simulate(spec)
    platform.echo(f"{simulation.events.num_rows:,} events simulated")
    now = platform.settings.now()
    with platform.database.connect("privacy") as conn:
        record_decisions(conn, _ledger_rows(simulation.consents, now))
    load_rules(platform, [rule.row() for rule in SIMULATOR_RULES])
    for left in platform.home.glob("simulated-*"):  # a killed run could not remove its file of raw events
        shutil.rmtree(left)
    with tempfile.TemporaryDirectory(prefix="simulated-", dir=platform.home) as folder:
        path = Path(folder) / f"simulated-{plan.seed}-{plan.n_events}-{plan.end_on}.jsonl"
        write_jsonl(simulation, path)
        with platform.database.connect("collection") as conn, uncollectable(platform) as blocked:
            return import_files(
                conn,
                [path],
                parse_mapping(SIMULATOR_MAPPING),
                seal=platform.vault.seal,
                now=now,
                has_basis=True,
                blocked=blocked,
                protect=partial(seal_events, vault=platform.vault),
                progress=lambda counts: platform.echo(f"{counts.n_read:,} records read"),
            )


def _ledger_rows(consents: pa.Table, now: datetime) -> pa.Table:
    n = consents.num_rows
    received = pa.array([now] * n, pa.timestamp("us", "UTC"))
    return consents.append_column("source", pa.array(["simulator"] * n)).append_column("received_at", received)


def simulation_plan(platform: Platform, n_events: int, seed: int) -> SimulationPlan:
    """The remembered simulation of this home, or a new one that ends yesterday."""
    path = platform.home / "simulation.json"
    if path.exists():
        return SimulationPlan(**json.loads(path.read_text()))
    yesterday = platform.settings.now().date() - timedelta(days=1)
    plan = SimulationPlan(n_events, seed, yesterday.isoformat())
    path.write_text(json.dumps(asdict(plan)))
    return plan


def remember_training_policy(platform: Platform, policy: dict[str, Any]) -> None:
    """Keep the mapping's training section, so that scheduled retraining obeys it too."""
    if policy:
        (platform.home / "training.json").write_text(json.dumps(policy, default=str))


def training_policy(platform: Platform) -> dict[str, Any]:
    """The training section of the last mapping that had one; empty for the defaults."""
    path = platform.home / "training.json"
    known: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    return {k: date.fromisoformat(v) if k in ("train_before", "test_from") else v for k, v in known.items()}

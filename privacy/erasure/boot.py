"""After a restore: erasures that the ledger has and the database lacks are done again before any stage logs in."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

import psycopg
from psycopg import sql

from privacy.erasure import rows, sealed, state
from privacy.erasure.deletion import verify
from privacy.erasure.erasure import carry_out
from privacy.erasure.errors import BrokenLedgerError
from privacy.erasure.keys import SubjectKeys
from privacy.erasure.ledger import COMPLETED, START, Entry
from privacy.erasure.stores import Stores, Work
from privacy.erasure.targets import Key, Rule, Target
from privacy.erasure.unlinking import fresh_token, is_unlinking, unlinking
from warehouse.database import ADMIN, Database
from warehouse.roles import STAGES

ERASURE = "erasure"
Found = Mapping[bytes, set[tuple[Key, object]]]  # blinded key -> what it is in the restored database


@dataclass(frozen=True, slots=True)
class Replay:
    """What a restored database had to forget again."""

    n_erasures: int
    n_identities: int


def boot_lock(stores: Stores, now: datetime) -> Replay | None:
    """Catch up with the ledger, and return what was replayed; None when the database knows every erasure.

    Who was anonymised instead is unlinked again, each under a token of their own. From the first look to the last
    count only the roles admin and erasure may connect; a kill leaves it so, and the next call goes on. Raises
    BrokenLedgerError when the ledger is older than the database, SurvivingRowsError when
    something is left.
    """
    missing = _missing(stores)
    if not missing:
        _unlock(stores.database)
        return None
    _lock(stores.database)
    found = _recognised(stores, {key for entry in missing for key in entry.keys})
    users: set[str] = set()
    for name, wanted, stays in _batches(missing):
        keys = _keys_of(found, wanted)
        if keys.users or keys.tokens or keys.members:
            _forget_again(unlinking(stores) if stays else stores, f"{state.REPLAY}{name}", keys, now)
            users |= set(keys.users)
    with stores.database.connect(ERASURE) as conn:
        state.forget_replays(conn)
        state.set_marker(conn, missing[-1].digest)
    _unlock(stores.database)
    return Replay(len(missing), len(users))


def _missing(stores: Stores) -> list[Entry]:
    """Completed erasures after the one that the database knows last."""
    completed = [entry for entry in stores.ledger.entries() if entry.kind == COMPLETED]
    with stores.database.connect(ERASURE) as conn:
        known = state.marker(conn) or START
    digests = [START, *(entry.digest for entry in completed)]
    if known not in digests:
        raise BrokenLedgerError(
            f"the database knows an erasure that {stores.ledger.path} lacks; restore the ledger, it is never behind"
        )
    return completed[digests.index(known) :]


def _batches(missing: Iterable[Entry]) -> Iterator[tuple[str, set[bytes], bool]]:
    """(name, blinded keys, whether the events stay unlinked): the erased together, then each anonymised by itself.

    Whoever was anonymised and erased later is erased.
    """
    entries = list(missing)
    erased = [entry for entry in entries if not entry.is_unlinking]
    done = {key for entry in erased for key in entry.keys}
    if erased:
        yield erased[-1].digest[:20], set(done), False
    for entry in entries:
        if entry.is_unlinking:
            yield entry.digest[:20], set(entry.keys) - done, True
            done |= set(entry.keys)


def _forget_again(stores: Stores, request_id: str, keys: SubjectKeys, now: datetime) -> None:
    if is_unlinking(stores):
        keys = replace(keys, unlinked=(fresh_token(stores.random_bytes),))
    verify(carry_out(Work(stores, state.identify(request_id), request_id, keys, now, now, is_replay=True)))
    stores.vault.forget(keys.users)


def _recognised(stores: Stores, wanted: Collection[bytes]) -> Found:
    """Who of the restored people is in the ledger: every key of every table is blinded and compared."""
    blinder = stores.ledger.blinder
    found: dict[bytes, set[tuple[Key, object]]] = defaultdict(set)
    with stores.database.connect(ERASURE) as conn:
        for target in _searchable(stores.targets):
            blind: Callable[..., bytes] = blinder.member if target.key is Key.MEMBER else blinder.text
            for value in _values(conn, target):
                if (key := blind(value)) in wanted:
                    found[key].add((target.key, value))
        for user in sealed.find_texts(conn, stores.vault, lambda text: blinder.text(text) in wanted):
            found[blinder.text(user)].add((Key.USER, user))
    return found


def _keys_of(found: Found, wanted: Iterable[bytes]) -> SubjectKeys:
    keys = [pair for key in wanted for pair in found.get(key, ())]
    return SubjectKeys(
        tuple(sorted({str(value) for kind, value in keys if kind is Key.USER})),
        tuple(sorted({str(value) for kind, value in keys if kind is Key.TOKEN})),
        tuple(sorted({value for kind, value in keys if kind is Key.MEMBER and isinstance(value, bytes)})),
    )


def _searchable(targets: Iterable[Target]) -> list[Target]:
    keyed = (Key.USER, Key.TOKEN, Key.MEMBER)
    return [t for t in targets if t.rule is Rule.DELETE and t.key in keyed and not t.own_predicate]


def _values(conn: psycopg.Connection, target: Target) -> list[object]:
    if not rows.exists(conn, target.table):
        return []
    query = sql.SQL("select distinct {0} from {1} where {0} is not null").format(
        sql.Identifier(target.column), sql.Identifier(*target.table.split("."))
    )
    return [row[0] for row in conn.execute(query)]


def _lock(database: Database) -> None:
    """Nobody but admin and erasure connects from here on; sessions that are there end."""
    name = sql.Identifier(database.address.database)
    others = [database.role(stage) for stage in STAGES if stage != ERASURE]
    with database.connect(ADMIN) as conn:
        conn.execute(
            "insert into privacy.erasure_marker (head, public_may_connect) values (%s, %s) on conflict (is_only) "
            "do update set public_may_connect = coalesce(erasure_marker.public_may_connect, "
            "excluded.public_may_connect)",
            (START, _public_may_connect(conn)),
        )
        erasure = sql.Identifier(database.role(ERASURE))
        conn.execute(sql.SQL("grant connect on database {} to {}").format(name, erasure))
        for grantee in (sql.SQL("public"), *map(sql.Identifier, others)):
            conn.execute(sql.SQL("revoke connect on database {} from {}").format(name, grantee))
        conn.commit()
        conn.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity "
            "where datname = current_database() and usename = any(%s)",
            (others,),
        )


def _unlock(database: Database) -> None:
    """Let in who was let in before; nothing to do where nobody was locked out."""
    name = sql.Identifier(database.address.database)
    with database.connect(ADMIN) as conn:
        row = conn.execute("select public_may_connect from privacy.erasure_marker").fetchone()
        if row is None or row[0] is None:
            return
        roles = [sql.Identifier(database.role(stage)) for stage in STAGES]
        grantees: list[sql.Composable] = [sql.SQL("public")] if row[0] else [*roles]
        for grantee in grantees:
            conn.execute(sql.SQL("grant connect on database {} to {}").format(name, grantee))
        conn.execute("update privacy.erasure_marker set public_may_connect = null")


def _public_may_connect(conn: psycopg.Connection) -> bool:
    row = conn.execute(
        "select exists (select from pg_database d cross join lateral "
        "aclexplode(coalesce(d.datacl, acldefault('d', d.datdba))) as a "
        "where d.datname = current_database() and a.grantee = 0 and a.privilege_type = 'CONNECT')"
    ).fetchone()
    return bool(row and row[0])

"""What the vault costs: field encryption, key look-up, rotation, forgetting, sealed AI texts. Figures against bars.

python -m benchmarks.vault [--keys N] [--rows N] [--json]

One process, one thread. Where other work runs beside it, the clock also counts how long this thread was ready and got
no core; the kernel says how long that was (proc(5), schedstat), and the figures without it are those of a machine at
rest, disk included. The peer is the same work
as most code does it: one call of the library a value, with a new cipher object and a nonce of its own each time.
"""

from __future__ import annotations

import argparse
import json
import secrets
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from privacy.vault import DataKey, Vault
from privacy.vault.cipher import encrypt
from privacy.vault.fields import bound_to, seal_fields, unseal_fields
from privacy.vault.texts import seal_events

VALUE_BYTES = 400
REPEATS = 3


@dataclass(frozen=True, slots=True)
class Figure:
    """A rate (or seconds) by the clock, with a core at hand, and by CPU time; and the bar, None: shown beside."""

    name: str
    unit: str
    by_clock: float
    at_rest: float
    by_cpu: float
    bar: float | None = None


def best(work: Callable[[], object], repeats: int = REPEATS) -> tuple[float, float, float]:
    """Seconds by the clock, without waiting for a core, and of CPU: the smallest of some runs."""
    clock = rest = cpu = float("inf")
    for _ in range(repeats):
        began, used, waited = time.perf_counter(), time.process_time(), _waited()
        work()
        took = time.perf_counter() - began
        clock, rest = min(clock, took), min(rest, max(1e-6, took - (_waited() - waited)))
        cpu = min(cpu, time.process_time() - used)
    return clock, rest, cpu


def _waited() -> float:
    """Seconds that this thread has been ready to run and had no core."""
    return int(Path("/proc/thread-self/schedstat").read_text().split()[1]) / 1e9


def rate(
    name: str, n: int, unit: str, work: Callable[[], object], *, bar: float | None = None, repeats: int = REPEATS
) -> Figure:
    """How many of n things a second."""
    clock, rest, cpu = best(work, repeats)
    return Figure(name, unit, n / clock, n / rest, n / cpu, bar)


def fields(rows: int, n_subjects: int, bar: float | None) -> list[Figure]:
    """Encryption and decryption of VALUE_BYTES values of as many subjects, keys at hand."""
    random = np.random.default_rng(0)
    values = pa.array([random.bytes(VALUE_BYTES) for _ in range(rows)], pa.large_binary())
    subjects = pa.array([f"user-{n}" for n in random.integers(n_subjects, size=rows)])
    keys = {name: DataKey.of(secrets.token_bytes(38)) for name in pa.compute.unique(subjects).to_pylist()}
    sealed = seal_fields(values, subjects, "f", keys)
    assert unseal_fields(sealed, subjects, "f", keys).equals(values)
    of = f"{VALUE_BYTES} B, {n_subjects:,} subjects"
    return [
        rate(f"encrypt, {of}", rows, "fields/s", lambda: seal_fields(values, subjects, "f", keys), bar=bar),
        rate(f"decrypt, {of}", rows, "fields/s", lambda: unseal_fields(sealed, subjects, "f", keys)),
    ]


def peer(rows: int) -> Figure:
    """A call a value: a cipher object, a nonce and the associated data made each time."""
    values = [secrets.token_bytes(VALUE_BYTES) for _ in range(rows)]
    keys = {n: secrets.token_bytes(32) for n in range(10_000)}

    def work() -> None:
        for n, value in enumerate(values):
            encrypt(keys[n % 10_000], value, bound_to("user", "f"))

    return rate("peer: encrypt, all of it made for each value", rows, "fields/s", work)


def texts(rows: int) -> Figure:
    """AI events with one text each: payload read, text sealed, payload written, fingerprint blinded, keys fetched."""
    with tempfile.TemporaryDirectory(prefix="lethe-bench-") as folder:
        vault = Vault.open(Path(folder) / "vault")
        random = np.random.default_rng(0)
        users = [f"user-{n}" for n in random.integers(1_000, size=rows)]
        data = [
            json.dumps({"prompt": "x" * 300, "n_tokens": n, "model": "m"}, separators=(",", ":")) for n in range(rows)
        ]
        events = pa.table(
            {"event_type": ["ai"] * rows, "user_id": users, "data": data, "fingerprint": ["\\x" + "00" * 32] * rows}
        )
        return rate(
            "AI events sealed, 300 B texts, 1,000 subjects", rows, "events/s", lambda: seal_events(events, vault)
        )


def vault(n: int) -> list[Figure]:
    """A vault of n data keys: made, fetched, rotated, one subject forgotten."""
    names = [f"user-{i}" for i in range(n)]
    with tempfile.TemporaryDirectory(prefix="lethe-bench-") as folder:
        opened = Vault.open(Path(folder) / "vault")
        some = names[:: max(1, n // 20_000)]
        figures = [rate(f"data keys made, {n:,}", n, "keys/s", lambda: _make(opened, names), repeats=1)]
        figures.append(rate(f"data keys fetched, of {n:,}", len(some), "keys/s", lambda: opened.known_data_keys(some)))
        before = {name: key.secret for name, key in opened.known_data_keys(some).items()}
        figures.append(Figure(f"rotation, {n:,} data keys", "seconds", *best(opened.rotate, 1), 10.0))
        assert {name: key.secret for name, key in Vault.open(opened.folder).known_data_keys(some).items()} == before
        figures.append(Figure("one subject forgotten", "seconds", *best(lambda: opened.forget(names[:1]), 1)))
        figures.append(Figure("opening the vault", "seconds", *best(lambda: Vault.open(opened.folder))))
        return figures


def _make(opened: Vault, names: list[str]) -> None:
    for start in range(0, len(names), 100_000):
        opened.data_keys(names[start : start + 100_000])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keys", type=int, default=1_000_000)
    parser.add_argument("--rows", type=int, default=500_000)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args()
    figures = [
        *fields(options.rows, 1_000, 500_000.0),
        *fields(options.rows, 10_000, 500_000.0),
        *fields(options.rows // 10, options.rows // 10, None),
        peer(options.rows // 5),
        texts(options.rows // 5),
        *vault(options.keys),
    ]
    if options.json:
        print(json.dumps({"figures": [asdict(figure) for figure in figures]}))
        return
    print(f"{'':46s} {'by the clock':>14s} {'with a core':>14s} {'by CPU time':>14s}")
    for figure in figures:
        print(_line(figure))


def _line(figure: Figure) -> str:
    form = "14,.4f" if figure.unit == "seconds" else "14,.0f"
    bar = "" if figure.bar is None else f"bar {figure.bar:,.0f}"
    rates = " ".join(f"{value:{form}}" for value in (figure.by_clock, figure.at_rest, figure.by_cpu))
    return f"{figure.name:46s} {rates} {figure.unit:9s} {bar}".rstrip()


if __name__ == "__main__":
    main()

"""Rows per second of the privacy kernel on 400-byte JSON payloads, on one core and on two, with a peer beside it.

Not a test: it prints what was measured on this machine. The peer (Presidio) runs in an environment of its own:
`python benchmarks/privacy_kernel.py --peer-python PATH`.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import subprocess
import sys
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from multiprocessing.synchronize import Barrier
from pathlib import Path

import numpy as np
import pyarrow as pa

sys.path.insert(0, str(Path(__file__).parents[1]))

from privacy.kernel import transform
from privacy.policy import CompiledPolicy, make_rule
from privacy.pseudonyms import Keyring, subject_tokens

START = datetime(2024, 3, 1, tzinfo=UTC)
N_USERS = 8_000
REPEATS = 15
RULES = (
    ("/data/email", "personal", "email"),
    ("/data/phone", "personal", "phone"),
    ("/data/card", "personal", "credit_card"),
    ("/data/ip", "personal", "ip_address"),
    ("/data/full_name", "personal", "full_name"),
    ("/data/note", "personal", "free_text"),
    ("/data/plan", "non_personal", "category"),
    ("/data/page", "non_personal", "category"),
    ("/data/amount", "non_personal", "amount"),
    ("/data/n_items", "non_personal", "count"),
    ("/data/ok", "non_personal", "boolean"),
)
WORDS = (
    "invoice",
    "customer",
    "asked",
    "about",
    "the",
    "shared",
    "board",
    "again",
    "after",
    "lunch",
    "please",
    "export",
)


@dataclass(frozen=True, slots=True)
class Figure:
    """One measurement: best of REPEATS. rows_per_cpu_second is per core and tells a busy machine from a slow kernel."""

    name: str
    cores: int
    rows_per_second: float
    rows_per_cpu_second: float | None = None


def payloads(n: int, generator: np.random.Generator) -> list[str]:
    """JSON objects of about 400 bytes; one in fifty holds a key that no rule names."""
    digits = generator.integers(0, 10_000, (n, 4)).tolist()
    plans, words = generator.integers(0, 3, n).tolist(), generator.integers(0, len(WORDS), (n, 24)).tolist()
    amounts = (generator.random(n) * 1000).round(2).tolist()
    rows = []
    for i in range(n):
        a, b, c, d = digits[i]
        row = {
            "email": f"user.{a}{b}@example.com",
            "phone": f"+1 555 {a:04d} {b:04d}",
            "ok": a % 2 == 0,
            "card": f"4111 {a:04d} {b:04d} {c:04d}",
            "ip": f"10.{a % 256}.{b % 256}.{c % 256}",
            "full_name": f"Jan{a} Example{b}",
            "plan": ("free", "team", "pro")[plans[i]],
            "page": f"/board/{d % 40}",
            "amount": amounts[i],
            "n_items": c % 30,
            "note": " ".join(WORDS[w] for w in words[i]),
        }
        rows.append(json.dumps(row | {"experiment": "b"} if i % 50 == 0 else row))
    return rows


def batch(n: int, seed: int) -> pa.Table:
    """n events of users with a skewed activity, in the columns of raw.system_logs."""
    generator = np.random.default_rng(seed)
    users = np.minimum(generator.zipf(1.3, n), N_USERS)
    moment = pa.timestamp("us", "UTC")
    start = int(START.timestamp() * 1e6)
    created = pa.array(start + generator.integers(0, 86_400_000_000, n)).cast(moment)
    constant = {"persona_id": None, "component": "nav", "metadata": "{}", "client_info": None, "source": "bench"}
    constant |= {"event_type": "page", "event_source": "web", "action": "view", "data_classification": "pseudonymized"}
    columns = {name: pa.array([value] * n, pa.string()) for name, value in constant.items()}
    return pa.table(
        columns
        | {
            "id": pa.array([f"e{seed}-{i}" for i in range(n)]),
            "user_id": pa.array([f"user-{u}" for u in users]),
            "company_id": pa.array([f"company-{u % 300}" for u in users]),
            "session_id": pa.array([f"session-{u}-{4 * i // n}" for i, u in enumerate(users)]),
            "data": pa.array(payloads(n, generator)),
            "created_at": created,
            "received_at": created,
            "event_day": pa.array([START.date()] * n),
        }
    )


def consent(users: list[str]) -> pa.Table:
    """Everybody agreed to analytics and training, one in three to sharing."""
    before = START - timedelta(days=1)
    purposes = ("analytics", "model_training", "sharing")
    rows = [(u, p) for i, u in enumerate(users) for p in purposes if p != "sharing" or i % 3 == 0]
    moments = pa.array([before] * len(rows), pa.timestamp("us", "UTC"))
    return pa.table(
        {
            "subject": [u for u, _ in rows],
            "purpose": [p for _, p in rows],
            "decision": ["grant"] * len(rows),
            "decided_at": moments,
            "received_at": moments,
            "consent_event_id": list(range(len(rows))),
        }
    )


def seconds(n: int, seed: int, *, with_census: bool, barrier: Barrier | None = None) -> tuple[float, float]:
    """The best wall and CPU times of REPEATS over one batch, HMAC of the subjects included. One thread."""
    pa.set_cpu_count(1)
    events = batch(n, seed)
    policy = CompiledPolicy.of([make_rule("page", *rule) for rule in RULES])
    users = sorted(set(events["user_id"].to_pylist()))
    salts, keyring, ledger = dict.fromkeys(users, b"s" * 16), Keyring(b"p" * 32, b"a" * 32), consent(users)
    wall = cpu = float("inf")
    for _ in range(REPEATS):
        if barrier:
            barrier.wait()
        began, used = time.perf_counter(), time.process_time()
        tokens = subject_tokens(users, salts, keyring.pseudonymous)
        result = transform(
            events, policy, keyring=keyring, subject_tokens=tokens, decisions=ledger, with_census=with_census
        )
        wall, cpu = min(wall, time.perf_counter() - began), min(cpu, time.process_time() - used)
        assert result.pseudonymous.num_rows == n
        assert not with_census or result.unknown_paths["n_events"].to_pylist() == [-(-n // 50)]
    return wall, cpu


def _measure(
    n: int, seed: int, with_census: bool, barrier: Barrier, times: multiprocessing.Queue[tuple[float, float]]
) -> None:
    times.put(seconds(n, seed, with_census=with_census, barrier=barrier))


def on_cores(n: int, cores: int, *, with_census: bool) -> Figure:
    """All processes work at the same time; the slowest one counts for all of them."""
    context = multiprocessing.get_context("spawn")
    barrier, times = context.Barrier(cores), context.Queue()
    workers = [context.Process(target=_measure, args=(n, seed, with_census, barrier, times)) for seed in range(cores)]
    for worker in workers:
        worker.start()
    found = [times.get() for _ in workers]
    for worker in workers:
        worker.join()
    name = "kernel, unknown-path census on" if with_census else "kernel, census off"
    wall, cpu = (max(column) for column in zip(*found, strict=True))
    return Figure(name, cores, n * cores / wall, n / cpu)


def peer(python: str | None, n: int) -> Figure | str:
    """Presidio's detection on the same payloads, or why there is no figure."""
    if python is None:
        return "peer skipped: no --peer-python PATH of an environment with presidio-analyzer was given"
    script = Path(__file__).with_name("presidio_peer.py")
    rows = payloads(n, np.random.default_rng(0))
    done = subprocess.run([python, str(script)], input="\n".join(rows), capture_output=True, text=True, check=False)
    if done.returncode != 0:
        return f"peer skipped: {python} failed: {done.stderr.strip().splitlines()[-1:]}"
    return Figure("Presidio, detection only, pattern recognisers", 1, float(json.loads(done.stdout)["rows_per_second"]))


def _cpu(figure: Figure) -> str:
    return f" {figure.rows_per_cpu_second:12,.0f} per CPU second" if figure.rows_per_cpu_second else ""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--peer-rows", type=int, default=500)
    parser.add_argument("--peer-python", help="interpreter of an environment with presidio-analyzer")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args()
    figures = [on_cores(options.rows, cores, with_census=census) for census in (True, False) for cores in (1, 2)]
    beside = peer(options.peer_python, options.peer_rows)
    figures += [beside] if isinstance(beside, Figure) else []
    if options.json:
        rows = [{"name": f.name, "cores": f.cores, "rows_per_second": round(f.rows_per_second)} for f in figures]
        print(json.dumps({"figures": rows, "note": None if isinstance(beside, Figure) else beside}))
        return
    for figure in figures:
        print(f"{figure.name:48s} {figure.cores} core(s) {figure.rows_per_second:12,.0f} rows/s{_cpu(figure)}")
    if isinstance(beside, str):
        print(beside)


if __name__ == "__main__":
    main()

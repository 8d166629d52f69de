"""How often the cause of a planted problem is named, and how often a healthy training is reported.

python -m benchmarks.diagnosis [--first 5000] [--seeds 10] [--json]

Every kind of problem and of healthy training once a seed, from the seed named first. The limits of ml/diagnosis.py were
chosen on seeds below 1,000; the tests begin at 1,000, this here at 5,000.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter

from ml.diagnosis import Cause, diagnose
from tests.ml import trainings

N_HEALTHY = 30
Case = tuple[Cause | None, int, int]


def cases(first: int, seeds: int) -> list[Case]:
    """(planted cause or None, variant, seed) of every training."""
    kinds: list[tuple[Cause | None, int]] = [(c, v) for c, made in trainings.PLANTED.items() for v in range(len(made))]
    kinds += [(None, variant) for variant in range(N_HEALTHY)]
    return [(cause, variant, first + at) for at in range(seeds) for cause, variant in kinds]


def named(case: Case) -> tuple[Case, list[str]]:
    """The causes found, the most probable first."""
    cause, variant, seed = case
    seen = trainings.healthy(variant, seed) if cause is None else trainings.planted(cause, variant, seed)
    return case, [str(found.cause) for found in diagnose(seen)]


def measure(first: int, seeds: int) -> dict[str, object]:
    """Shares named rightly, by cause and in all, and reports a healthy training."""
    found = [named(case) for case in cases(first, seeds)]
    planted = [(case, causes) for case, causes in found if case[0] is not None]
    sound = [causes for case, causes in found if case[0] is None]
    right = Counter(str(case[0]) for case, causes in planted if causes[:1] == [case[0]])
    total = Counter(str(case[0]) for case, _ in planted)
    wrong = Counter((str(case[0]), case[1], (causes or ["nothing"])[0]) for case, causes in planted
                    if causes[:1] != [case[0]])  # fmt: skip
    return {
        "planted": len(planted),
        "named_rightly": sum(right.values()) / len(planted),
        "by_cause": {cause: right[cause] / n for cause, n in total.items()},
        "wrong": {" ".join(map(str, case)): n for case, n in wrong.most_common()},
        "healthy": len(sound),
        "reports_in_30": 30 * sum(map(len, sound)) / len(sound),
        "reported": dict(Counter(cause for causes in sound for cause in causes)),
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--first", type=int, default=5_000)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    found = measure(options.first, options.seeds)
    if options.json:
        print(json.dumps(found))
        return
    print(f"{found['planted']} planted: {found['named_rightly']:.1%} named rightly (bar 90 %); {found['by_cause']}")
    print(f"wrong: {found['wrong']}")
    print(f"{found['healthy']} healthy: {found['reports_in_30']:.2f} reports in 30 (bar 1); {found['reported']}")


if __name__ == "__main__":
    main()

"""The peers of anonymity.py: pycanon's k, l and t of tables, and anjana's k-anonymity of Adult. Reads and prints JSON.

Run by the interpreter of an environment with anjana (it brings pycanon; both pin every dependency).
"""

from __future__ import annotations

import json
import sys
import time
from typing import Any


def measured(table: dict[str, Any]) -> tuple[int, int, float, float]:
    """k, distinct l of the text column, t of the text and of the number column."""
    import pandas as pd
    from pycanon import anonymity

    frame = pd.DataFrame(table["columns"])
    quasi = table["quasi_identifiers"]
    return (
        int(anonymity.k_anonymity(frame, quasi)),
        int(anonymity.l_diversity(frame, quasi, ["illness"])),
        float(anonymity.t_closeness(frame, quasi, ["illness"])),
        float(anonymity.t_closeness(frame, quasi, ["income"])),
    )


def anonymised(adult: dict[str, Any]) -> dict[str, float]:
    """Seconds, NCP (share of a domain's values under a label, suppressed rows 1) and suppressed share of anjana."""
    import numpy as np
    import pandas as pd
    from anjana.anonymity import k_anonymity

    frame = pd.DataFrame(adult["columns"])
    quasi = adult["quasi_identifiers"]
    levels = {name: dict(enumerate(map(np.array, adult["hierarchies"][name]))) for name in quasi}
    began = time.perf_counter()
    made = k_anonymity(frame, [], quasi, adult["k"], adult["suppression_percent"], levels)
    seconds = time.perf_counter() - began
    lost = 0.0
    for name in quasi:
        domain = len(levels[name][0])
        covered = {label: n for level in levels[name].values() for label, n in pd.Series(level).value_counts().items()}
        lost += sum((covered[label] - 1) / (domain - 1) for label in made[name])
    n_suppressed = len(frame) - len(made)
    ncp = (lost / len(quasi) + n_suppressed) / len(frame)
    return {"seconds": seconds, "ncp": ncp, "suppressed": n_suppressed / len(frame)}


def main() -> None:
    asked = json.load(sys.stdin)
    answer: dict[str, Any] = {"tables": [measured(table) for table in asked["tables"]]}
    if asked["adult"]:
        answer["adult"] = anonymised(asked["adult"])
    sys.stdout.write("\n" + json.dumps(answer) + "\n")


if __name__ == "__main__":
    main()

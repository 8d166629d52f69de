"""Our silos as Flower clients, for those who run Flower: the same local updates, its messages and its FedAdam.

python flower_adapter.py FOLDER     # of an environment with flwr[simulation]; never the product's: its pins are tight

FOLDER holds plan.json and a silo-N.npz each (features, labels, people). Flower's server sees every silo's update: masks
are `ml.federated`'s own protocol, or Flower's SecAgg+ workflow, which this adapter leaves as it is.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from ml.federated import local
from ml.federated.model import LinearModel


def answer(folder: Path, number: int, weights: np.ndarray[Any, Any]) -> tuple[np.ndarray[Any, Any], int]:
    """What silo `number` makes of the weights, (k + 1,), and its number of rows."""
    plan = json.loads((folder / "plan.json").read_text())
    with np.load(folder / f"silo-{number}.npz", allow_pickle=False) as held:
        rows = local.Rows(held["features"], held["labels"], held["people"])
    model = LinearModel(tuple(plan["columns"]), np.array(plan["center"]), np.array(plan["scale"]), weights)
    task = local.Task(local.UPDATE, model, plan["steps"], plan["rate"], plan["l2"])
    return weights + local.descended(task, rows), len(rows.labels)


def client() -> Any:
    """A Flower ClientApp that trains the silo of its partition."""
    from flwr.app import ArrayRecord, Context, Message, MetricRecord, RecordDict
    from flwr.clientapp import ClientApp

    app = ClientApp()

    @app.train()
    def train(message: Message, context: Context) -> Message:
        (weights,) = message.content["arrays"].to_numpy_ndarrays()
        folder, number = Path(str(message.content["config"]["folder"])), int(context.node_config["partition-id"])
        moved, n = answer(folder, number, weights)
        content = RecordDict({"arrays": ArrayRecord([moved]), "metrics": MetricRecord({"num-examples": n})})
        return Message(content=content, reply_to=message)

    return app


def server(folder: Path, found: dict[str, Any]) -> Any:
    """A Flower ServerApp that runs the plan's rounds; the weights and seconds are put into `found`."""
    from flwr.app import ArrayRecord, ConfigRecord, Context
    from flwr.serverapp import Grid, ServerApp
    from flwr.serverapp.strategy import FedAdam

    app = ServerApp()
    plan = json.loads((folder / "plan.json").read_text())

    @app.main()
    def main(grid: Grid, context: Context) -> None:  # noqa: ARG001
        strategy = FedAdam(
            fraction_evaluate=0.0, min_train_nodes=plan["silos"], min_available_nodes=plan["silos"],
            eta=plan["server_rate"], beta_1=0.9, beta_2=0.99, tau=1e-8,
        )  # fmt: skip
        began = time.perf_counter()
        done = strategy.start(
            grid, ArrayRecord([np.array(plan["weights"])]), plan["rounds"],
            train_config=ConfigRecord({"folder": str(folder)}),
        )  # fmt: skip
        (weights,) = done.arrays.to_numpy_ndarrays()
        found.update(weights=weights.tolist(), seconds=time.perf_counter() - began)

    return app


def main() -> None:
    from flwr.simulation import run_simulation

    folder, found = Path(sys.argv[1]), dict[str, Any]()
    silos = json.loads((folder / "plan.json").read_text())["silos"]
    resources = {"client_resources": {"num_cpus": 1.0}, "init_args": {"num_cpus": 2, "include_dashboard": False}}
    run_simulation(server(folder, found), client(), silos, backend_config=resources)
    sys.stdout.write(json.dumps(found) + "\n")


if __name__ == "__main__":
    main()

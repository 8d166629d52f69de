"""A simulated product log to train on and to test with: invented people only. Storing it is the importer's work."""

from collection.simulator.canaries import CanaryToken
from collection.simulator.jsonlines import SIMULATOR_MAPPING, write_jsonl
from collection.simulator.policy import SIMULATOR_RULES, UNRULED_ON_PURPOSE, Rule
from collection.simulator.simulation import Simulation, Truth, simulate
from collection.simulator.specification import Canaries, Drift, SimulationSpec, SimulationSpecError

__all__ = [
    "SIMULATOR_MAPPING",
    "SIMULATOR_RULES",
    "UNRULED_ON_PURPOSE",
    "Canaries",
    "CanaryToken",
    "Drift",
    "Rule",
    "Simulation",
    "SimulationSpec",
    "SimulationSpecError",
    "Truth",
    "simulate",
    "write_jsonl",
]

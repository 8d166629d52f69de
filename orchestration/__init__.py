"""Dagster definitions and the command line: the only place that wires stages together."""

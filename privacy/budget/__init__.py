"""Differential privacy for released aggregates: bounded contributions, OpenDP's noise, a ledger of what it cost."""

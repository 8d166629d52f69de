"""Ours and the peer's figures in one run; `python -m benchmarks` (make bench) writes results.json. Not tests."""

"""Training a linear model over silos that keep their rows: sums of masked vectors are all that anybody else sees.

Silos, secure aggregation with a threshold, what a silo computes and what the server makes of sums. No tables, no noise
of its own.
"""

"""Sums, means and histograms over organisations that show each other nothing else: additive shares between processes.

Certificates, frames, links and the protocol of one party. No tables and no noise: results are exact.
"""

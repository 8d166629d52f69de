"""Requests of people about their own data: one audited machine for all kinds. Deleting and rebuilding are erasure's."""

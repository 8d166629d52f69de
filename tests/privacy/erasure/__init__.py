"""Erasure against a real database, a real vault and real files."""

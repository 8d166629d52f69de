"""Erasure as a gate: found, deleted, counted again by the same predicate, and complete only when nothing is left."""

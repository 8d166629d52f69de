"""Dagster assets, one file per stage. A body reads, calls one stage function, writes and returns metadata."""

"""Carriers of a key: derived from SQL, from dbt and from the live catalog."""

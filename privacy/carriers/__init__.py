"""Which columns carry a person's key: derived from SQL and the live catalog, never listed. It deletes nothing."""

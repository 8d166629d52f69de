"""A model as one JSON document, and scorers for it without dependencies. It trains nothing and opens no registry."""

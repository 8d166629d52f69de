"""Detectors: where an email, a number of a person, a name, an address or a secret stands in a text. No database."""

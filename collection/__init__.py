"""Events in: the log event, file imports, quarantine and the simulator. Consent and privacy are not decided here."""

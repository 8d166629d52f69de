"""Breaches: the register, its 72-hour clock, who is affected, and drafts of what has to be said. Nothing is sent."""

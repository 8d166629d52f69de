"""How long data stays: policies, legal holds, the plan, and deletion by it. Requests of people are not decided here."""

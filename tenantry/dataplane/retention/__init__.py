"""Retention carried out: what has expired is hidden, then removed; whole days of tables go at once."""

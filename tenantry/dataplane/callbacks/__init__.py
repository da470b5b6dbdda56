"""Completion callbacks: signed, sent at least once, tried for days; see README."""

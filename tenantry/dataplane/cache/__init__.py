"""Cached results: a tenant's tasks are not called again for what was answered a moment ago."""

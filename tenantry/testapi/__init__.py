"""The test API: a small shop to compose workflows on, with latency and faults on demand.

An upstream like any other: it imports nothing of Tenantry. Examples, tests and demos call it over HTTP.
"""

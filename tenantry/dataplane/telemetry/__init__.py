"""Traces of OpenTelemetry: which execution belongs to which trace, and what is told of it to a collector."""

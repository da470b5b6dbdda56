"""Usage: from the outbox to the control plane, at least once; the control plane counts each event once."""

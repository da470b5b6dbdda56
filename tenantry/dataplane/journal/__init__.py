"""The journal: events of executions, written with shared commits; what is read back for people."""

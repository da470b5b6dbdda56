"""The dependency graph of a workflow: which step waits for which, in which order and groups they may run."""

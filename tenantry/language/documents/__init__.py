"""Documents: YAML or JSON text made into frozen, position-aware values. See README.md for the invariants."""

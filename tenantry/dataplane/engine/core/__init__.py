"""The pure core, `(state, event, now) -> events`: recovery and simulation fold the same functions."""

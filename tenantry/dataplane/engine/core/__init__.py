"""The pure core, `(state, event, now) -> events`: recovery, time travel and simulation fold the same functions."""

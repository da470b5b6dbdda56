"""What becomes of secrets: who declares them, what holds them, where they go. `taint` is the door."""

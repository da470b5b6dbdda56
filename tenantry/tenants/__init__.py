"""Who may use how much, and what it costs. Pure: state and `now` go in, a decision comes out."""

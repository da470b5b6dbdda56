"""One way to run each kind of task: http, transform."""

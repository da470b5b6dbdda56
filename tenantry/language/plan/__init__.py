"""A validated workflow compiled into what the engine runs: nothing is parsed after this."""

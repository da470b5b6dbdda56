"""Dead letters: failures that wait for somebody: listed, retried, discarded, archived, counted."""

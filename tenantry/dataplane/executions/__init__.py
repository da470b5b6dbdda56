"""Executions in flight: accepted, taken over, controlled, waited for; whichever process runs them."""

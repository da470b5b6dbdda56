"""The control plane over REST: what data planes ask, health, and how errors look."""

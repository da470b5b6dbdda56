"""The Redis that replicas share: one connection per process, given up as soon as it is silent."""

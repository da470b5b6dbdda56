"""Benchmarks: ratios between targets measured in one run on one machine. `python -m benchmarks` runs all."""

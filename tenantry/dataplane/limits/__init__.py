"""The one atomic decision on rate, concurrency and quotas, and how it is told to callers."""

"""Circuit breakers: a tenant stops calling an upstream that fails, and tries again carefully."""

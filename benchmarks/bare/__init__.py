"""What a careful developer writes without Tenantry: the same calls, no journal, no limits, no checks."""

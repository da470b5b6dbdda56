"""The data plane: runs workflows inside one tenant's boundary."""

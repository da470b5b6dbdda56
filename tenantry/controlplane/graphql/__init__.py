"""The control plane over GraphQL: everything a tenant admin or platform operator does."""

"""The control plane: decides and remembers. Serves GraphQL to people and bundles to data planes."""

"""Tenantry: multi-tenant synchronous workflows on Kubernetes."""

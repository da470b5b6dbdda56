"""The only words the two planes share: bundles, usage, problems. Versioned and signed."""

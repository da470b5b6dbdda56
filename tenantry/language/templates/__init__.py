"""Templates and conditions: grammar, references, compiled evaluators."""

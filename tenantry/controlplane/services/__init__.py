"""What can be asked of the control plane: one method per use case, the caller first, one transaction each."""

"""Validation: the one place that says whether a task or a workflow may deploy; all findings at once."""

from tenantry.language.validation.library import Library
from tenantry.language.validation.tasks import validate_task
from tenantry.language.validation.workflows import validate_workflow

__all__ = ["Library", "validate_task", "validate_workflow"]

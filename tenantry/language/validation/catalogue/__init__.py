"""What every finding means: behind `docs/reference/findings.md` and the explanations of every front door."""

from tenantry.language.validation.catalogue.budgets import BUDGETS
from tenantry.language.validation.catalogue.changes import CHANGES
from tenantry.language.validation.catalogue.entry import TASKS, Entry, Frame
from tenantry.language.validation.catalogue.graph import GRAPH_AND_POLICY
from tenantry.language.validation.catalogue.secrets import SECRETS
from tenantry.language.validation.catalogue.structure import STRUCTURE
from tenantry.language.validation.catalogue.templates import TEMPLATES
from tenantry.language.validation.catalogue.texts import TEXTS
from tenantry.language.validation.catalogue.types import TYPES

CATALOGUE = {
    **TEXTS,
    **STRUCTURE,
    **TEMPLATES,
    **TYPES,
    **GRAPH_AND_POLICY,
    **SECRETS,
    **BUDGETS,
    **CHANGES,
}
"""Every code with its entry; a test runs every example."""

__all__ = ["CATALOGUE", "TASKS", "Entry", "Frame"]

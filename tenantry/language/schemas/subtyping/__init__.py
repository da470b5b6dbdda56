"""Whether every value of one JSON Schema is a value of another: proven, refuted by an example, or unknown."""

from tenantry.language.schemas.subtyping.comparing import Comparisons, compare
from tenantry.language.schemas.subtyping.steps import DEFAULT_STEPS
from tenantry.language.schemas.subtyping.verdicts import Fits, Refuted, Unknown, Verdict

__all__ = ["DEFAULT_STEPS", "Comparisons", "Fits", "Refuted", "Unknown", "Verdict", "compare"]

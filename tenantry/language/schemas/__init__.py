"""JSON Schema 2020-12: whether a schema is safe, what it says about a path, whether one fits another."""

from tenantry.language.schemas.checking import SchemaError, SchemaProblem, check
from tenantry.language.schemas.lookup import Found, Missing, lookup
from tenantry.language.schemas.subtyping import Fits, Refuted, Unknown, Verdict, compare
from tenantry.language.schemas.types import types_of
from tenantry.language.schemas.untyped import UNTYPED, is_untyped
from tenantry.language.schemas.validators import CompiledValidator, compile_validator
from tenantry.language.schemas.violations import Violation

__all__ = [
    "UNTYPED",
    "CompiledValidator",
    "Fits",
    "Found",
    "Missing",
    "Refuted",
    "SchemaError",
    "SchemaProblem",
    "Unknown",
    "Verdict",
    "Violation",
    "check",
    "compare",
    "compile_validator",
    "is_untyped",
    "lookup",
    "types_of",
]

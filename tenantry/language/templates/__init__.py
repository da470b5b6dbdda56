"""Templates and conditions: parsed once, compiled to functions of a scope, never evaluated as code."""

from tenantry.language.templates.compiling import compile_value
from tenantry.language.templates.conditions import (
    Compare,
    Comparison,
    Condition,
    Connective,
    Expression,
    Logic,
    Not,
    Read,
    Value,
    parse_condition,
)
from tenantry.language.templates.errors import TemplateError, TemplateSyntaxError
from tenantry.language.templates.headers import compile_header
from tenantry.language.templates.model import Reference, Template
from tenantry.language.templates.parser import Scan, parse_template, references, scan
from tenantry.language.templates.predicates import comparison_problem, compile_condition
from tenantry.language.templates.scope import Evaluator, Predicate, Scope, TextEvaluator
from tenantry.language.templates.urls import compile_url, origin_of

__all__ = [
    "Compare",
    "Comparison",
    "Condition",
    "Connective",
    "Evaluator",
    "Expression",
    "Logic",
    "Not",
    "Predicate",
    "Read",
    "Reference",
    "Scan",
    "Scope",
    "Template",
    "TemplateError",
    "TemplateSyntaxError",
    "TextEvaluator",
    "Value",
    "comparison_problem",
    "compile_condition",
    "compile_header",
    "compile_url",
    "compile_value",
    "origin_of",
    "parse_condition",
    "parse_template",
    "references",
    "scan",
]

"""Switches: cases that are never chosen, values that no case matches, and what each branch knows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tenantry.language.codes import Code
from tenantry.language.documents.nearest import did_you_mean
from tenantry.language.findings import Severity
from tenantry.language.schemas.subtyping import Refuted
from tenantry.language.schemas.validators import compile_checked
from tenantry.language.templates.model import Template
from tenantry.language.validation.facts import facts_of
from tenantry.language.validation.inference import infer
from tenantry.language.validation.kinds import values_of
from tenantry.language.values import Json, canonical_json, dump_json

if TYPE_CHECKING:
    from tenantry.language.documents.model import Case, Switch
    from tenantry.language.templates.model import Reference
    from tenantry.language.validation.references import References


class Branches:
    """The branches of a switch."""

    def __init__(self, switch: Switch, pointer: str, references: References) -> None:
        self._switch = switch
        self._pointer = pointer
        self._references = references
        self._matches = [case.match for case in switch.cases]
        self._value = infer(switch.value, f"{pointer}/value", references)
        self._read = _whole_reference(switch.value, references)

    def check(self) -> None:
        """Reports cases that are never chosen, and a value that none of them matches."""
        is_value = compile_checked(self._value).is_valid
        seen: set[bytes] = set()
        for index, match in enumerate(self._matches):
            pointer = f"{self._pointer}/cases/{index}/match"
            written = canonical_json(_plain(match))
            if written in seen:
                message = f"an earlier case matches {_written(match)}, so this one is never reached"
                self._references.report.add(
                    Code.UNREACHABLE_CASE, message, pointer, suggestion="remove one of them"
                )
            elif not is_value(match):
                self._tell_never(match, pointer)
            seen.add(written)
        if self._switch.default is None:
            self._check_covered()

    def of_case(self, case: Case) -> References:
        """What follows references in a case: the value is what it matches."""
        return self._knowing({"const": case.match})

    def of_default(self) -> References:
        """What follows references in the default: the value is none of those that are matched."""
        return self._knowing({"not": {"enum": self._matches}})

    def _knowing(self, schema: Any) -> References:
        if self._read is None:
            return self._references
        return self._references.knowing(facts_of(self._read, schema))

    def _tell_never(self, match: Json, pointer: str) -> None:
        values = values_of(self._value)
        listed = "" if values is None else f", only {', '.join(map(_written, values))}"
        report = self._references.report
        near = report.nearest(str(match), map(str, values or ()))
        message = f"the value is never {_written(match)}{listed}"
        report.add(
            Code.NEVER_EQUAL, message, pointer, suggestion=did_you_mean(near), severity=Severity.WARNING
        )

    def _check_covered(self) -> None:
        verdict = self._references.comparisons.compare(self._value, {"enum": self._matches})
        if isinstance(verdict, Refuted):
            value = verdict.counterexample
            self._references.report.add(
                Code.UNCOVERED_VALUE,
                f"no case matches {_written(value)}, and there is no default",
                f"{self._pointer}/value",
                suggestion="add a case or a default",
                severity=Severity.WARNING,
                counterexample=value,
            )


def _whole_reference(value: Json, references: References) -> Reference | None:
    template = references.texts.template(value) if isinstance(value, str) else None
    return template.whole if isinstance(template, Template) else None


def _plain(value: Json) -> Json:
    """The value so that what is equal is written alike: 1 and 1.0 are."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _written(value: Json) -> str:
    return dump_json(value).decode()

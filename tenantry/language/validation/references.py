"""Whether a reference leads somewhere, and what is known of the value there."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

import msgspec

from tenantry.language.codes import Code
from tenantry.language.findings import Severity
from tenantry.language.schemas.lookup import Found, Missing, lookup
from tenantry.language.schemas.subtyping import DEFAULT_STEPS, Comparisons
from tenantry.language.schemas.untyped import UNTYPED
from tenantry.language.templates.model import Reference
from tenantry.language.templates.roots import INDEX, PARENT, ROOT
from tenantry.language.validation.facts import narrowed
from tenantry.language.validation.kinds import kinds_of, nullable, values_of, with_default

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tenantry.language.documents.report import Report
    from tenantry.language.validation.facts import Fact, Facts, Path
    from tenantry.language.validation.readable import Loop, Output, Readable
    from tenantry.language.validation.texts import Texts

_TEXT: Final[dict[str, Any]] = {"type": "string", "minLength": 1}
_INDEX: Final[dict[str, Any]] = {"type": "integer", "minimum": 0}


@dataclass(frozen=True, slots=True)
class References:
    """Follows the references of the texts at one place of a document.

    Attributes:
        readable: what can be read there.
        report: takes what is wrong.
        texts: what the document's texts say.
        comparisons: compares what is found.
    """

    readable: Readable
    report: Report
    texts: Texts
    comparisons: Comparisons = field(default_factory=lambda: Comparisons(DEFAULT_STEPS))

    def at(self, readable: Readable) -> References:
        """The same at another place."""
        return self if readable is self.readable else replace(self, readable=readable)

    def knowing(self, facts: Facts) -> References:
        """The same where more is known."""
        return self.at(self.readable.knowing(facts))

    def schema_of(self, reference: Reference, pointer: str) -> Any:
        """The schema of what a reference gives; what is wrong with it is reported.

        Args:
            reference: stands in a string of the document.
            pointer: of that string.
        """
        return _Lookup(self.readable, self.report, reference, pointer).run()


class _Lookup:
    """Follows one reference."""

    def __init__(self, readable: Readable, report: Report, reference: Reference, pointer: str) -> None:
        self._readable = readable
        self._report = report
        self._reference = reference
        self._pointer = pointer
        self._has_default = reference.default is not msgspec.UNSET

    def run(self) -> Any:
        root, path = self._reference.root, self._reference.path
        if root in self._readable.roots:
            match root:
                case "input":
                    return self._follow(self._readable.input, ("input",), path)
                case "tasks":
                    return self._task(str(path[0]))
                case "forEach":
                    return self._loop(path)
            return self._readable.workflow if root == "workflow" else _TEXT
        if root != "secrets":  # whether one is declared, and may stand here, is a matter of its own
            self._not_readable()
        return UNTYPED

    def _not_readable(self) -> None:
        seen = ", ".join(sorted(self._readable.roots))
        hint = "let the step that uses the task give it in its input"
        self._add(Code.NOT_READABLE_HERE, f"{self._reference.root} cannot be read here, only {seen}", hint)

    def _task(self, step: str) -> Any:
        steps, reachable = self._readable.steps, self._readable.graphs
        if steps.graphs.get(step) not in reachable:
            self._out_of_reach(step)
        output = steps.outputs.get(step) if steps.graphs.get(step) in reachable else None
        if output is None:
            return UNTYPED
        _, what, *path = self._reference.path
        if what == "status":
            return self._follow({"enum": list(output.statuses)}, ("tasks", step, "status"), ())
        if what == "output":
            return self._output(step, output, tuple(path))
        if output.results is None:
            hint = "read its output, or give it a forEach"
            self._add(Code.NOT_A_LOOP, f"tasks.{step} has no loop, so it has no items", hint)
            return UNTYPED
        return self._follow(output.results, ("tasks", step, "forEach"), tuple(path))

    def _out_of_reach(self, step: str) -> None:
        readable = self._readable
        if step in readable.steps.graphs:
            message = f"tasks.{step} is nested in another step, and only what is nested there reads it"
            hint = "let that step give it in its output"
            self._add(Code.NOT_READABLE_HERE, message, hint)
            return
        known = [name for name, graph in readable.steps.graphs.items() if graph in readable.graphs]
        self._unknown(Code.UNKNOWN_STEP, f"tasks.{step} does not exist", step, known)

    def _output(self, step: str, output: Output, path: Path) -> Any:
        start: Path = ("tasks", step, "output")
        may_be_null = (output.skippable or output.optional) and not self._is_completed(step, output)
        if not may_be_null or self._has_default:
            return self._follow(output.schema, start, path, optional=may_be_null)
        if not path:
            return nullable(self._follow(output.schema, start, path))
        why = "may be skipped by its condition" if output.skippable else "is optional and may fail"
        self._add(
            Code.MAY_BE_SKIPPED,
            f"tasks.{step} {why}, and its output is then null",
            f"give a default with ??, or a condition that asks for tasks.{step}.status",
        )
        return self._follow(output.schema, start, path)

    def _is_completed(self, step: str, output: Output) -> bool:
        """Whether the conditions around say that the step has an output."""
        facts = self._readable.facts
        if (fact := facts.get(("tasks", step, "output"))) and "null" not in kinds_of(fact.schema):
            return True
        fact = facts.get(("tasks", step, "status"))
        if fact is None:
            return False
        return values_of(narrowed({"enum": list(output.statuses)}, fact.schema)) == ("completed",)

    def _loop(self, path: Path) -> Any:
        loops, rest = self._loops_named(path)
        if not self._readable.loops:
            message, hint = "forEach is read inside a loop, and there is none here", "give the step a forEach"
            self._add(Code.NOT_READABLE_HERE, message, hint)
            return UNTYPED
        if not loops:
            hint = "this is the outermost loop" if path[0] == ROOT else "leave out a $parent"
            self._add(Code.UNKNOWN_ITEM, f"there is no loop for {self._reference.path_text}", hint)
            return UNTYPED
        name, *fields = rest
        if name == INDEX:
            return _INDEX
        for loop in reversed(loops):
            if loop.name == name:
                start = ("forEach", *path[: len(path) - len(fields)])
                return self._follow(loop.item, start, tuple(fields))
        known = (*dict.fromkeys(loop.name for loop in reversed(loops)), INDEX)
        self._unknown(Code.UNKNOWN_ITEM, f"there is no loop here whose item is {name}", str(name), known)
        return UNTYPED

    def _loops_named(self, path: Path) -> tuple[tuple[Loop, ...], Path]:
        """The loops a path may mean, innermost last, and the rest of the path."""
        loops = self._readable.loops
        if path[0] == ROOT:
            return (loops[:1] if len(loops) > 1 else ()), path[1:]
        parents = next(index for index, step in enumerate(path) if step != PARENT)
        return loops[: max(len(loops) - parents, 0)], path[parents:]

    def _follow(self, schema: Any, start: Path, path: Path, *, optional: bool = False) -> Any:
        """What a schema, and what is known besides, says of the value at a path from its start.

        Args:
            schema: of the value at the start.
            start: the steps of the reference that lead there.
            path: those behind it.
            optional: a default may stand in for the value at the start.
        """
        done, assumed = 0, False
        for end, fact in [*self._facts(start, path), (len(path), None)]:
            found = self._look(schema, (*start, *path[:done]), path[done:end])
            if isinstance(found, Missing):
                return self._defaulted(UNTYPED, optional=True)
            schema = found.schema if fact is None else narrowed(found.schema, fact.schema)
            optional = (optional or found.optional) and not (fact and fact.present)
            assumed = (assumed or found.assumed) and not (fact and fact.present)
            done = end
        if optional and not self._has_default:
            self._add(
                Code.MAY_BE_MISSING,
                f"{self._reference.path_text} may be missing, because its schema does not require it",
                "give a default with ??, or require it in the schema",
            )
        return self._defaulted(schema, optional=optional or assumed)

    def _defaulted(self, schema: Any, *, optional: bool) -> Any:
        """The schema of what the reference gives, whose default stands in for null and what is not there."""
        default = self._reference.default
        return schema if default is msgspec.UNSET else with_default(schema, default, optional=optional)

    def _facts(self, start: Path, path: Path) -> Iterator[tuple[int, Fact]]:
        facts = self._readable.facts
        if facts:
            for end in range(len(path) + 1):
                fact = facts.get((*start, *path[:end]))
                if fact is not None:
                    yield end, fact

    def _look(self, schema: Any, owner: Path, path: Path) -> Found | Missing:
        found = lookup(schema, path)
        if isinstance(found, Missing):
            root, *steps = (*owner, *path[: found.at])
            self._missing(found, Reference(root=str(root), path=tuple(steps)).path_text, path[found.at])
        return found

    def _missing(self, missing: Missing, holder: str, name: str | int) -> None:
        if not self._has_default:
            what = f"item [{name}]" if isinstance(name, int) else f'field "{name}"'
            self._unknown(Code.UNKNOWN_PATH, f"{holder} has no {what}", str(name), missing.known)
        elif near := self._report.nearest(str(name), missing.known):
            self._add(
                Code.UNKNOWN_PATH,
                f'{holder} declares no field "{name}", so this may always give the default',
                f'did you mean "{near}"?',
                Severity.WARNING,
            )

    def _unknown(self, code: Code, message: str, name: str, known: Iterable[str]) -> None:
        place = self._reference.offset
        self._report.add(code, message, self._pointer, offset=place, meant=(name, known))

    def _add(self, code: Code, message: str, suggestion: str, severity: Severity = Severity.ERROR) -> None:
        place = self._reference.offset
        self._report.add(code, message, self._pointer, offset=place, suggestion=suggestion, severity=severity)

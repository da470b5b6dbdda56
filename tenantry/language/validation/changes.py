"""Breaking changes: what callers of a task or workflow can no longer send, or no longer rely on. Pure.

Admission asks it about two versions of a definition, to name what a change would break.

What a version takes must include what the one before took, and what it gives must be among what that gave.
The schema that must hold is taken apart into demands, each compared by itself: so a change names its field,
and its counterexample is a whole payload.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from tenantry.language.schemas import Fits, Missing, Refuted, lookup
from tenantry.language.schemas.subtyping import Comparisons
from tenantry.language.schemas.validators import compile_checked
from tenantry.language.validation.demands import ITEM, closed, demands
from tenantry.language.validation.memory import MAX_STEPS_OF_ONE
from tenantry.language.validation.readable import output_schema
from tenantry.language.values import pointer_token

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tenantry.language.documents.model import Workflow, WorkflowTask
    from tenantry.language.validation.demands import Demand
    from tenantry.language.values import Json


class Side(StrEnum):
    """What a field belongs to."""

    INPUT = "input"
    OUTPUT = "output"


class ChangeKind(StrEnum):
    """How a field breaks who relied on it. The value is what is said of it."""

    REQUIRED = "must be given now"
    NARROWED = "takes less than before"
    MAY_BE_MISSING = "may be missing now"
    WIDENED = "gives more than before"
    REMOVED = "is no longer given"

    @property
    def side(self) -> Side:
        """What such a change is about."""
        return Side.INPUT if self in {ChangeKind.REQUIRED, ChangeKind.NARROWED} else Side.OUTPUT


@dataclass(frozen=True, slots=True, kw_only=True)
class Interface:
    """What a version of a task or a workflow takes and gives, and where its document says so.

    Attributes:
        input: schema in which `check` finds no problem.
        output: likewise; a workflow's is inferred.
        input_pointer: JSON pointer of the input schema in the document.
        output_pointer: of the output schema, or of the value that makes up the output.
        spells_output: it is such a value, whose fields are those of the output.
    """

    input: Any
    output: Any
    input_pointer: str
    output_pointer: str
    spells_output: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A way in which a version breaks who relied on the one before.

    Attributes:
        field: names from the outside in, `ITEM` for any item; empty for the whole.
        pointer: JSON pointer into the new document, to where the field is or was declared.
        message: one sentence without a full stop.
        counterexample: a payload that was taken and is not any more, or that is given now and never was; of a
            field that is removed, what is given now.
    """

    kind: ChangeKind
    field: tuple[str, ...]
    pointer: str
    message: str
    counterexample: Json


def task_interface(task: WorkflowTask) -> Interface:
    """What a valid task takes and gives."""
    return Interface(
        input=task.spec.input_schema or {},
        output=output_schema(task),
        input_pointer="/spec/inputSchema",
        output_pointer="/spec/outputSchema",
    )


def workflow_interface(workflow: Workflow, output: Any) -> Interface:
    """What a valid workflow takes, and gives by the inferred schema `output`."""
    return Interface(
        input=workflow.spec.input or {},
        output=output,
        input_pointer="/spec/input",
        output_pointer="/spec/output",
        spells_output=True,
    )


def breaking_changes(
    old: Interface, new: Interface, comparisons: Comparisons | None = None
) -> tuple[Change, ...]:
    """What breaks when the new version takes the place of the old one, input first; empty when nothing does.

    What cannot be decided is no change. Fields that nobody declared are not sent and not given; a field that
    is given in addition breaks nobody.
    """
    comparisons = Comparisons(MAX_STEPS_OF_ONE) if comparisons is None else comparisons
    taken = _Comparison(comparisons, old.input, new.input, new.input_pointer, is_input=True)
    given = _Comparison(
        comparisons, new.output, old.output, new.output_pointer, spells_fields=new.spells_output
    )
    return (*taken.changes(), *given.changes(), *given.removed())


def describe_field(side: Side, field: tuple[str, ...]) -> str:
    """A field as people write it: `input.lines[].price`."""
    return str(side) + "".join("[]" if name == ITEM else f".{name}" for name in field)


class _Comparison:
    """What one schema gives, held against each demand of another."""

    def __init__(
        self,
        comparisons: Comparisons,
        given: Any,
        taken: Any,
        pointer: str,
        *,
        is_input: bool = False,
        spells_fields: bool = False,
    ) -> None:
        self._compare = comparisons.compare
        self._given, self._taken, self._pointer = closed(given), taken, pointer
        self._is_input, self._spells_fields = is_input, spells_fields

    def changes(self) -> Iterator[Change]:
        """One for each demand that is not met."""
        verdict = self._compare(self._given, self._taken)
        if isinstance(verdict, Fits):
            return
        is_told = False
        for demand in demands(self._taken):
            refuted = self._compare(self._given, demand.schema)
            # A demand of a recursive schema may ask for more than the schema does.
            if isinstance(refuted, Refuted) and not self._takes(refuted.counterexample):
                is_told = True
                if self._is_input or not (demand.is_closure or self._is_removed(demand.field)):
                    yield self._change(demand, refuted)
        if isinstance(verdict, Refuted) and not is_told:
            yield self._made(self._kind(is_presence=False), (), self._pointer, verdict)

    def removed(self) -> Iterator[Change]:
        """One for each field that one schema declares and the other has no place for."""
        fields = {demand.field: demand for demand in demands(self._taken) if self._is_removed(demand.field)}
        for field, demand in fields.items():
            if field[:-1] not in fields and isinstance(given := self._compare(self._given, False), Refuted):
                yield self._made(ChangeKind.REMOVED, field, self._place(demand), given)

    def _change(self, demand: Demand, refuted: Refuted) -> Change:
        kind = self._kind(is_presence=demand.is_presence)
        return self._made(kind, demand.field, self._place(demand), refuted)

    def _kind(self, *, is_presence: bool) -> ChangeKind:
        if self._is_input:
            return ChangeKind.REQUIRED if is_presence else ChangeKind.NARROWED
        return ChangeKind.MAY_BE_MISSING if is_presence else ChangeKind.WIDENED

    def _made(self, kind: ChangeKind, field: tuple[str, ...], pointer: str, example: Refuted) -> Change:
        message = f"{describe_field(kind.side, field)} {kind.value}"
        if kind in {ChangeKind.NARROWED, ChangeKind.WIDENED}:
            message += f": {example.message}"
        return Change(
            kind=kind, field=field, pointer=pointer, message=message, counterexample=example.counterexample
        )

    def _place(self, demand: Demand) -> str:
        if self._spells_fields:
            return self._pointer + "".join(map(pointer_token, demand.field))
        return self._pointer + demand.pointer

    def _takes(self, value: Json) -> bool:
        return compile_checked(self._taken).is_valid(value)

    def _is_removed(self, field: tuple[str, ...]) -> bool:
        return isinstance(lookup(self._given, [0 if name == ITEM else name for name in field]), Missing)

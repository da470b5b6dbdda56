"""The outline of a plan: its steps and their branches as one tree of parts, on a time axis.

What is shown of a plan is made from it: as text, as JSON, as drawings, and as the preview of a dry run.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias, cast

from tenantry.language.plan.model import ActionPlan, ForEachPlan, GroupPlan, SubworkflowPlan, SwitchPlan
from tenantry.language.plan.worst_case import WorstCase, rounds

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tenantry.language.plan.model import BodyPlan, CallPlan, Plan, StepPlan, ValuePlan
    from tenantry.language.values import Json

OnceBody: TypeAlias = "CallPlan | ValuePlan | SwitchPlan | GroupPlan | SubworkflowPlan"
"""A body that is no loop."""

MAX_OPENED: Final = 1000
"""Parts from which on no more sub-workflows are opened: run by many, each of many, they would have no end."""


class Role(StrEnum):
    """What a part is to the part around it."""

    STEP = "step"
    CASE = "case"
    DEFAULT = "default"
    ELSE = "else"
    FALLBACK = "fallback"
    COMPENSATE = "compensate"


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A step of a plan, or a branch of one.

    Attributes:
        id: unique in the plan: `departments/employees` is a step inside another, `charge~else` a branch.
        name: what it is called where it stands: a step's id, or `case1`, `default`, `else` and so on.
        action: what it does; a loop's condition may stand here or in the loop's own action.
        group: of a step: the number of its wave in its graph, from 0.
        waits_for: of a step: ids of the parts it waits for.
        match: of a case: its literal.
        start_seconds: when it starts at the latest, from the start of the plan; `None` for what undoes a
            step after a failure.
        seconds: how long it takes at most, with all that is inside; one round of items, where nobody knows
            how many there are.
        critical: it is on the longest path.
        parts: what is inside: steps, cases, and what stands in for it or undoes it.
    """

    id: str
    name: str
    role: Role
    action: ActionPlan
    optional: bool = False
    group: int | None = None
    waits_for: tuple[str, ...] = ()
    match: Json = None
    start_seconds: float | None
    seconds: float
    critical: bool
    parts: tuple[Part, ...] = ()

    @property
    def loop(self) -> ForEachPlan | None:
        """The loop, when it is done for every item of a list."""
        return self.action.body if isinstance(self.action.body, ForEachPlan) else None

    @property
    def at_least(self) -> bool:
        """Whether it may take longer: nobody knows how many items its loop has."""
        return self.loop is not None and rounds(self.loop) is None

    @property
    def once(self) -> ActionPlan:
        """What is done once: for each item of the loop, when there is one."""
        return self.action if self.loop is None else self.loop.action

    @property
    def body(self) -> OnceBody:
        """What is done, with the loop around it taken off: a loop's own action is no other loop."""
        return cast("OnceBody", self.once.body)

    @property
    def filters(self) -> bool:
        """Whether its condition is asked of every item of the loop, and not of the whole."""
        return self.loop is not None and self.loop.action.condition is not None

    @property
    def condition_text(self) -> str:
        """Its condition as it is written, or nothing."""
        asked = self.once if self.filters else self.action
        return "" if asked.condition is None else asked.condition_text

    def walk(self) -> Iterator[Part]:
        """This part and all inside it, from the outside in."""
        yield self
        for part in self.parts:
            yield from part.walk()


@dataclass(frozen=True, slots=True, kw_only=True)
class Outline:
    """A plan as parts. `seconds` is the worst case of the whole, whatever its deadline says."""

    plan: Plan
    parts: tuple[Part, ...]
    seconds: float

    @property
    def at_least(self) -> bool:
        """Whether it may take longer: a loop in it may."""
        return any(part.at_least for part in self.walk())

    def walk(self) -> Iterator[Part]:
        """All parts, from the outside in, in the order of the document."""
        for part in self.parts:
            yield from part.walk()


def outline(plan: Plan) -> Outline:
    """The outline of a plan. Sub-workflows are opened while there are fewer than `MAX_OPENED` parts."""
    outliner = _Outliner()
    return Outline(
        plan=plan,
        parts=outliner.steps(plan.graph, "", _Moment(0.0, critical=True)),
        seconds=outliner.worst_case.of_body(plan.graph),
    )


class _Moment(NamedTuple):
    """Where something is on the time axis, if it is there at all, and whether it is on the longest path."""

    start: float | None
    critical: bool

    def after(self, seconds: float, *, critical: bool) -> _Moment:
        """So much later, on the longest path if this moment is there and the path leads that way."""
        start = None if self.start is None else self.start + seconds
        return _Moment(start, self.critical and critical)


class _Outliner:
    def __init__(self) -> None:
        self.worst_case = WorstCase()
        self._listed = 0

    def steps(self, group: GroupPlan, inside: str, moment: _Moment) -> tuple[Part, ...]:
        """The steps of a graph; `inside` is what their ids begin with."""
        timeline = self.worst_case.timeline(group)
        waves = {name: number for number, wave in enumerate(group.groups) for name in wave}
        return tuple(
            self._step(
                step,
                group,
                inside,
                waves[step.id],
                moment.after(timeline.starts[step.index], critical=step.index in timeline.critical),
            )
            for step in group.steps
        )

    def _step(self, step: StepPlan, group: GroupPlan, inside: str, wave: int, moment: _Moment) -> Part:
        self._listed += 1
        place = f"{inside}{step.id}"
        return Part(
            id=place,
            name=step.id,
            role=Role.STEP,
            action=step.action,
            optional=step.optional,
            group=wave,
            waits_for=tuple(f"{inside}{group.steps[before].id}" for before in step.dependencies),
            start_seconds=moment.start,
            seconds=self.worst_case.of_action(step.action),
            critical=moment.critical,
            parts=tuple(self._inside(step.action, place, moment)),
        )

    def _branch(self, role: Role, body: BodyPlan, around: str, moment: _Moment, **case: Any) -> Part:
        """A branch of a part; `case` says the name and the literal of one of several."""
        self._listed += 1
        name = case.pop("name", role.value)
        place, action = f"{around}~{name}", ActionPlan(body=body)
        return Part(
            id=place,
            name=name,
            role=role,
            action=action,
            start_seconds=moment.start,
            seconds=self.worst_case.of_body(body),
            critical=moment.critical,
            parts=tuple(self._inside(action, place, moment)),
            **case,
        )

    def _inside(self, action: ActionPlan, place: str, moment: _Moment) -> Iterator[Part]:
        """What is inside a part: of its body first, then its `else`, its fallback and its compensation."""
        worst = self.worst_case.of_body
        once, gated = action, None
        if isinstance(action.body, ForEachPlan):
            once, gated = action.body.action, action.otherwise
        entered = moment.after(0.0, critical=worst(action.body) >= worst(gated))
        tried, instead = worst(once.body), worst(once.otherwise)
        yield from self._of_body(once.body, place, entered.after(0.0, critical=tried >= instead))
        if gated is not None:
            refused = moment.after(0.0, critical=not entered.critical)
            yield self._branch(Role.ELSE, gated, place, refused)
        if once.otherwise is not None:
            yield self._branch(Role.ELSE, once.otherwise, place, entered.after(0.0, critical=instead > tried))
        if once.fallback is not None:
            late = entered.after(max(tried, instead), critical=True)
            yield self._branch(Role.FALLBACK, once.fallback, place, late)
        if once.compensate is not None:
            yield self._branch(Role.COMPENSATE, once.compensate, place, _Moment(None, critical=False))

    def _of_body(self, body: BodyPlan, place: str, moment: _Moment) -> Iterable[Part]:
        match body:
            case SwitchPlan():
                return self._cases(body, place, moment)
            case GroupPlan():
                return self.steps(body, f"{place}/", moment)
            case SubworkflowPlan() if self._listed < MAX_OPENED:
                return self.steps(body.plan.graph, f"{place}/", moment)
        return ()

    def _cases(self, switch: SwitchPlan, place: str, moment: _Moment) -> Iterator[Part]:
        longest = self.worst_case.of_body(switch)
        for number, (match, body) in enumerate(switch.cases, start=1):
            way = moment.after(0.0, critical=self.worst_case.of_body(body) == longest)
            yield self._branch(Role.CASE, body, place, way, name=f"case{number}", match=match)
        if switch.default is not None:
            way = moment.after(0.0, critical=self.worst_case.of_body(switch.default) == longest)
            yield self._branch(Role.DEFAULT, switch.default, place, way)

"""Whether a workflow can keep its deadline: its worst-case critical path against it, shown as a table.

`workflows` calls it. Only a deadline that the author has written, or a strict policy, is compared.
"""

from __future__ import annotations

from functools import partial
from math import floor, log10
from typing import TYPE_CHECKING, Final

from tenantry.language.codes import Code
from tenantry.language.documents.words import write_duration
from tenantry.language.findings import Severity
from tenantry.language.graph.critical_path import CriticalPaths, Surroundings
from tenantry.language.graph.dependencies import dependencies
from tenantry.language.validation.deadline_table import draw_table
from tenantry.language.validation.item_counts import ItemCounts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from tenantry.language.documents.model import Step, Workflow
    from tenantry.language.documents.report import Report
    from tenantry.language.graph.critical_path import CountItems, CriticalPath, Leg
    from tenantry.language.validation.library import Library

_MAX_NAMES: Final = 10
_MAX_CANDIDATES: Final = 5
_LEAST_SHARE: Final = 0.1  # a timeout cut down to less than this is no advice
_LEAST_TIMEOUT: Final = 0.001


def check_deadline(
    workflow: Workflow,
    library: Library,
    report: Report,
    waits: Callable[[Step], Iterable[str]] = dependencies,
) -> None:
    """Reports a workflow that may take longer than its deadline.

    Args:
        workflow: whose steps do not wait for each other.
        library: what it refers to.
        report: takes the finding.
        waits: ids a step of it, or of a workflow it runs, waits for; more than those of its graph do no harm.
    """
    spec = workflow.spec
    is_written = "deadline" in spec.model_fields_set
    is_strict = spec.deadline_policy == "strict"
    if not is_written and not is_strict:
        return
    paths = CriticalPaths(
        Surroundings(
            tasks=library.tasks,
            find_workflow=library.workflow,
            count_items=partial(_count_items, library),
            waits=waits,
        )
    )
    try:
        path = paths.of(workflow)
    except ValueError:  # a cycle, or no condition: told where that is looked for
        return
    if round(path.seconds, 6) > spec.deadline:
        report.add(
            Code.DEADLINE_EXCEEDED,
            _message(path, spec.deadline),
            "/spec/deadline" if is_written else "/spec/deadlinePolicy",
            suggestion=_suggestion(workflow, paths, path),
            severity=Severity.ERROR if is_strict else Severity.WARNING,
            details=draw_table(path),
        )


def _count_items(library: Library, workflow: Workflow) -> CountItems:
    return ItemCounts(workflow, library).most


def _message(path: CriticalPath, deadline: float) -> str:
    names = [leg.name for leg in path.legs]
    if len(names) > _MAX_NAMES:
        half = _MAX_NAMES // 2
        names = [*names[:half], "…", *names[-half:]]
    return (
        f"in the worst case this takes {'at least ' * path.at_least}{write_duration(path.seconds)}, "
        f"and the deadline is {write_duration(deadline)}: {' -> '.join(names)}"
    )


def _suggestion(workflow: Workflow, paths: CriticalPaths, path: CriticalPath) -> str:
    """The timeout after which the deadline is kept, of the longest step for which there is one."""
    deadline = workflow.spec.deadline
    steps = {step.id: step for step in workflow.spec.tasks}
    for leg in sorted(path.legs, key=lambda leg: -leg.seconds)[:_MAX_CANDIDATES]:
        room = deadline - (path.seconds - leg.seconds)
        timeout = _timeout_within(leg, room) if leg.seconds else None
        if timeout is not None and path.seconds_without(leg.name) <= deadline:
            step = steps[leg.name].model_copy(update={"timeout": timeout})
            if round(paths.leg(workflow, step).seconds - room, 6) <= 0:  # another branch may be longer now
                return f"a timeout of {write_duration(timeout)} for {leg.name} fits"
    needed = f"{'at least ' * path.at_least}{write_duration(path.seconds)}"
    return f"no change of one timeout is enough: shorten several, or have a deadline of {needed}"


def _timeout_within(leg: Leg, room: float) -> float | None:
    """The timeout with which all rounds of a step just fit, unless it is only a fraction of what it was."""
    rest = leg.waits_seconds + (leg.fallback.seconds if leg.fallback else 0.0)
    attempts = max(leg.attempts, 1)
    now = (leg.seconds / leg.rounds - rest) / attempts
    fitting = (room / leg.rounds - rest) / attempts
    return _rounded_down(fitting) if fitting >= max(_LEAST_SHARE * now, _LEAST_TIMEOUT) else None


def _rounded_down(seconds: float) -> float:
    """The number without its third and further digits."""
    size = 10.0 ** (floor(log10(seconds)) - 1)
    return floor(round(seconds / size, 6)) * size

"""Whether the tenant has a provider for every secret that a workflow and its tasks need."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tenantry.language.codes import Code
from tenantry.language.documents.model import HttpTaskSpec
from tenantry.language.validation.secrets.calls import calls_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tenantry.language.documents.model import Step
    from tenantry.language.documents.report import Report
    from tenantry.language.validation.library import Library


def check_providers(steps: Iterable[tuple[Step, str]], library: Library, report: Report) -> None:
    """Reports secrets that nobody provides: at their declaration, or at the first use of a task's.

    Args:
        steps: with their pointers.
        library: says which sources there are, and what the tasks need.
        report: takes the findings.
    """
    sources = library.secret_sources
    hint = f"it has one for {', '.join(sorted(sources))}" if sources else "it has none at all"
    told: set[tuple[str, str]] = set()
    for step, pointer in steps:
        for index, use in enumerate(step.secrets):
            if use.source not in sources:
                message = (
                    f"the tenant has no provider for {use.source}, which {step.id} takes {use.name} from"
                )
                place = f"{pointer}/secrets/{index}/source"
                report.add(Code.NO_SECRET_PROVIDER, message, place, suggestion=hint)
        for call in calls_of(step, pointer):
            task = library.tasks.get(call.task or "")
            if task is None or not isinstance(task.spec, HttpTaskSpec):
                continue
            for use in task.spec.secrets:
                if use.source not in sources and (task.name, use.name) not in told:
                    told.add((task.name, use.name))
                    message = (
                        f"the tenant has no provider for {use.source}, which the task {task.name} takes "
                        f"{use.name} from"
                    )
                    report.add(Code.NO_SECRET_PROVIDER, message, f"{call.place}/taskRef", suggestion=hint)

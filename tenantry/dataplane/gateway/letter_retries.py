"""Retries and forks for dead letters, by those who control executions."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from tenantry.dataplane.dead_letters.port import Refusal, RefusedRetryError
from tenantry.dataplane.engine.core.forking import UnknownTaskError
from tenantry.dataplane.executions.control import NotPossibleError, UnknownOutcomeError
from tenantry.dataplane.executions.pinned import PlanGoneError
from tenantry.dataplane.executions.revival import JournalDamagedError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from tenantry.dataplane.bundles.tenant import ServedTenant
    from tenantry.dataplane.executions.control import Control
    from tenantry.dataplane.executions.revival import Revived
    from tenantry.dataplane.journal.history import History
    from tenantry.language.values import Json


class LetterRetries:
    """The `Retries` of dead letters."""

    def __init__(self, control: Control, history: History) -> None:
        self._control, self._history = control, history

    async def retry(
        self,
        tenant: ServedTenant,
        execution_id: str,
        actor: str,
        inputs: Mapping[str, Json],
        *,
        acknowledged: bool,
    ) -> None:
        """See `Retries.retry`."""
        before = await self._run_of(tenant, execution_id)
        with _refusing():
            await self._control.retry(tenant, execution_id, actor, inputs, acknowledged=acknowledged)
            if await self._run_of(tenant, execution_id) == before:
                raise _somebody_else()
            if inputs and not _took(await self._look_at(tenant, execution_id), inputs):
                raise _somebody_else()

    async def fork(
        self,
        tenant: ServedTenant,
        execution_id: str,
        actor: str,
        inputs: Mapping[str, Json],
        *,
        tasks: Sequence[str],
        new_id: str,
    ) -> None:
        """See `Retries.fork`."""
        with _refusing():
            origin = await self._look_at(tenant, execution_id)
            if tasks[0] not in origin.state.lettered:
                message = "its execution was retried since, and completed: discard the letter"
                raise RefusedRetryError(Refusal.NOT_OPEN, message)
            await self._control.fork(tenant, origin, tasks, actor, inputs=inputs, new_id=new_id)

    async def _run_of(self, tenant: ServedTenant, execution_id: str) -> int:
        summary = await self._history.find(tenant.name, execution_id)
        if summary is None:
            raise _gone()
        return summary.run

    async def _look_at(self, tenant: ServedTenant, execution_id: str) -> Revived:
        found = await self._control.look_at(tenant, execution_id)
        if found is None:
            raise _gone()
        return found


def _took(found: Revived, inputs: Mapping[str, Json]) -> bool:
    return all(found.state.inputs.get(task) == value for task, value in inputs.items())


@contextmanager
def _refusing() -> Iterator[None]:
    try:
        yield
    except NotPossibleError:  # it had failed a moment ago
        raise _somebody_else() from None
    except UnknownOutcomeError as error:
        raise RefusedRetryError(Refusal.OUTCOME_UNKNOWN, str(error)) from None
    except UnknownTaskError as error:
        raise RefusedRetryError(Refusal.TASK_UNKNOWN, str(error)) from None
    except (PlanGoneError, JournalDamagedError) as error:
        message = f"its execution cannot be read any more ({error}): discard the letter"
        raise RefusedRetryError(Refusal.TRACE_GONE, message) from None


def _somebody_else() -> RefusedRetryError:
    return RefusedRetryError(
        Refusal.BUSY, "somebody else retries its execution: look at the letter again soon"
    )


def _gone() -> RefusedRetryError:
    return RefusedRetryError(Refusal.EXECUTION_GONE, "its execution is not kept any more: discard the letter")

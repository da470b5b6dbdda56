"""What can be done to an execution where it stands, as its trace offers it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tenantry.dataplane.engine.core.state import ExecutionStatus

if TYPE_CHECKING:
    from collections.abc import Mapping

_POSSIBLE: Final[Mapping[ExecutionStatus, tuple[str, ...]]] = {
    ExecutionStatus.SUBMITTED: ("pause", "cancel"),
    ExecutionStatus.RUNNING: ("pause", "cancel"),
    ExecutionStatus.PAUSED: ("resume", "cancel"),
    ExecutionStatus.FAILED: ("retry",),
    ExecutionStatus.CANCELLED: ("retry",),
}


def possible_actions(location: str, status: ExecutionStatus) -> dict[str, str]:
    """Where to send a POST for each, by name; from any of its tasks it can be forked, however it stands.

    Args:
        location: path of the execution.
        status: where it stands.
    """
    return {name: f"{location}/{name}" for name in (*_POSSIBLE.get(status, ()), "fork")}

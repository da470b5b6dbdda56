"""What the gateway's endpoints share: one value, made once at start."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tenantry.dataplane.gateway import errors

if TYPE_CHECKING:
    from tenantry.dataplane.bundles.follower import BundleFollower
    from tenantry.dataplane.bundles.registry import Registry
    from tenantry.dataplane.callbacks.deliveries import Deliveries
    from tenantry.dataplane.callbacks.signing import CallbackSecrets
    from tenantry.dataplane.circuits.port import Circuits
    from tenantry.dataplane.clock import Clock
    from tenantry.dataplane.dead_letters.parts import DeadLetters
    from tenantry.dataplane.executions.control import Control
    from tenantry.dataplane.executions.executor import Executor
    from tenantry.dataplane.executions.keys import IdempotencyKeys
    from tenantry.dataplane.executions.pinned import PinnedPlans
    from tenantry.dataplane.journal.history import History
    from tenantry.dataplane.journal.writer import JournalWriter
    from tenantry.dataplane.retention.cleanups import Cleanups
    from tenantry.dataplane.retention.holdings import Holdings
    from tenantry.dataplane.sharing import Sharing


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """The data plane's parts, as the gateway uses them."""

    registry: Registry
    executor: Executor
    control: Control
    keys: IdempotencyKeys
    circuits: Circuits
    sharing: Sharing | None
    journal: JournalWriter
    history: History
    plans: PinnedPlans
    clock: Clock
    follower: BundleFollower
    cleanups: Cleanups
    holdings: Holdings
    dead_letters: DeadLetters
    deliveries: Deliveries
    callback_secrets: CallbackSecrets

    def refuse_while_draining(self) -> None:
        """Refuses what would begin something here while this executor shuts down: another one serves it."""
        if self.executor.draining:
            raise errors.unavailable("draining", "this executor is shutting down: send the request again")

"""The body of a data plane's process that kills itself at its n-th commit; started by `killing`, forked.

It takes nothing over from others, so the n-th commit is that of what it was asked for itself.
"""

from __future__ import annotations

import os
import signal
import sys
from typing import TYPE_CHECKING
from unittest.mock import patch

from tenantry.dataplane import __main__ as dataplane
from tenantry.dataplane.executions.lease import Lease
from tenantry.dataplane.journal.store import PostgresStore

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tenantry.dataplane.journal.rows import Row


class KilledStore(PostgresStore):
    """Counts commits that write something; one of them is the last thing its process does.

    `KILLED_AT` says which, `KILLED` whether that is `before` or `after` the commit was made.
    """

    _commits = 0

    async def commit(self, rows: list[Row]) -> set[str]:
        """See `Store.commit`."""
        if not rows:
            return await super().commit(rows)
        self._commits += 1
        last = self._commits == int(os.environ["KILLED_AT"])
        if last and os.environ["KILLED"] == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        written = await super().commit(rows)
        if last:
            os.kill(os.getpid(), signal.SIGKILL)
        return written


async def _look_away(_lease: Lease) -> int:
    return 0


def serve(environment: Mapping[str, str]) -> None:
    """A data plane as these variables say; one that kills itself if `KILLED_AT` is among them."""
    sys.stderr = open(os.devnull, "w")  # noqa: PTH123, SIM115  (until the end of the process)
    os.environ.update(environment)
    if "KILLED_AT" not in environment:
        sys.exit(dataplane.main())
    with (
        patch("tenantry.dataplane.process.PostgresStore", KilledStore),
        patch.object(Lease, "look_around", _look_away),
    ):
        sys.exit(dataplane.main())

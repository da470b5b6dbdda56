"""The upstream as the judge of real processes: a real server that remembers what it did, for which case."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

from tests.support.upstream import serve

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.support.upstream import Peer

DOCUMENTS: Final = """
apiVersion: workflow.io/v1
kind: WorkflowTask
metadata: {{name: look}}
spec: {{type: http, request: {{method: GET, url: "{url}/look/{{{{input.at}}}}"}}}}
---
apiVersion: workflow.io/v1
kind: WorkflowTask
metadata: {{name: act-once}}
spec:
  type: http
  request:
    method: POST
    url: "{url}/{{{{input.at}}}}"
    headers: {{Idempotency-Key: "{{{{execution.id}}}}-{{{{input.at}}}}"}}
    body: {{case: "{{{{input.case}}}}"}}
---
apiVersion: workflow.io/v1
kind: WorkflowTask
metadata: {{name: act}}
spec:
  type: http
  request: {{method: POST, url: "{url}/{{{{input.at}}}}", body: {{case: "{{{{input.case}}}}"}}}}
---
apiVersion: workflow.io/v1
kind: Workflow
metadata: {{name: order}}
spec:
  input:
    type: object
    required: [case, begin, end]
    properties: {{case: {{type: string}}, begin: {{type: string}}, end: {{type: string}}}}
  tasks:
    - {{id: quote, taskRef: look, input: {{at: "{{{{input.begin}}}}"}}}}
    - id: charge
      taskRef: act-once
      dependsOn: [quote]
      input: {{at: charge, case: "{{{{input.case}}}}"}}
      compensate: {{taskRef: act-once, input: {{at: refund, case: "{{{{input.case}}}}"}}}}
    - {{id: ship, taskRef: act, dependsOn: [charge], input: {{at: ship, case: "{{{{input.case}}}}"}}}}
    - {{id: end, taskRef: look, dependsOn: [ship], input: {{at: "{{{{input.end}}}}"}}}}
  output: {{case: "{{{{input.case}}}}"}}
"""
"""`order` looks, charges with a key, ships without one, and looks again.

At `/look/gone` it fails; at `/look/held-…` it waits until the judge lets it go.
"""


class Judge:
    """Does what it is asked for, with a key only once.

    Attributes:
        url: where it is.
        effects: how often it did what, for which case.
        held: what somebody looks at that begins with `held-`; it is answered once it is set.
    """

    def __init__(self) -> None:
        self.url = ""
        self.effects: Counter[tuple[str, str]] = Counter()
        self.held: dict[str, asyncio.Event] = {}
        self._keys: set[bytes] = set()

    async def script(self, peer: Peer) -> None:
        """One connection."""
        while True:
            head, _, body = (await peer.request()).partition(b"\r\n\r\n")
            path = head.split(b" ")[1].decode().removeprefix("/")
            if body and _key(head) not in self._keys:
                self._keys |= {_key(head)} - {b""}
                self.effects[path, json.loads(body)["case"]] += 1
            await asyncio.sleep(0.01)
            if path.startswith("look/held-"):
                await self.held.setdefault(path.removeprefix("look/"), asyncio.Event()).wait()
            status = "410 Gone" if path == "look/gone" else "200 OK"
            await peer.answer(b"{}", status=status, headers="Content-Type: application/json\r\n")


@asynccontextmanager
async def judging() -> AsyncIterator[Judge]:
    """A running one."""
    judge = Judge()
    async with serve(judge.script) as upstream:
        judge.url = upstream.url
        yield judge


def _key(head: bytes) -> bytes:
    lines = [line.partition(b":") for line in head.split(b"\r\n")[1:]]
    return next((value.strip() for name, _, value in lines if name.lower() == b"idempotency-key"), b"")

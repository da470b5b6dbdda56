"""Side effects: every POST passes here, is done at most once per `Idempotency-Key`, and is written down.

The journal is what tests judge Tenantry by: it says what really happened upstream, and how often.
"""

from __future__ import annotations

import hashlib
from collections import deque
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Final, NamedTuple, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic.alias_generators import to_camel
from starlette.responses import JSONResponse, Response

from tenantry.testapi.bounded import BoundedMap
from tenantry.testapi.problems import RequestProblem, invalid

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import Request

    from tenantry.testapi.seed import Record

JOURNAL_CAPACITY: Final = 20_000
KEY_CAPACITY: Final = 20_000
MAX_BODY_BYTES: Final = 64 * 1024
MAX_KEY_LENGTH: Final = 255


class Command(BaseModel):
    """A request body. Every field bounds its size, because the journal keeps what came of it."""

    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=to_camel, strict=True)


AnyCommand = TypeVar("AnyCommand", bound=Command)


class Effect(StrEnum):
    """What a POST did: something, nothing because it had been done before, nothing because it was refused."""

    APPLIED = "applied"
    REPLAYED = "replayed"
    REFUSED = "refused"


class _Done(NamedTuple):
    fingerprint: bytes
    status: int
    body: Record


class Effects:
    """Does side effects once and remembers what was asked, within fixed bounds."""

    def __init__(self) -> None:
        self._done: BoundedMap[_Done] = BoundedMap(KEY_CAPACITY)
        self._journal: deque[Record] = deque(maxlen=JOURNAL_CAPACITY)
        self._sequence = 0

    async def perform(
        self, request: Request, command: type[AnyCommand], apply: Callable[[AnyCommand], tuple[int, Record]]
    ) -> Response:
        """Reads and validates the body, then applies it unless its key was applied before.

        Raises:
            RequestProblem: 400 not JSON, 413 too large, 422 invalid or a key reused with another body,
                and whatever `apply` refuses with.
        """
        try:
            body = await _read_body(request)
            return self._apply_once(request, body, command, apply)
        except RequestProblem as problem:
            self._write(request, Effect.REFUSED, problem.status, None)
            raise

    def journal(self) -> list[Record]:
        """Every entry still kept, oldest first."""
        return list(self._journal)

    def clear_journal(self) -> None:
        """Forgets the entries; what was done stays done."""
        self._journal.clear()

    def _apply_once(
        self,
        request: Request,
        body: bytes,
        command: type[AnyCommand],
        apply: Callable[[AnyCommand], tuple[int, Record]],
    ) -> Response:
        key = _idempotency_key(request)
        scope = f"{request.url.path} {key}"
        fingerprint = hashlib.sha256(body).digest()
        if key is not None and (before := self._done.get(scope)) is not None:
            if before.fingerprint != fingerprint:
                raise RequestProblem("idempotency-key-reused", 422, "this key came before with another body")
            self._write(request, Effect.REPLAYED, before.status, before.body)
            return JSONResponse(before.body, before.status, {"Idempotency-Replayed": "true"})
        status, answer = apply(_validate(body, command))
        if key is not None:
            self._done.put(scope, _Done(fingerprint, status, answer))
        self._write(request, Effect.APPLIED, status, answer)
        return JSONResponse(answer, status)

    def _write(self, request: Request, effect: Effect, status: int, resource: Record | None) -> None:
        self._sequence += 1
        self._journal.append(
            {
                "sequence": self._sequence,
                "receivedAt": datetime.now(UTC).isoformat().replace("+00:00", "Z"),
                "method": request.method,
                "path": request.url.path[:MAX_KEY_LENGTH],
                "idempotencyKey": request.headers.get("idempotency-key", "")[:MAX_KEY_LENGTH] or None,
                "effect": effect.value,
                "status": status,
                "resource": resource,
            }
        )


def _validate(body: bytes, command: type[AnyCommand]) -> AnyCommand:
    try:
        return command.model_validate_json(body)
    except ValidationError as error:
        if error.errors()[0]["type"] == "json_invalid":
            raise RequestProblem("not-json", 400, "the body is not JSON") from None
        raise invalid(error, "body", 422) from None


async def _read_body(request: Request) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            raise RequestProblem("too-large", 413, f"the body is over {MAX_BODY_BYTES} bytes")
    return bytes(body)


def _idempotency_key(request: Request) -> str | None:
    key = request.headers.get("idempotency-key")
    if key is not None and not 0 < len(key) <= MAX_KEY_LENGTH:
        raise RequestProblem("invalid-key", 400, f"an Idempotency-Key has 1 to {MAX_KEY_LENGTH} characters")
    return key

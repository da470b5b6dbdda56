"""Requests and answers as a page tells them, sent to a data plane: what is told is what happens."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from pathlib import Path

    import httpx

    from tests.support.dataplane import DataPlane

_REQUEST: Final = re.compile(
    r"^```http\n(\w+) (\S+)\n((?:[\w-]+: [^\n]*\n)*)(?:\n(.*?))?```\n\n```json\n(.*?)^```$",
    re.DOTALL | re.MULTILINE,
)
_HEADER: Final = re.compile(r"^([\w-]+): (.*)$", re.MULTILINE)
_UUID: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_INSTANT: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+Z")
_HASTY: Final = frozenset(
    {
        *("ageSeconds", "executionStatus", "overTime", "digest", "cost"),
        *("at", "deadlineAt", "startedAt", "average"),
        *("startSeconds", "endSeconds", "durationSeconds", "waitSeconds"),
    }
)
"""Members whose value is another every time."""


@dataclass(frozen=True)
class ToldRequest:
    """A request, and the answer it is said to get."""

    method: str
    path: str
    headers: dict[str, str]
    body: str
    answer: Any


def told_requests(page: Path) -> list[ToldRequest]:
    """The page's requests that an answer follows, in order."""
    return [
        ToldRequest(method, path, dict(_HEADER.findall(headers)), body, json.loads(answer))
        for method, path, headers, body, answer in _REQUEST.findall(page.read_text())
    ]


@dataclass
class Sent:
    """Sends what a page tells. An id of the page stands for the real one that an answer has in its place.

    So does an instant, and whatever else the test says.
    """

    plane: DataPlane
    tenant: str = "acme"
    stands_for: dict[str, str] = field(default_factory=dict)

    async def send(self, told: ToldRequest) -> httpx.Response:
        """The answer there really is."""
        options: dict[str, Any] = {"content": self._real(told.body)} if told.body else {}
        options["headers"] = {name: self._real(value) for name, value in told.headers.items()}
        path = self._real(told.path)
        return await self.plane.ask(told.method, path, tenant=self.tenant, role="tenant-admin", **options)

    def is_as_told(self, told: Any, real: Any) -> bool:
        """Whether an answer is as the page tells it: instants may differ, and ids, if they always do so."""
        if isinstance(told, dict):
            return (
                isinstance(real, dict)
                and told.keys() == real.keys()
                and all(key in _HASTY or self.is_as_told(value, real[key]) for key, value in told.items())
            )
        if isinstance(told, list):
            return (
                isinstance(real, list)
                and len(told) == len(real)
                and all(self.is_as_told(*pair) for pair in zip(told, real, strict=True))
            )
        if isinstance(told, str) and isinstance(real, str):
            return self._text_is_as_told(told, real)
        return bool(told == real)

    def _text_is_as_told(self, told: str, real: str) -> bool:
        if _INSTANT.fullmatch(told) and _INSTANT.fullmatch(real):
            self.stands_for.setdefault(told, real)
            return True
        for one, of_it in zip(_UUID.findall(told), _UUID.findall(real), strict=False):
            self.stands_for.setdefault(one, of_it)
            self.stands_for.setdefault(one.replace("-", ""), of_it.replace("-", ""))  # as the id of a trace
        return self._real(told) == real

    def _real(self, text: str) -> str:
        for told, real in self.stands_for.items():
            text = text.replace(told, real)
        return text

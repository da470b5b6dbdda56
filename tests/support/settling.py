"""Calls that must decide in one step, without waiting for anything."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Coroutine

Answer = TypeVar("Answer")


class Ask(Protocol):
    """How a store is asked: in one step when it is in memory, over its connection when it is not."""

    def __call__(self, call: Coroutine[Any, Any, Answer], /) -> Answer:
        """The answer of the call."""
        ...


def settle(call: Coroutine[Any, Any, Answer]) -> Answer:
    """The answer of a call that decides in one step; one that waits for anything fails."""
    try:
        call.send(None)
    except StopIteration as done:
        answer: Answer = done.value
        return answer
    raise AssertionError("the decision was interrupted: another request could have come in between")

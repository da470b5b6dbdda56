"""What one simulated schedule came to."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Answer:
    """What a caller was told. `asked_again`: with the same key, after everything had ended."""

    tenant: str
    item: str
    key: str
    status: int
    execution: str
    body: Any
    asked_again: bool = False


@dataclass
class Report:
    """`violations` must be empty; the numbers say what it was about.

    Attributes:
        retried: executions of which somebody wanted a retry.
        digest: of every event of every execution: the same for the same seed.
    """

    seed: int
    answers: list[Answer] = field(default_factory=list)
    executions: int = 0
    forks: int = 0
    crashes: int = 0
    cuts: int = 0
    faults: int = 0
    orders: int = 0
    hung_up: int = 0
    retried: set[str] = field(default_factory=set)
    digest: str = ""
    violations: list[str] = field(default_factory=list)

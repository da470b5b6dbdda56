"""Failures a person can act on: `tenantry.cli.main` prints each as a sentence with a hint, no traceback."""

from __future__ import annotations


class FrontDoorError(Exception):
    """Something on this machine keeps the platform from running.

    Attributes:
        hint: what to do about it, or empty.
        evidence: lines of a log that show the reason, or empty.
    """

    def __init__(self, message: str, *, hint: str = "", evidence: str = "") -> None:
        super().__init__(message)
        self.hint, self.evidence = hint, evidence

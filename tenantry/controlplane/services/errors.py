"""Why a use case refuses. GraphQL makes `userErrors` or top-level errors of these, REST makes problems.

ServiceError
├── UnauthenticatedError   no key, or one that is wrong, expired or revoked
├── ForbiddenError         the key's role does not include it
├── NotFoundError          it does not exist, or belongs to another tenant: nobody can tell which
├── ConflictError          it contradicts what is already there
├── BusyError              too much of it is under way at once; later it is taken
├── InvalidInputError      the input itself is wrong
└── RejectedError          so are documents, and findings say why
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from tenantry.language.findings import Finding

MAX_FINDINGS: Final = 200


class ServiceError(Exception):
    """A refusal that is the caller's to mend.

    Attributes:
        code: stable, such as `tenant.not_found`.
        field: the argument it is about, with a JSON pointer into it where that says more; may be empty.
        message: one sentence.
    """

    def __init__(self, code: str, message: str, *, field: str = "") -> None:
        super().__init__(message)
        self.code, self.message, self.field = code, message, field


class UnauthenticatedError(ServiceError):
    """Nobody known is asking."""

    def __init__(self, message: str) -> None:
        super().__init__("unauthenticated", message)


class ForbiddenError(ServiceError):
    """The caller is known and may not do this."""

    def __init__(self, reason: str) -> None:
        super().__init__("forbidden", reason)


class NotFoundError(ServiceError):
    """There is no such thing for this caller."""

    def __init__(self, resource: str, name: str, *, field: str) -> None:
        super().__init__(f"{resource}.not_found", f"there is no {resource} {name!r}", field=field)


class ConflictError(ServiceError):
    """Something else is already there."""


class BusyError(ServiceError):
    """Too much of the same is under way."""


class InvalidInputError(ServiceError):
    """The input cannot be meant."""


class RejectedError(ServiceError):
    """Documents that may not be applied.

    Attributes:
        findings: what validation has to say, warnings included; the first 200 of it.
    """

    def __init__(self, findings: tuple[Finding, ...], *, field: str = "text") -> None:
        shown = findings[:MAX_FINDINGS]
        left_out = f" (the first {len(shown)} of {len(findings)})" if len(shown) < len(findings) else ""
        message = f"nothing was changed: see the findings{left_out}"
        super().__init__("documents.rejected", message, field=field)
        self.findings = shown

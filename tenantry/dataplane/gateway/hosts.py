"""Tenants' own host names: what is asked for at one is what `/tenants/{tenant}` serves.

Whose key it is decides as everywhere: another tenant's opens nothing at this one's host.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

_TENANT: Final = "{tenant}"
_NAME: Final = "(?P<tenant>[a-z0-9-]{1,63})"
_BASE: Final = "/api/v1/"


class TenantHosts:
    """An application that is also served at host names such as `acme.api.example.com`.

    Args:
        app: serves `/tenants/{tenant}/api/v1`.
        pattern: a host name with `{tenant}` in the place of the tenant's name.
    """

    def __init__(self, app: ASGIApp, pattern: str) -> None:
        before, _, after = pattern.lower().partition(_TENANT)
        self._app = app
        self._host = re.compile(f"{re.escape(before)}{_NAME}{re.escape(after)}(?::[0-9]+)?")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        if scope["type"] == "http" and scope["path"].startswith(_BASE):
            host = next((value for name, value in scope["headers"] if name == b"host"), b"")
            match = self._host.fullmatch(host.decode("latin-1").lower())
            if match is not None:
                path = f"/tenants/{match['tenant']}{scope['path']}"
                scope = {**scope, "path": path, "raw_path": path.encode()}
        await self._app(scope, receive, send)

"""A uvicorn connection that an application may break: ASGI itself has no word for a TCP reset."""

from __future__ import annotations

import socket
import struct
from typing import Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

RESET_EXTENSION: Final = "testapi.reset"
"""Extension of the ASGI scope: its `reset` breaks the request's connection."""


class ResettableProtocol(HttpToolsProtocol):
    """uvicorn's HTTP/1.1 connection, with `RESET_EXTENSION` in every scope."""

    def on_message_begin(self) -> None:
        """Starts a request's scope."""
        super().on_message_begin()
        self.scope["extensions"] = {RESET_EXTENSION: {"reset": self._reset}}

    def _reset(self) -> None:
        # Lingering for zero seconds makes close() send RST in place of FIN (man 7 socket, SO_LINGER).
        connection: socket.socket = self.transport.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.transport.abort()

"""A collector: takes OTLP over HTTP, protobuf, and keeps the spans."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opentelemetry.proto.trace.v1.trace_pb2 import Span

PATIENCE_SECONDS = 20


class Collector:
    """A running collector. It answers `status`; `requests` are what it took, `paths` and `headers` how."""

    def __init__(self) -> None:
        self.status = 200
        self.url = ""
        self.paths: list[str] = []
        self.headers: list[dict[str, str]] = []
        self.requests: list[ExportTraceServiceRequest] = []
        self._arrived = threading.Condition()

    def take(self, path: str, headers: dict[str, str], body: bytes) -> None:
        """A request arrived."""
        with self._arrived:
            self.paths.append(path)
            self.headers.append(headers)
            self.requests.append(ExportTraceServiceRequest.FromString(body))
            self._arrived.notify_all()

    def spans(self, least: int) -> list[Span]:
        """All spans, as soon as there are so many."""
        with self._arrived:
            enough = self._arrived.wait_for(lambda: len(self._all()) >= least, PATIENCE_SECONDS)
            assert enough, f"{len(self._all())} spans, and not {least}"
            return self._all()

    def resource(self) -> dict[str, str]:
        """What the first request says of who sent it."""
        return attributes_of(self.requests[0].resource_spans[0].resource)

    def _all(self) -> list[Span]:
        return [
            span
            for request in self.requests
            for of_resource in request.resource_spans
            for of_scope in of_resource.scope_spans
            for span in of_scope.spans
        ]


def attributes_of(what: Any) -> dict[str, Any]:
    """The attributes of a span, an event or a resource."""
    return {one.key: getattr(one.value, one.value.WhichOneof("value")) for one in what.attributes}


@contextmanager
def run_collector() -> Iterator[Collector]:
    """A collector on a free port of this machine."""
    collector = Collector()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            collector.take(self.path, {name.lower(): text for name, text in self.headers.items()}, body)
            self.send_response(collector.status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    collector.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield collector
    finally:
        server.shutdown()
        thread.join()
        server.server_close()

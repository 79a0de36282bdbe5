"""The receiving end of OTLP over HTTP (OpenTelemetry Protocol specification), decoded by the project's own
protobuf package."""

from __future__ import annotations

import gzip
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

SECONDS = 60.0


@dataclass(frozen=True)
class Seen:
    """One span as it came."""

    service: str
    name: str
    trace: str
    id: str
    parent: str
    kind: int
    failed: bool
    began: int
    ended: int
    links: tuple[str, ...]  # traces
    attributes: dict[str, Any] = field(hash=False)


class Collector:
    """Listens on a free port of loopback while it is a context."""

    def __init__(self) -> None:
        self.spans: list[Seen] = []
        self.octets = b""
        self.headers: list[dict[str, str]] = []
        self._lock = threading.Lock()
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                headers = {name.lower(): value for name, value in self.headers.items()}
                collector.take(self.path, headers, body)
                answer = ExportTraceServiceResponse().SerializeToString()
                self.send_response(200)
                self.send_header("Content-Type", "application/x-protobuf")
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_: object) -> None:
                """Not on the test's output."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Collector:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def take(self, path: str, headers: dict[str, str], body: bytes) -> None:
        assert path == "/v1/traces"
        assert headers["content-type"] == "application/x-protobuf"
        if headers.get("content-encoding") == "gzip":
            body = gzip.decompress(body)
        told = ExportTraceServiceRequest.FromString(body)
        with self._lock:
            self.octets += body
            self.headers.append(headers)
            self.spans += [
                _seen(resource.resource, span)
                for resource in told.resource_spans
                for scope in resource.scope_spans
                for span in scope.spans
            ]

    def until(self, found: Callable[[list[Seen]], Any]) -> Any:
        """What `found` finds in the spans, once it does."""
        deadline = time.monotonic() + SECONDS
        while True:
            with self._lock:
                spans = list(self.spans)
            if value := found(spans):
                return value
            assert time.monotonic() < deadline, [(one.service, one.name, one.trace) for one in spans]
            time.sleep(0.05)


def _seen(resource: Any, span: Any) -> Seen:
    return Seen(
        service=_attributes(resource)["service.name"],
        name=span.name,
        trace=span.trace_id.hex(),
        id=span.span_id.hex(),
        parent=span.parent_span_id.hex(),
        kind=span.kind,
        failed=span.status.code == span.status.STATUS_CODE_ERROR,
        began=span.start_time_unix_nano,
        ended=span.end_time_unix_nano,
        links=tuple(link.trace_id.hex() for link in span.links),
        attributes=_attributes(span),
    )


def _attributes(holder: Any) -> dict[str, Any]:
    return {one.key: getattr(one.value, one.value.WhichOneof("value")) for one in holder.attributes}

"""Traces: what was done for a message or a command, in which process, within what, and for how long.

They are OpenTelemetry's, and only for those who want them: `pip install mailkeep[otel]`, and the standard
OTEL_* variables say where they go. Without either nothing of OpenTelemetry is imported, every span is one
object that does nothing, and nothing is written down with a message. A message takes its trace along as a W3C
`traceparent`: into the outbox and the queue, and from there to whichever process goes on with it.

Attributes go through the log's redaction. No span holds an exception's text, a URL, or an argument.
"""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from enum import Enum, auto
from typing import Protocol, TypeAlias

from mailkeep.observe.logs import get_logger

CLOSE_SECONDS = 2.0  # for the last spans to leave; a collector that hangs must not hold up a stop
_ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
_PROTOCOLS = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
_PROTOCOL = "http/protobuf"

Attribute: TypeAlias = str | int | float | bool

log = get_logger(__name__)


class Kind(Enum):
    """What a span is to the ones around it (OpenTelemetry's SpanKind)."""

    INTERNAL = auto()
    SERVER = auto()
    CLIENT = auto()
    PRODUCER = auto()
    CONSUMER = auto()


# Names of the module too: a look into the enumeration is a fifth of what a span costs that nobody wants.
SERVER, CLIENT, PRODUCER, CONSUMER = Kind.SERVER, Kind.CLIENT, Kind.PRODUCER, Kind.CONSUMER


class Span(Protocol):
    """One that is under way."""

    def set(self, name: str, value: Attribute) -> None:
        """Add an attribute."""

    def rename(self, name: str) -> None:
        """When it is known only now what it was."""

    def fail(self, kind: str) -> None:
        """It did not go well, in a word."""


class Tracer(Protocol):
    """What makes spans. See the functions of the module."""

    def span(self, name: str, kind: Kind, parent: str, link: str) -> AbstractContextManager[Span]: ...
    def each(
        self, name: str, kind: Kind, parents: Sequence[str]
    ) -> AbstractContextManager[Sequence[str]]: ...
    def record(self, name: str, kind: Kind, parent: str, at: int) -> None: ...
    def done(self, name: str, kind: Kind, seconds: float, attributes: Mapping[str, Attribute]) -> None: ...
    def traceparent(self) -> str: ...
    def close(self, seconds: float) -> None: ...


class _Nothing:
    """The span of those who trace nothing."""

    __slots__ = ()

    def __enter__(self) -> _Nothing:
        return self

    def __exit__(self, *_: object) -> None:
        return

    def set(self, name: str, value: Attribute) -> None:
        """See Span."""

    def rename(self, name: str) -> None:
        """See Span."""

    def fail(self, kind: str) -> None:
        """See Span."""


NOTHING = _Nothing()
_tracer: Tracer | None = None


def is_on() -> bool:
    """Whether this process traces anything."""
    return _tracer is not None


def span(
    name: str, kind: Kind = Kind.INTERNAL, parent: str = "", link: str = ""
) -> AbstractContextManager[Span]:
    """A span for as long as a `with` lasts, within the one at hand or within `parent`, a traceparent. `link`
    is one that has to do with it, and that it need not be within."""
    return NOTHING if _tracer is None else _tracer.span(name, kind, parent, link)


def each(name: str, kind: Kind, parents: Sequence[str]) -> AbstractContextManager[Sequence[str]]:
    """A span for each of these traceparents while a `with` lasts; what goes on from them, in their order.
    There is none for "", and without tracing they go on as they are."""
    return nullcontext(parents) if _tracer is None else _tracer.each(name, kind, parents)


def record(name: str, kind: Kind, parent: str, at: int) -> None:
    """A span for what happened at a moment, in nanoseconds since 1970. Nothing without a parent."""
    if _tracer is not None and parent:
        _tracer.record(name, kind, parent, at)


def done(name: str, kind: Kind, seconds: float, session: str, count: int = 1) -> None:
    """A span for what has just ended, within none: for who has nothing to do with spans until then.
    `count` is of a run of them at once."""
    if _tracer is not None:
        attributes: dict[str, Attribute] = {"mailkeep.session": session}
        if count > 1:
            attributes["mailkeep.commands"] = count
        _tracer.done(name, kind, seconds, attributes)


def traceparent() -> str:
    """Of the span at hand (W3C Trace Context section 3.2); "" if there is none, or it is not sampled."""
    return "" if _tracer is None else _tracer.traceparent()


def wanted(environ: Mapping[str, str]) -> bool:
    """Whether the environment asks for traces, as OpenTelemetry's specification has it; unlike there, nobody
    sends to a collector on localhost unasked."""
    if environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return False
    exporter = environ.get("OTEL_TRACES_EXPORTER", "").strip()
    return exporter != "none" if exporter else any(environ.get(name) for name in _ENDPOINTS)


def objection(environ: Mapping[str, str]) -> str:
    """Why what is asked for cannot be had, in a sentence; "" if it can."""
    exporter = environ.get("OTEL_TRACES_EXPORTER", "").strip() or "otlp"
    if exporter != "otlp":
        return f"OTEL_TRACES_EXPORTER is {exporter}; Mailkeep has otlp, and none."
    protocol = next((environ[name] for name in _PROTOCOLS if environ.get(name)), _PROTOCOL)
    if protocol != _PROTOCOL:
        return f"{_PROTOCOLS[1]} is {protocol}; Mailkeep speaks {_PROTOCOL} (the collector's port 4318)."
    for package in ("opentelemetry.sdk", "opentelemetry.exporter.otlp.proto.http"):
        if not _is_there(package):
            return "OpenTelemetry is not installed: pip install 'mailkeep[otel]'."
    return ""


def configure(host: str, environ: Mapping[str, str] = os.environ) -> None:
    """Trace this process if the environment asks for it. A wish that cannot be met is one line in the log:
    mail goes on without traces."""
    global _tracer  # noqa: PLW0603  one a process, as logging is
    if not wanted(environ):
        return
    if reason := objection(environ):
        log.warning("no traces", reason=reason)
        return
    from mailkeep.observe.telemetry import Telemetry  # noqa: PLC0415  a fifth of a second, for who wants it

    _tracer = Telemetry(host)
    log.info("traces are sent")


def close() -> None:
    """Send what waits, for CLOSE_SECONDS at most, and trace no more."""
    global _tracer
    tracer, _tracer = _tracer, None
    if tracer is not None:
        tracer.close(CLOSE_SECONDS)


def _is_there(package: str) -> bool:
    try:
        return importlib.util.find_spec(package) is not None
    except ImportError:  # of a package around it
        return False

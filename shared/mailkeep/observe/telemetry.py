"""Spans by OpenTelemetry's SDK. `mailkeep.observe.tracing` imports it when somebody asked for traces.

Batches leave on a thread of the SDK's own, from a queue with a limit (OTEL_BSP_*): a collector that is slow
or gone costs spans, and mail nothing. Sampling, endpoint, headers, timeout and resource are the SDK's to read
from the environment; only the service's name has a default of ours.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, SERVICE_VERSION, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Link, SpanKind, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from mailkeep import __version__
from mailkeep.errors import PeerError, Refusal
from mailkeep.observe import correlation
from mailkeep.observe.redaction import redact_text
from mailkeep.observe.tracing import Attribute, Kind, Span

_KINDS = {kind: SpanKind[kind.name] for kind in Kind}
_HEADER = "traceparent"
_w3c = TraceContextTextMapPropagator()


class Telemetry:
    """See tracing.Tracer. Making it starts the thread that sends."""

    def __init__(self, host: str) -> None:
        self._provider = TracerProvider(resource=_resource(host), shutdown_on_exit=False)
        self._provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
        self._tracer = self._provider.get_tracer("mailkeep", __version__)

    @contextmanager
    def span(self, name: str, kind: Kind, parent: str, link: str) -> Iterator[Span]:
        """See tracing.span. Who leaves by an exception leaves its kind behind, and no text of it."""
        linked = trace.get_current_span(_context(link)).get_span_context() if link else None
        with self._tracer.start_as_current_span(
            name,
            context=_context(parent) if parent else None,
            kind=_KINDS[kind],
            attributes=_ids(),
            links=[Link(linked)] if linked is not None and linked.is_valid else None,
            record_exception=False,
            set_status_on_exception=False,
        ) as made:
            under_way = _Span(made)
            try:
                yield under_way
            except (Refusal, PeerError) as error:  # the answer is no, as it should be
                made.set_attribute("mailkeep.refusal", type(error).__name__)
                raise
            except BaseException as error:
                under_way.fail(type(error).__name__)
                raise

    @contextmanager
    def each(self, name: str, kind: Kind, parents: Sequence[str]) -> Iterator[Sequence[str]]:
        """See tracing.each."""
        spans = [self._begin(name, kind, parent) for parent in parents]
        try:
            yield [_traceparent(one) for one in spans]
        except BaseException as error:
            for one in spans:
                _Span(one).fail(type(error).__name__)
            raise
        finally:
            for one in spans:
                one.end()

    def record(self, name: str, kind: Kind, parent: str, at: int) -> None:
        """See tracing.record."""
        self._begin(name, kind, parent, at).end(at)

    def done(self, name: str, kind: Kind, seconds: float, attributes: Mapping[str, Attribute]) -> None:
        """See tracing.done."""
        ended = time.time_ns()
        began = ended - int(seconds * 1e9)
        shown = {name: _shown(value) for name, value in attributes.items()}
        self._tracer.start_span(name, Context(), _KINDS[kind], shown, start_time=began).end(ended)

    def traceparent(self) -> str:
        """See tracing.traceparent."""
        return _traceparent(trace.get_current_span())

    def close(self, seconds: float) -> None:
        """See tracing.close."""
        closing = threading.Thread(target=self._provider.shutdown, name="traces", daemon=True)
        closing.start()
        closing.join(seconds)

    def _begin(self, name: str, kind: Kind, parent: str, at: int | None = None) -> trace.Span:
        context = _context(parent)
        if not trace.get_current_span(context).get_span_context().is_valid:
            return trace.INVALID_SPAN
        return self._tracer.start_span(name, context, _KINDS[kind], _ids(), start_time=at)


class _Span:
    __slots__ = ("_span",)

    def __init__(self, span: trace.Span) -> None:
        self._span = span

    def set(self, name: str, value: Attribute) -> None:
        self._span.set_attribute(name, _shown(value))

    def rename(self, name: str) -> None:
        self._span.update_name(redact_text(name))

    def fail(self, kind: str) -> None:
        self._span.set_attribute("error.type", kind)
        self._span.set_status(Status(StatusCode.ERROR))


def _resource(host: str) -> Resource:
    """The service is `mailkeep-smtp` and so on, unless OTEL_SERVICE_NAME or OTEL_RESOURCE_ATTRIBUTES say."""
    ours: dict[str, str] = {SERVICE_VERSION: __version__, "service.instance.id": f"{host}-{os.getpid()}"}
    told = os.environ.get("OTEL_RESOURCE_ATTRIBUTES", "")
    if not os.environ.get("OTEL_SERVICE_NAME") and f"{SERVICE_NAME}=" not in told.replace(" ", ""):
        ours[SERVICE_NAME] = f"mailkeep-{host}"
    return Resource.create(ours)


def _ids() -> dict[str, str]:
    """By what the log calls it."""
    found = {
        "mailkeep.session": correlation.current_session(),
        "mailkeep.message_id": correlation.current_message(),
    }
    return {name: value for name, value in found.items() if value}


def _context(traceparent: str) -> Context:
    """With that span at hand, or with none if it is not a traceparent."""
    return _w3c.extract({_HEADER: traceparent}, Context())


def _traceparent(span: trace.Span) -> str:
    context = span.get_span_context()
    if not context.is_valid or not context.trace_flags.sampled:
        return ""
    carrier: dict[str, str] = {}
    _w3c.inject(carrier, trace.set_span_in_context(span, Context()))
    return carrier[_HEADER]


def _shown(value: Attribute) -> Attribute:
    return redact_text(value) if isinstance(value, str) else value

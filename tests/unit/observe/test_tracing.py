"""When there are traces, what goes on with a message without them, and what no span holds."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from mailkeep.errors import Refusal
from mailkeep.observe import correlation, tracing
from mailkeep.observe.telemetry import Telemetry
from mailkeep.observe.tracing import Kind

PARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
UNSAMPLED = PARENT[:-1] + "0"
KEY = "mk_abcdefghi_" + "x" * 49
ENDPOINT = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318"}


class Kept:
    def __init__(self) -> None:
        self._kept = InMemorySpanExporter()
        self.telemetry = Telemetry("smtp")
        self.telemetry._provider.add_span_processor(SimpleSpanProcessor(self._kept))

    @property
    def spans(self) -> Sequence[ReadableSpan]:
        return self._kept.get_finished_spans()


@pytest.fixture
def kept(monkeypatch: pytest.MonkeyPatch) -> Iterator[Kept]:
    """Spans of this process."""
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "3600000")
    made = Kept()
    monkeypatch.setattr(tracing, "_tracer", made.telemetry)
    yield made
    made.telemetry._provider._active_span_processor._span_processors = ()


@pytest.mark.parametrize(
    ("environ", "wanted"),
    [
        ({}, False),
        (ENDPOINT, True),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://collector/v1/traces"}, True),
        ({"OTEL_TRACES_EXPORTER": "otlp"}, True),
        ({**ENDPOINT, "OTEL_TRACES_EXPORTER": "none"}, False),
        ({**ENDPOINT, "OTEL_SDK_DISABLED": "TRUE"}, False),
    ],
)
def test_who_asks_for_traces_by_the_standard_variables_has_them(
    environ: dict[str, str], wanted: bool
) -> None:
    assert tracing.wanted(environ) is wanted


@pytest.mark.parametrize(
    ("environ", "told"),
    [
        (ENDPOINT, ""),
        ({"OTEL_TRACES_EXPORTER": "zipkin"}, "OTEL_TRACES_EXPORTER is zipkin"),
        ({**ENDPOINT, "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, "Mailkeep speaks http/protobuf"),
    ],
)
def test_what_cannot_be_had_is_told_in_words(environ: dict[str, str], told: str) -> None:
    assert told in tracing.objection(environ)
    assert bool(tracing.objection(environ)) is bool(told)


def test_without_tracing_a_message_goes_on_as_it_came() -> None:
    with tracing.span("SMTP DATA") as span:
        span.set("name", 1)
        assert tracing.traceparent() == ""
    with tracing.each("notify", Kind.PRODUCER, [PARENT, ""]) as on:
        assert on == [PARENT, ""]


def test_nobody_who_did_not_ask_pays_for_the_sdk() -> None:
    script = (
        "import sys; from mailkeep.observe import tracing; tracing.configure('smtp', {});"
        "sys.exit(any(name.startswith('opentelemetry') for name in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0


def test_each_message_goes_on_in_its_own_trace(kept: Kept) -> None:
    other = PARENT.replace("4bf9", "5bf9")
    given = [PARENT, "", "no traceparent", UNSAMPLED, other]
    with tracing.each("notify", Kind.PRODUCER, given) as on:
        pass
    assert [one[:35] if one else "" for one in on] == [PARENT[:35], "", "", "", other[:35]]
    assert PARENT not in on
    assert [one.name for one in kept.spans] == ["notify", "notify"]


def test_what_is_not_sampled_leaves_nothing_with_the_message(kept: Kept) -> None:
    with tracing.span("SMTP DATA", parent=UNSAMPLED):
        assert tracing.traceparent() == ""
    assert not kept.spans


def test_spans_hold_ids_and_no_secret(kept: Kept) -> None:
    with correlation.session("0123456789ab"), tracing.span("API") as span:
        span.set("text", f"login with {KEY}")
        span.rename(f"API {KEY}")
    (made,) = kept.spans
    assert made.attributes is not None
    assert made.attributes["mailkeep.session"] == "0123456789ab"
    assert "x" * 9 not in f"{made.name}{made.attributes}"


@pytest.mark.parametrize(("error", "failed"), [(Refusal("no"), False), (OSError(KEY), True)])
def test_a_refusal_is_no_failure_and_neither_tells_its_text(
    kept: Kept, error: Exception, failed: bool
) -> None:
    with pytest.raises(type(error)), tracing.span("store"):
        raise error
    (made,) = kept.spans
    assert (made.status.status_code.name == "ERROR") is failed
    assert not made.events
    assert str(error) not in str(made.to_json())


def test_what_happened_before_is_put_where_it_was(kept: Kept) -> None:
    tracing.record("event stream NewEmail", Kind.PRODUCER, PARENT, 1_800_000_000_000_000_000)
    tracing.record("event stream NewEmail", Kind.PRODUCER, "", 1_800_000_000_000_000_000)
    (made,) = kept.spans
    assert made.start_time == made.end_time == 1_800_000_000_000_000_000


def test_the_extra_is_what_its_lock_is_made_of() -> None:
    project = tomllib.loads((Path(__file__).parents[3] / "pyproject.toml").read_text())
    assert project["project"]["optional-dependencies"]["otel"] == project["dependency-groups"]["otel"]

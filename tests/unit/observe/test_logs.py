"""One stream for all: ours, the libraries', tracebacks; redacted, named by host, never waited for."""

from __future__ import annotations

import io
import json
import logging
import threading
import warnings
from collections.abc import Iterator

import pytest
import structlog

from mailkeep.errors import StoreUnavailable
from mailkeep.observe import logs
from mailkeep.settings import LogSettings

KEY = "mk_abc123XYZ_" + "s" * 43 + "a1b2c3"


@pytest.fixture(autouse=True)
def _logging_restored() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    processors = structlog.get_config()["processors"]
    before = processors[:]
    yield
    logs.close()
    logging.captureWarnings(False)
    root.handlers[:], root.level = handlers, level
    processors[:] = before


def written(stream: io.StringIO) -> list[dict[str, object]]:
    logs.close()
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def configured(level: str = "info", format: str = "json") -> io.StringIO:
    stream = io.StringIO()
    logs.configure(LogSettings(level=level, format=format), "smtp", stream)  # type: ignore[arg-type]
    return stream


def test_an_event_is_one_json_line_with_host_level_and_time() -> None:
    stream = configured()
    logs.get_logger("mailkeep.test").info("message stored", uid=7)
    (line,) = written(stream)
    assert line["event"] == "message stored"
    assert (line["uid"], line["host"], line["level"], line["logger"]) == (7, "smtp", "info", "mailkeep.test")
    assert str(line["timestamp"]).endswith("Z")


@pytest.mark.parametrize("name", ["uvicorn.error", "uvicorn.access", "twisted", "mail.log", "asyncio", "x.y"])
def test_library_logs_pass_through_the_same_redaction(name: str) -> None:
    stream = configured()
    logging.getLogger(name).warning("peer sent %s", f"Authorization: Bearer {KEY}")
    (line,) = written(stream)
    assert "sss" not in str(line)
    assert line["host"] == "smtp"


def test_tracebacks_are_redacted() -> None:
    stream = configured()
    try:
        raise ValueError(f"could not use {KEY}")
    except ValueError:
        logs.get_logger("a").exception("failed")
        logging.getLogger("b").exception("failed")
    lines = written(stream)
    assert [name in line for line in lines for name in ["exception"]] == [True, True]
    assert "sss" not in str(lines)
    assert all("Traceback" in str(line["exception"]) for line in lines)


def test_context_variables_are_shown_and_redacted() -> None:
    stream = configured()
    with structlog.contextvars.bound_contextvars(correlation_id="c0ffee", token=KEY):
        logs.get_logger("a").info("bound")
    (line,) = written(stream)
    assert line["correlation_id"] == "c0ffee"
    assert line["token"] == "[redacted]"


def test_console_lines_are_redacted_too() -> None:
    stream = configured(format="console")
    logs.get_logger("a").info("used", value=KEY)
    logs.close()
    assert "sss" not in stream.getvalue()
    assert "mk_abc123XYZ_[redacted]" in stream.getvalue()


def test_the_level_holds_for_all() -> None:
    stream = configured(level="error")
    logs.get_logger("a").warning("quiet")
    logging.getLogger("uvicorn.error").warning("quiet")
    assert written(stream) == []


def test_warnings_become_log_lines() -> None:
    stream = configured()
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(True)
        warnings.warn("old thing", stacklevel=1)
    (line,) = written(stream)
    assert "old thing" in str(line["event"])


def test_a_reader_that_stops_reading_stops_nobody() -> None:
    """The stream blocks; logging far beyond the queue returns, and the first lines come out at the end."""
    released = threading.Event()

    class Stuck(io.StringIO):
        def write(self, text: str) -> int:
            released.wait(30)
            return super().write(text)

    stream = Stuck()
    logs.configure(LogSettings(format="json"), "smtp", stream)
    log = logging.getLogger("busy")
    for number in range(logs.QUEUE_LIMIT + 1000):
        log.info("line %d", number)
    released.set()
    logs.close()
    assert 0 < stream.getvalue().count("\n") <= logs.QUEUE_LIMIT + logs.LINES_TOGETHER


def test_correlation_ids_are_short_and_differ() -> None:
    ids = {logs.new_correlation_id() for _ in range(1000)}
    assert len(ids) == 1000
    assert {len(one) for one in ids} == {12}


def test_an_outage_is_a_word_and_anything_else_a_traceback() -> None:
    outage = StoreUnavailable("The mail store does not answer at present.")
    outage.__cause__ = ConnectionRefusedError()
    assert logs.cause_of(outage) == {"error": str(outage), "cause": "ConnectionRefusedError"}
    fault = ValueError("x")
    assert logs.cause_of(fault) == {"exc_info": fault}

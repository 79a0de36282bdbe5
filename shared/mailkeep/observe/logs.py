"""Logs: one line an event on standard error, ours and every library's through the same processors.

`configure` is called once in a process. Lines are written by a thread of their own from a bounded queue,
so that a reader who stops reading the pipe cannot stop the event loop; what does not fit is dropped and
counted, never waited for. Secrets are taken out in `mailkeep.observe.redaction`, last, when tracebacks
are already text.
"""

from __future__ import annotations

import atexit
import logging
import logging.handlers
import secrets
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from queue import SimpleQueue
from types import TracebackType
from typing import TYPE_CHECKING, Any, NoReturn, TextIO, cast

from mailkeep.observe import lean_structlog  # noqa: F401  before the first import of structlog

# isort: split
import structlog
from structlog.typing import Processor

from mailkeep.errors import IssuerUnavailable, SpoolUnavailable, StoreUnavailable
from mailkeep.observe import lines
from mailkeep.observe.correlation import add_ids
from mailkeep.observe.redaction import redact_event

if TYPE_CHECKING:
    from mailkeep.settings import LogSettings

QUEUE_LIMIT = 10_000  # lines waiting for a slow reader of standard error
LINES_TOGETHER = 100  # written at most in one go
REST_SECONDS = (
    0.01  # after a write: a thread that woke for each line would take the interpreter from the loop
)
DRAIN_SECONDS = 2.0  # for the lines that wait at the end

# Libraries that say at INFO what each connection and each line did; their warnings are enough.
_QUIET = (
    "mail.log",
    "mail.debug",
    "asyncio",
    "aiosqlite",
    "sqlalchemy",
    "alembic",
    "uvicorn.access",
    "httpx2",
    "urllib3",  # by which traces leave
)

_listener: _Listener | None = None
_processors: list[Processor] = structlog.get_config()["processors"]
"""What events of ours go through, changed in place: a logger is bound to it once, and not for each line."""


def configure(settings: LogSettings, host: str = "", stream: TextIO | None = None) -> None:
    """Send all logging of this process to `stream` (standard error). Calling it again replaces the first.

    `host` is the name that every line carries: smtp, pop3, imap, api, up.
    """
    close()
    rendering = _rendering(settings, host)
    handler = _QueueHandler(SimpleQueue())
    handler.setFormatter(_formatter(rendering))
    _lead_ours(rendering, handler)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    set_level(settings.level)
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logging.getLogger(name).handlers.clear()
        logging.getLogger(name).propagate = True
    logging.captureWarnings(True)
    _start(handler, stream or sys.stderr)


def set_level(level: str) -> None:
    """From now on: debug, info, warning or error."""
    root = logging.getLogger()
    root.setLevel(level.upper())
    for name in _QUIET:
        logging.getLogger(name).setLevel(max(logging.WARNING, root.level))


def get_logger(name: str) -> Any:
    """A structlog logger: `log.info("message stored", mailbox=..., uid=...)`."""
    logger = logging.getLogger(name)
    return structlog.wrap_logger(logger, _processors, structlog.stdlib.BoundLogger).bind()


def new_correlation_id() -> str:
    """A short random name for one fault: the peer hears it, the log record carries it."""
    return secrets.token_hex(6)


def cause_of(error: Exception) -> dict[str, Any]:
    """Fields of a log line that say what went wrong: an outage in a word, because its cause is elsewhere and
    every request of its time says the same; anything else with its traceback."""
    if isinstance(error, StoreUnavailable | SpoolUnavailable | IssuerUnavailable):
        return {"error": str(error), "cause": type(error.__cause__ or error).__name__}
    return {"exc_info": error}


def observe_twisted() -> None:
    """Lead Twisted's own log into ours. Import-heavy: hosts on Twisted call it, others must not."""
    from twisted.logger import STDLibLogObserver, globalLogBeginner  # noqa: PLC0415

    logging.getLogger("twisted").setLevel(logging.WARNING)
    globalLogBeginner.beginLoggingTo([cast("Any", STDLibLogObserver("twisted"))], redirectStandardIO=False)


def observe_interpreter() -> None:
    """Log what nobody has caught, which the interpreter would write to standard error as it is."""
    log = get_logger(__name__)

    def uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        log.critical("nobody has caught this", exc_info=(kind, error, trace))

    def in_a_thread(told: threading.ExceptHookArgs) -> None:
        if told.exc_value is not None:
            uncaught(told.exc_type, told.exc_value, told.exc_traceback)

    def unraisable(told: sys.UnraisableHookArgs) -> None:
        if told.exc_value is not None:
            uncaught(told.exc_type, told.exc_value, told.exc_traceback)

    sys.excepthook, threading.excepthook, sys.unraisablehook = uncaught, in_a_thread, unraisable


def close() -> None:
    """Write what waits and stop the writing thread."""
    global _listener  # noqa: PLW0603  logging itself is one per process
    if _listener is not None:
        _listener.stop()
        _listener = None


def _lead_ours(rendering: Sequence[Processor], handler: _QueueHandler) -> None:
    def hand_over(_logger: object, _method: str, line: Any) -> NoReturn:
        """Our own events go to the queue from here: making a record of the library's for each of them and
        taking it apart again took as long as all the rest, and mail is logged message by message."""
        handler.enqueue(line)
        raise structlog.DropEvent

    chain: list[Processor] = [structlog.stdlib.filter_by_level, *_shared_processors(), *rendering, hand_over]
    _processors[:] = chain


def _shared_processors() -> list[Processor]:
    return [
        structlog.contextvars.merge_contextvars,
        add_ids,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        _add_time,
    ]


def _rendering(settings: LogSettings, host: str) -> list[Processor]:
    """From an event to its line."""
    return [
        structlog.processors.StackInfoRenderer(),
        structlog.processors.format_exc_info,
        _naming(host),
        redact_event,
        lines.as_json if settings.format == "json" else lines.as_console,
    ]


def _formatter(rendering: Sequence[Processor]) -> logging.Formatter:
    """For the libraries' records."""
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=_shared_processors(),
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *rendering],
    )


def _add_time(_logger: object, _method: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """As structlog's TimeStamper has it, at half its cost."""
    event["timestamp"] = datetime.now(UTC).isoformat().removesuffix("+00:00") + "Z"
    return event


def _naming(host: str) -> Processor:
    def name_host(
        _logger: object, _method: str, event: structlog.typing.EventDict
    ) -> structlog.typing.EventDict:
        if host:
            event.setdefault("host", host)
        return event

    return name_host


class _QueueHandler(logging.handlers.QueueHandler):
    """Formats on the caller's thread, hands the line over, and drops rather than waits. The queue is one that
    has no lock of Python's, for which the caller could wait while the writing thread holds it."""

    queue: SimpleQueue[Any]
    dropped = 0

    def prepare(self, record: logging.LogRecord) -> str:
        return self.format(record)  # the base class would copy the record besides

    def enqueue(self, record: Any) -> None:
        if self.queue.qsize() < QUEUE_LIMIT:
            self.queue.put(record)
        else:
            self.dropped += 1


class _Listener(logging.handlers.QueueListener):
    """Writes lines, those that wait together in one go. Ends within DRAIN_SECONDS even if its stream takes
    nothing: an exit must not hang on a pipe."""

    queue: SimpleQueue[Any]

    def __init__(self, lines: SimpleQueue[Any], stream: TextIO) -> None:
        super().__init__(lines)
        self._stream = stream
        self._lines: list[str] = []

    def handle(self, record: Any) -> None:
        self._lines.append(record + "\n")
        if len(self._lines) >= LINES_TOGETHER:
            self._write()
        elif self.queue.empty():
            self._write()
            time.sleep(REST_SECONDS)

    def _write(self) -> None:
        lines, self._lines = self._lines, []
        with suppress(OSError, ValueError):  # nobody is left to read, nor to be told
            self._stream.write("".join(lines))
            self._stream.flush()

    def stop(self) -> None:
        thread, self._thread = self._thread, None
        if thread is None:
            return
        self.queue.put(None)  # the base class's mark of the end
        thread.join(DRAIN_SECONDS)
        if self._lines and not thread.is_alive():  # the mark of the end was behind them
            self._write()


def _start(handler: _QueueHandler, stream: TextIO) -> None:
    global _listener  # noqa: PLW0603  logging itself is one per process
    _listener = _Listener(handler.queue, stream)
    _listener.start()


atexit.register(close)

"""Which session, and which message, a line of log belongs to.

A connection has a session id, an API request its request id, a message the id that its client was told. The
first is kept in a context of its own that all tasks of a session run in, so that it is bound once and costs a
command nothing; the second in the context of whoever handles the message. Both are names, not secrets, and
neither is ever taken from a peer as it comes.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from contextvars import Context, ContextVar, copy_context
from typing import Any

_session: ContextVar[str] = ContextVar("mailkeep_session", default="")
_message: ContextVar[str] = ContextVar("mailkeep_message", default="")


def new_session_id() -> str:
    """Twelve hexadecimal digits: short enough to be read out, and nobody guesses another's."""
    return secrets.token_hex(6)


def session_context(session_id: str) -> Context:
    """What tasks of this session run in."""
    context = copy_context()
    context.run(_session.set, session_id)
    return context


@contextmanager
def session(session_id: str) -> Iterator[None]:
    """The same for as long as something lasts."""
    token = _session.set(session_id)
    try:
        yield
    finally:
        _session.reset(token)


def current_session() -> str:
    """The session at work, "" outside of any."""
    return _session.get()


def about(message_id: str) -> None:
    """From now on the task is about this message; "" when it is about none any more."""
    _message.set(message_id)


def current_message() -> str:
    """The message at hand, "" if there is none."""
    return _message.get()


def add_ids(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """The structlog processor: `session` and `id`, unless the event has its own."""
    if found := _session.get():
        event.setdefault("session", found)
    if found := _message.get():
        event.setdefault("id", found)
    return event

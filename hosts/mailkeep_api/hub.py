"""Live events, from whoever raises them to the streams that a user has open.

Events live in this process's memory alone. Each gets an id of the form `generation.number`; a bounded
history lets a client that comes back with its last id hear what it missed, and a client from another
generation, or from before the history, hears `Resync` and reads its lists anew. What was published while a
user had no stream at all waits some minutes for the first one: after a restart hosts and listeners come
back in no order. A stream that does not keep up is ended, never buffered without bound: its client returns
and resumes.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections import OrderedDict, deque
from dataclasses import dataclass
from uuid import UUID

import msgspec
from fastapi.sse import format_sse_event

HISTORY_LIMIT = 10_000  # events kept for streams that resume
BACKLOG_LIMIT = 256  # events that one stream may lag behind
STREAMS_PER_USER = 32
UNHEARD_SECONDS = 300.0  # how long an event waits for a user who has no stream
UNHEARD_LIMIT = 100  # events that wait so for one user; the newest count
SEEN_LIMIT = 100_000  # notification ids remembered, so that one sent twice is published once


@dataclass(frozen=True, slots=True)
class HubEvent:
    """One event, encoded once for all streams. `user_id` is who may hear it."""

    number: int
    user_id: UUID
    wire: bytes
    at: float  # of the monotonic clock


class Stream:
    """What one listener has still to hear. Made by `Hub.subscribe`."""

    __slots__ = ("_closed", "_events", "_wake", "user_id")

    def __init__(self, user_id: UUID, backlog: list[bytes]) -> None:
        self.user_id = user_id
        self._events: deque[bytes] = deque(backlog)
        self._wake = asyncio.Event()
        self._closed = False

    def push(self, wire: bytes) -> None:
        """Queue an event; a stream that lags too far is closed instead."""
        if len(self._events) >= BACKLOG_LIMIT:
            self.close()
        elif not self._closed:
            self._events.append(wire)
            self._wake.set()

    def close(self) -> None:
        """End the stream after what is queued."""
        self._closed = True
        self._wake.set()

    async def next(self, timeout: float) -> bytes | None:
        """The next octets to send; b"" if `timeout` seconds pass without any; None at the end."""
        if not self._events and not self._closed:
            self._wake.clear()
            try:
                await asyncio.wait_for(self._wake.wait(), timeout)
            except TimeoutError:
                return b""
        if self._events:
            wire = b"".join(self._events)
            self._events.clear()
            return wire
        return None


class Hub:
    """All open streams of this process, by user."""

    def __init__(self) -> None:
        self.generation = secrets.token_hex(4)
        self._number = 0
        self._history: deque[HubEvent] = deque(maxlen=HISTORY_LIMIT)
        self._streams: dict[UUID, dict[Stream, None]] = {}  # in the order of their opening
        self._heard: dict[UUID, int] = {}  # number of the last event that some stream of the user got
        self._seen: OrderedDict[str, None] = OrderedDict()

    @property
    def stream_count(self) -> int:
        """Open streams of all users."""
        return sum(len(streams) for streams in self._streams.values())

    def publish(self, user_id: UUID, name: str, data: object) -> None:
        """Send `data` as JSON under an event name to every stream of the user."""
        self._number += 1
        wire = self._encode(self._number, name, data)
        self._history.append(HubEvent(self._number, user_id, wire, time.monotonic()))
        for stream in tuple(self._streams.get(user_id, ())):
            stream.push(wire)
            self._heard[user_id] = self._number

    def first_time(self, notification_id: str) -> bool:
        """True once for each id: a notification whose answer was lost comes again and is not published."""
        if notification_id in self._seen:
            self._seen.move_to_end(notification_id)
            return False
        self._seen[notification_id] = None
        if len(self._seen) > SEEN_LIMIT:
            self._seen.popitem(last=False)
        return True

    def subscribe(self, user_id: UUID, last_event_id: str = "") -> Stream:
        """Open a stream. The oldest stream of a user who has too many is closed to make room."""
        streams = self._streams.setdefault(user_id, {})
        if len(streams) >= STREAMS_PER_USER:
            self.unsubscribe(next(iter(streams)))
        stream = Stream(user_id, self._missed(user_id, last_event_id))
        streams[stream] = None
        return stream

    def unsubscribe(self, stream: Stream) -> None:
        """Close a stream and forget it."""
        stream.close()
        streams = self._streams.get(stream.user_id, {})
        streams.pop(stream, None)
        if not streams:
            self._streams.pop(stream.user_id, None)

    def close(self) -> None:
        """End every stream, so that the server can stop."""
        for streams in self._streams.values():
            for stream in streams:
                stream.close()

    def _missed(self, user_id: UUID, last_event_id: str) -> list[bytes]:
        if not last_event_id:
            return self._unheard(user_id)
        generation, _, number = last_event_id.partition(".")
        oldest = self._history[0].number if self._history else self._number + 1
        known = generation == self.generation and number.isascii() and number.isdigit() and len(number) < 20
        if not known or int(number) + 1 < oldest:
            return [self._encode(self._number, "Resync", {}), *self._unheard(user_id)]
        return self._since(user_id, int(number), 0.0)

    def _unheard(self, user_id: UUID) -> list[bytes]:
        if self._streams.get(user_id):
            return []
        fresh = time.monotonic() - UNHEARD_SECONDS
        return self._since(user_id, self._heard.get(user_id, 0), fresh)[-UNHEARD_LIMIT:]

    def _since(self, user_id: UUID, number: int, at: float) -> list[bytes]:
        found = [e for e in self._history if e.user_id == user_id and e.number > number and e.at >= at]
        if found:
            self._heard[user_id] = max(self._heard.get(user_id, 0), found[-1].number)
        return [event.wire for event in found]

    def _encode(self, number: int, name: str, data: object) -> bytes:
        text = msgspec.json.encode(data).decode()
        return format_sse_event(data_str=text, event=name, id=f"{self.generation}.{number}")

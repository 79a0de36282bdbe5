"""Live events, from whoever raises them to the streams that a user has open.

Events live in this process's memory alone. Each gets an id of the form `generation.number.position`; a
bounded history lets a client that comes back with its last id hear exactly what it missed. For a client from
another process, or from before the history, the position says where in the store's change log it stood, and
what happened since is told from there (`following`); one without a position hears `Resync` and reads its
lists anew. What was published while a user had no stream at all waits some minutes for the first one: after a
restart hosts and listeners come back in no order. A stream that does not keep up is ended, never buffered
without bound: its client returns and resumes.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from uuid import UUID

import msgspec
from fastapi.sse import format_sse_event

HISTORY_LIMIT = 10_000  # events kept for streams that resume
BACKLOG_LIMIT = 256  # events that one stream may lag behind
STREAMS_PER_USER = 32
UNHEARD_SECONDS = 300.0  # how long an event waits for a user who has no stream
UNHEARD_LIMIT = 100  # events that wait so for one user; the newest count
SEEN_LIMIT = 100_000  # notifications remembered, so that one sent twice is published once


@dataclass(frozen=True, slots=True)
class HubEvent:
    """One event. `user_id` is who may hear it, `text` its data as JSON."""

    number: int
    id: str
    user_id: UUID
    name: str
    text: bytes
    at: float  # of the monotonic clock


@dataclass(frozen=True, slots=True)
class Missed:
    """What a listener from elsewhere has missed, as far as `number`; what came later is in the history."""

    events: Sequence[HubEvent]
    number: int


Encoder = Callable[[HubEvent], bytes]
"""How a transport writes an event: microseconds, and less memory than every form of every event."""


def as_sse(event: HubEvent) -> bytes:
    """A server-sent event (WHATWG HTML section 9.2.5)."""
    return format_sse_event(data_str=event.text.decode(), event=event.name, id=event.id)


class Stream:
    """What one listener has still to hear. Made by `Hub.subscribe`."""

    __slots__ = ("_encode", "_events", "_woken", "is_closed", "user_id")

    def __init__(self, user_id: UUID, backlog: list[HubEvent], encode: Encoder) -> None:
        self.user_id = user_id
        self._encode = encode
        self._events = [encode(event) for event in backlog]  # thousands are open: nothing larger than needed
        self._woken: Callable[[], object] = _nobody
        self.is_closed = False

    @property
    def has_backlog(self) -> bool:
        """True if something waits to be sent."""
        return bool(self._events)

    def push(self, event: HubEvent) -> None:
        """Queue an event; a stream that lags too far is closed instead."""
        if len(self._events) >= BACKLOG_LIMIT:
            self.close()
        elif not self.is_closed:
            self._events.append(self._encode(event))
            self._woken()

    def close(self) -> None:
        """End the stream after what is queued."""
        self.is_closed = True
        self._woken()

    def listen(self, woken: Callable[[], object]) -> None:
        """Call `woken` now, whenever something is queued, and at the end. It must not change the hub."""
        self._woken = woken
        woken()

    def take(self) -> bytes:
        """All that is queued."""
        wire = b"".join(self._events)
        self._events.clear()
        return wire

    async def next(self, timeout: float) -> bytes | None:
        """The next octets to send; b"" if `timeout` seconds pass without any; None at the end."""
        if not self._events and not self.is_closed:
            something = asyncio.Event()
            late = asyncio.get_running_loop().call_later(timeout, something.set)
            self._woken = something.set
            try:
                await something.wait()
            finally:
                late.cancel()
                self._woken = _nobody
        if self._events:
            return self.take()
        return None if self.is_closed else b""


def _nobody() -> None:
    """Whom a stream wakes that nobody listens to."""


class Hub:
    """All open streams of this process, by user."""

    def __init__(self) -> None:
        self.generation = secrets.token_hex(4)
        self._number = 0
        self._history: deque[HubEvent] = deque(maxlen=HISTORY_LIMIT)
        self._streams: dict[UUID, dict[Stream, None]] = {}  # in the order of their opening
        self._heard: dict[UUID, int] = {}  # number of the last event that some stream of the user got
        self._seen: OrderedDict[str, int] = OrderedDict()  # when, for traces: nanoseconds since 1970
        self.closing = False

    @property
    def stream_count(self) -> int:
        """Open streams of all users."""
        return sum(len(streams) for streams in self._streams.values())

    def publish(self, user_id: UUID, name: str, data: object, position: str = "") -> None:
        """Send `data` as JSON under an event name to every stream of the user. `position` is where in the
        change log a client stands that has heard it."""
        self._number += 1
        event = self.event(user_id, name, data, self.mark(position))
        self._history.append(event)
        for stream in tuple(self._streams.get(user_id, ())):
            stream.push(event)
            self._heard[user_id] = self._number

    def mark(self, position: str) -> str:
        """The id of the latest event: who comes back with it hears what came later."""
        return f"{self.generation}.{self._number}.{position}"

    @property
    def number(self) -> int:
        """Of the latest event."""
        return self._number

    def remembers(self, last_event_id: str) -> bool:
        """True if the history holds all that came after this event."""
        return self._number_of(last_event_id) is not None

    def has_streams(self, user_id: UUID) -> bool:
        """True while somebody listens for the user."""
        return user_id in self._streams

    def first_time(self, notification_id: str) -> bool:
        """True once for each id: a notification whose answer was lost comes again and is not published."""
        if self.has_seen(notification_id):
            return False
        self._seen[notification_id] = time.time_ns()
        if len(self._seen) > SEEN_LIMIT:
            self._seen.popitem(last=False)
        return True

    def has_seen(self, notification_id: str) -> bool:
        """True if it came before."""
        if notification_id not in self._seen:
            return False
        self._seen.move_to_end(notification_id)
        return True

    def seen_at(self, notification_id: str) -> int:
        """When it came first, in nanoseconds since 1970; 0 if it did not, or long ago."""
        return self._seen.get(notification_id, 0)

    def subscribe(
        self,
        user_id: UUID,
        last_event_id: str = "",
        *,
        encode: Encoder = as_sse,
        missed: Missed | None = None,
    ) -> Stream:
        """Open a stream. The oldest stream of a user who has too many is closed to make room. `missed` is
        what was found out for a listener whom the history cannot serve."""
        streams = self._streams.setdefault(user_id, {})
        if len(streams) >= STREAMS_PER_USER:
            self.unsubscribe(next(iter(streams)))
        stream = Stream(user_id, self._missed(user_id, last_event_id, missed), encode)
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
        self.closing = True
        for streams in self._streams.values():
            for stream in streams:
                stream.close()

    def _missed(self, user_id: UUID, last_event_id: str, missed: Missed | None) -> list[HubEvent]:
        if not last_event_id:
            return self._unheard(user_id)
        if missed is not None:
            self._heard[user_id] = max(self._heard.get(user_id, 0), missed.number)
            return [*missed.events, *self._since(user_id, missed.number, 0.0)]
        number = self._number_of(last_event_id)
        if number is None:
            return [self.event(user_id, "Resync", {}, self.mark("")), *self._unheard(user_id)]
        return self._since(user_id, number, 0.0)

    def _number_of(self, event_id: str) -> int | None:
        generation, _, rest = event_id.partition(".")
        digits = rest.partition(".")[0]
        if generation != self.generation or not digits.isascii() or not digits.isdigit() or len(digits) > 19:
            return None
        oldest = self._history[0].number if self._history else self._number + 1
        number = int(digits)
        return number if number + 1 >= oldest else None

    def _unheard(self, user_id: UUID) -> list[HubEvent]:
        if self._streams.get(user_id):
            return []
        fresh = time.monotonic() - UNHEARD_SECONDS
        return self._since(user_id, self._heard.get(user_id, 0), fresh)[-UNHEARD_LIMIT:]

    def _since(self, user_id: UUID, number: int, at: float) -> list[HubEvent]:
        found = [e for e in self._history if e.user_id == user_id and e.number > number and e.at >= at]
        if found:
            self._heard[user_id] = max(self._heard.get(user_id, 0), found[-1].number)
        return found

    def event(self, user_id: UUID, name: str, data: object, id: str) -> HubEvent:
        """An event that one stream alone will hear, after the latest of all."""
        return HubEvent(self._number, id, user_id, name, msgspec.json.encode(data), time.monotonic())

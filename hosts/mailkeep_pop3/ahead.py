"""What one session reads before it is asked for it.

Messages whose RETR commands wait in the pipeline are read together. Once a client goes through its maildrop
in order, the next ones are read while it takes those that are here, each time more of them. Whoever jumps
about gets one message at a time. What lies ready and what is being read are together at most AHEAD_OCTETS,
however slowly the client takes it, because nothing more is read until it has taken half.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence

from mailkeep.errors import MailkeepError, NotFound
from mailkeep.net.tasks import TaskRegistry
from mailkeep_pop3.maildrop import Maildrop

WHOLE_LIMIT = 128 * 1024
"""Octets up to which a message is read whole and sent in one write."""

AHEAD_OCTETS = 512 * 1024
AHEAD_MESSAGES = 128
"""What one session has read ahead at most."""

TOGETHER_OCTETS = AHEAD_OCTETS // 2
TOGETHER_MESSAGES = AHEAD_MESSAGES // 2
"""What is read at once."""

FIRST_GUESS = 4
"""Messages that are read once a client has asked for two in a row."""

Read = Callable[[Sequence[int]], Awaitable[dict[int, bytes]]]
"""Messages by their numbers; those that are gone are left out."""


class ReadAhead:
    """The messages that are here, by message-number. `tasks` owns what is being read."""

    __slots__ = (
        "_expected",
        "_held",
        "_last",
        "_maildrop",
        "_read",
        "_reading",
        "_ready",
        "_tasks",
        "_window",
    )

    def __init__(self, maildrop: Maildrop, read: Read, tasks: TaskRegistry) -> None:
        self._maildrop = maildrop
        self._read = read
        self._tasks = tasks
        self._ready: dict[int, bytes] = {}
        self._held = 0  # octets of these
        self._reading: asyncio.Task[None] | None = None
        self._expected = 0  # the number that follows the one taken last
        self._last = 0  # the last number that was read, or is being read
        self._window = 0  # how many messages past it are worth reading

    @property
    def is_empty(self) -> bool:
        """True if nothing is here."""
        return not self._ready

    def take(self, number: int) -> bytes | None:
        """A message that is here."""
        octets = self._ready.pop(number, None)
        if octets is not None:
            self._held -= len(octets)
            self._expected = number + 1
            if self._window and self._reading is None:
                self._read_on()
        return octets

    def peek(self) -> tuple[int, bytes] | None:
        """The message that follows the one taken last, if it is here; it stays."""
        octets = self._ready.get(self._expected)
        return None if octets is None else (self._expected, octets)

    async def get(self, number: int, queued: Iterable[int]) -> bytes:
        """A message that `take` has not. `queued`: numbers that will be asked for next. Raises NotFound."""
        if self._reading is not None and number == self._expected:
            await asyncio.wait({self._reading})
        if number not in self._ready:
            await self._read_now(number, queued)
        octets = self.take(number)
        if octets is None:
            raise NotFound("No such message.")
        return octets

    def passed(self, number: int) -> None:
        """A message was sent that is too large to be read whole: the next one is still in order."""
        self._expected = number + 1
        self._last = max(self._last, number)

    def close(self) -> None:
        """Forget everything."""
        self._forget()
        self._window = 0

    # --- what is worth reading ------------------------------------------------------------------------

    async def _read_now(self, number: int, queued: Iterable[int]) -> None:
        self._forget()
        wanted = self._plan(number, queued)
        try:
            self._keep(await self._read(wanted))
        except MailkeepError:
            if len(wanted) == 1:
                raise
            self._window = 0
            self._keep(await self._read([number]))  # a neighbour's trouble is not this message's

    def _plan(self, number: int, queued: Iterable[int]) -> list[int]:
        """The message, those queued behind it, or those that seem to come next."""
        wanted = [number, *dict.fromkeys(other for other in queued if other != number)]
        in_order = number == self._expected
        if len(wanted) == 1 and in_order:
            self._widen()
            wanted += range(number + 1, number + self._window)
        planned = self._within_limits([other for other in wanted if other == number or self._has(other)])
        self._last = planned[-1]
        if len(planned) > 1 and planned == list(range(number, number + len(planned))):
            self._window = max(self._window, len(planned))
        elif not in_order:
            self._window = 0
        return planned

    def _read_on(self) -> None:
        """Have the next ones read while the client takes the rest: at first once half is taken, and as soon
        as there is room when it has come to take so many that the store is always busy with them."""
        if self._window < TOGETHER_MESSAGES and 2 * len(self._ready) > self._window:
            return
        if (
            len(self._ready) > AHEAD_MESSAGES - TOGETHER_MESSAGES
            or self._held > AHEAD_OCTETS - TOGETHER_OCTETS
        ):
            return
        self._widen()
        following = range(self._last + 1, self._last + 1 + self._window)
        planned = self._within_limits([number for number in following if self._has(number)])
        if planned and self._maildrop.size(planned[0]) <= WHOLE_LIMIT:
            self._last = planned[-1]
            self._reading = self._tasks.spawn(self._fetch(planned), "pop3 read ahead")
        else:
            self._window = 0  # the end, or a large message: `get` begins anew behind it

    async def _fetch(self, numbers: list[int]) -> None:
        try:
            self._keep(await self._read(numbers))
        except MailkeepError:
            self._window = 0  # whoever asks for one of them asks the store again, and is told
        finally:
            if self._reading is asyncio.current_task():
                self._reading = None

    def _widen(self) -> None:
        self._window = min(max(self._window * 2, FIRST_GUESS), TOGETHER_MESSAGES)

    def _has(self, number: int) -> bool:
        return self._maildrop.has(number)

    def _within_limits(self, wanted: list[int]) -> list[int]:
        octets = 0
        for count, number in enumerate(wanted[:TOGETHER_MESSAGES]):
            size = self._maildrop.size(number)
            octets += size
            if count and (octets > TOGETHER_OCTETS or size > WHOLE_LIMIT):
                return wanted[:count]
        return wanted[:TOGETHER_MESSAGES]

    def _keep(self, found: dict[int, bytes]) -> None:
        self._ready.update(found)
        self._held += sum(map(len, found.values()))

    def _forget(self) -> None:
        if self._reading is not None:
            self._reading.cancel()
            self._reading = None
        self._ready.clear()
        self._held = 0

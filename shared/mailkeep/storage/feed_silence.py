"""Who of the others is busy and has fallen silent: what it committed last it may have told nobody.

See feed_telling for the words. A process that dies is heard of no more, but a statement that it had sent may
still be committed by the server, as late as the limit of a statement's time allows: so there are two gaps for
it, one soon and one when nothing of it can come any more.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

BUSY = "b"  # the last word of a notification: more follows, or at least this word
DONE = "e"  # everything has been told
SILENCE_SECONDS = 3.0
LOOK_SECONDS = 0.5

_SOMEBODY = ""  # who was busy before we listened


class Silence:
    """Calls `gap` for those who are silent. On the event loop only; nothing runs while nobody is busy."""

    def __init__(self, gap: Callable[[], None], statement_seconds: float) -> None:
        self._gap = gap
        self._after = (SILENCE_SECONDS, SILENCE_SECONDS + statement_seconds)
        self._due: dict[str, tuple[float, ...]] = {}
        self._timer: asyncio.TimerHandle | None = None

    def begin(self) -> None:
        """We listen from now on; who says no word any more was perhaps busy until just now."""
        self._expect(_SOMEBODY)

    def heard(self, sender: str, text: str) -> None:
        """A process has notified."""
        state = text.rpartition(" ")[2]
        if state == BUSY:
            self._expect(sender)
        elif state == DONE:
            self._due.pop(sender, None)

    def close(self) -> None:
        """Expect nobody."""
        if self._timer is not None:
            self._timer.cancel()

    def _expect(self, name: str) -> None:
        loop = asyncio.get_running_loop()
        now = loop.time()
        self._due[name] = tuple(now + seconds for seconds in self._after)
        if self._timer is None:
            self._timer = loop.call_later(LOOK_SECONDS, self._look)

    def _look(self) -> None:
        loop = asyncio.get_running_loop()
        now = loop.time()
        silent = [name for name, due in self._due.items() if due[0] <= now]
        for name in silent:
            due = self._due.pop(name)[1:]
            if due:
                self._due[name] = due
        if silent:
            self._gap()
        self._timer = loop.call_later(LOOK_SECONDS, self._look) if self._due else None

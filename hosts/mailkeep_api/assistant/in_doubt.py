"""Messages that a connected account was sending when nobody came to know whether they arrived.

The queue is not open to them: whoever sends later needs the browser session's token, and that is written
nowhere. So an assistant that is told "it may have arrived" asks again, and the same message asked for again
is known by what it says: it goes out under the Message-ID of the first attempt, and not at all if Sent has
it. In this process's memory and for a time only; digests alone are kept.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from hashlib import sha256

from mailkeep.mime.compose import Draft
from mailkeep.model.address import Address

LIMIT = 1000  # messages that are remembered; the oldest are forgotten first
SECONDS = 3600.0


@dataclass(frozen=True, slots=True)
class _Attempt:
    message_id: str
    date: datetime
    began: float


class InDoubt:
    """What each account has tried to send. `clock` is in seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._attempts: dict[bytes, _Attempt] = {}

    def begin(self, key: bytes, draft: Draft) -> tuple[Draft, bool]:
        """`key` is its digest. The draft as it is to be sent, and whether it may have been sent before."""
        now = self._clock()
        before = self._attempts.pop(key, None)
        is_again = before is not None and now - before.began <= SECONDS
        if before is not None and is_again:
            draft = replace(draft, message_id=before.message_id, date=before.date)
        self._attempts[key] = _Attempt(draft.message_id, draft.date, now)
        while len(self._attempts) > LIMIT:
            del self._attempts[next(iter(self._attempts))]
        return draft, is_again

    def settle(self, key: bytes) -> None:
        """It is known what became of it."""
        self._attempts.pop(key, None)


def digest_of(account: str, draft: Draft, recipients: Sequence[Address]) -> bytes:
    """Of all but what each attempt makes anew. Blocks where files are large."""
    said = repr(replace(draft, message_id="", date=datetime.fromtimestamp(0, UTC), files=(), messages=()))
    digest = sha256(repr((account, said, [str(one) for one in recipients])).encode("utf-8", "replace"))
    for one in draft.files:
        digest.update(repr((one.name, one.media_type, len(one.octets))).encode("utf-8", "replace"))
        digest.update(one.octets)
    for whole in draft.messages:
        digest.update(sha256(whole).digest())
    return digest.digest()

"""The TRANSACTION state, and the UPDATE state that QUIT enters.

All but RETR, TOP and QUIT is answered from the maildrop's arrays, without waiting. QUIT says +OK when the
deletions are durable and the lock has been let go, so that a client that comes back at once finds both
done; if they cannot be made it says -ERR and nothing is gone (RFC 1939 section 6).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from mailkeep.errors import StoreUnavailable
from mailkeep.pop3 import Connection, State
from mailkeep.pop3 import commands as c
from mailkeep.pop3.replies import LISTING_BATCH, listing, multi_line, ok
from mailkeep_pop3.maildrop import Maildrop
from mailkeep_pop3.retrieval import Foreseen, Retrieval
from mailkeep_pop3.services import (
    NOT_STEPPED,
    WRITE_TOGETHER,
    Answer,
    Pieces,
    Services,
    Stepped,
    Wire,
    answer_capa,
    answer_lang,
)


class Transaction:
    """Reads and answers one command at a `step`."""

    __slots__ = ("_connection", "_lock_lost", "_maildrop", "_retrieval", "_services", "_wire", "stepped")

    def __init__(self, services: Services, wire: Wire, connection: Connection, maildrop: Maildrop) -> None:
        self._services = services
        self._wire = wire
        self._connection = connection
        self._lock_lost = False
        self._maildrop = maildrop
        self._retrieval = Retrieval(services.store.messages, maildrop, services.tasks)
        self.stepped = NOT_STEPPED

    def step(self) -> Answer | None:
        """The answer to what is next; None if nothing is. Raises what becomes -ERR."""
        if self._connection.is_empty:
            return None
        if self._retrieval.has_ready and not self._lock_lost and (replies := self._ready_replies()):
            return replies
        command = self._connection.next_command()
        if command is None:
            return None
        self.stepped = Stepped(type(command))
        if self._lock_lost:
            self._connection.finish()
            raise StoreUnavailable("The maildrop is no longer locked.")
        return self._answer(command)

    def foresee(self) -> Foreseen | None:
        """What is likely to be asked next, with its reply. It holds until anything else comes."""
        if self._lock_lost or not self._connection.is_empty:
            return None
        return self._retrieval.foreseen()

    def sent(self, foreseen: Foreseen) -> None:
        """It was asked, and its reply has been written."""
        self._retrieval.sent(foreseen)

    def lose_lock(self) -> None:
        """The lock broke with the database's connection and may be another session's by now: the next
        command is answered so, nothing is deleted, and the session ends."""
        self._lock_lost = True

    def close(self) -> None:
        """The session is over."""
        self._retrieval.close()

    def _ready_replies(self) -> bytes:
        """To a run of RETR commands whose messages have been read ahead: most of a session's octets."""
        replies, count = self._retrieval.ready(self._connection.queued_retrievals(), WRITE_TOGETHER)
        if count:
            self._connection.skip_retrievals(count)
            self.stepped = Stepped(c.Retr, count)
        return replies

    def _answer(self, command: c.Command) -> Answer:
        match command:
            case c.Retr(number):
                return self._retr(number)
            case c.Dele(number):
                self._maildrop.mark(number)
                return ok(f"Message {number} is deleted.")
            case c.Top(number, lines):
                self._maildrop.check(number)
                return self._retrieval.top(number, lines)
            case c.List(number):
                return self._scan_listing(number)
            case c.Uidl(number):
                return self._unique_id_listing(number)
            case c.Lang(wanted):
                return answer_lang(wanted)
            case c.Quit():
                return self._quit()
            case _:
                return self._answer_plain(command)

    def _answer_plain(self, command: c.Command) -> bytes:
        match command:
            case c.Stat():
                messages, octets = self._maildrop.totals()
                return ok(f"{messages} {octets}")  # RFC 1939 section 5: the drop listing
            case c.Rset():
                self._maildrop.unmark_all()
                messages, octets = self._maildrop.totals()
                return ok(f"{messages} messages ({octets} octets).")
            case c.Capa():
                return answer_capa(self._services, self._wire, self._connection.state)
            case _:
                return ok()

    def _retr(self, number: int) -> Answer:
        self._maildrop.check(number)
        if not self._retrieval.is_small(number):
            return self._retrieval.pieces(number)
        return self._retr_small(number)

    async def _retr_small(self, number: int) -> Pieces:
        yield await self._retrieval.whole(number, self._connection.queued_retrievals())

    def _scan_listing(self, number: int | None) -> Answer:
        size = self._maildrop.size
        if number is None:
            messages, octets = self._maildrop.totals()
            lines = (f"{number} {size(number)}" for number in self._maildrop.numbers())
            return self._listing(f"{messages} messages ({octets} octets).", lines)
        self._maildrop.check(number)
        return ok(f"{number} {size(number)}")

    def _unique_id_listing(self, number: int | None) -> Answer:
        unique_id = self._maildrop.unique_id
        if number is None:
            lines = (f"{number} {unique_id(number)}" for number in self._maildrop.numbers())
            return self._listing("Unique-ids follow.", lines)
        self._maildrop.check(number)
        return ok(f"{number} {unique_id(number)}")

    def _listing(self, head: str, lines: Iterable[str]) -> Answer:
        """At once if it is short; else piece by piece, as the client takes them."""
        if len(self._maildrop) <= LISTING_BATCH:
            return multi_line(head, lines)
        return _in_pieces(listing(head, lines))

    async def _quit(self) -> Pieces:
        self._connection.state = State.UPDATE
        self._connection.finish()
        self._retrieval.close()
        try:
            await self._maildrop.commit()
        finally:
            await self._maildrop.close()
        yield ok("Bye.")


async def _in_pieces(pieces: Iterator[bytes]) -> Pieces:
    for piece in pieces:
        yield piece

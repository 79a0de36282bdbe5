"""LMTP (RFC 2033): local delivery from an MTA in front, with an answer for each recipient.

A message is committed for all of its recipients or for none, so the answers after it are as many as
recipients and all the same. What differs by recipient (unknown, over quota) is said at RCPT. Not for port 25
(section 5), and best on an address that only the MTA reaches.
"""

from __future__ import annotations

from mailkeep.smtp.chunks import parse_chunk
from mailkeep.smtp.commands import parse_helo
from mailkeep.smtp.errors import CommandNotOffered, Ending
from mailkeep.smtp.replies import Reply, reply
from mailkeep_smtp.inlet import Disconnected
from mailkeep_smtp.session import SmtpSession

SPEAK_LMTP = "This is LMTP: say LHLO."


class LmtpSession(SmtpSession):
    """SMTP's commands but for the greeting, and the answers to a message."""

    protocol = "LMTP"

    async def smtp_LHLO(self, argument: str) -> Reply:  # noqa: N802
        """RFC 2033 section 4.1: EHLO under another name."""
        await self._greet(parse_helo(argument), extended=True)
        return reply(250, "", self.hostname, *self._extensions())

    async def smtp_HELO(self, argument: str) -> Reply:  # noqa: N802
        """RFC 2033 section 4.1."""
        raise CommandNotOffered(SPEAK_LMTP)

    async def smtp_EHLO(self, argument: str) -> Reply:  # noqa: N802
        """RFC 2033 section 4.1."""
        raise CommandNotOffered(SPEAK_LMTP)

    async def smtp_DATA(self, argument: str) -> Reply:  # noqa: N802
        """RFC 2033 section 4.2: one answer for each RCPT that was accepted, once the message has come."""
        transaction = self.transaction
        try:
            answer = await super().smtp_DATA(argument)
        except (Disconnected, Ending):
            raise
        except Exception as error:  # as in the loop, but here it is answered more than once
            if transaction is None or self.transaction is transaction:
                raise  # before the message
            answer = self.explain(error)
        if transaction is not None:
            self._repeat(answer, transaction.accepted - 1)
        return answer

    async def smtp_BDAT(self, argument: str) -> Reply | None:  # noqa: N802
        """The same after the last chunk."""
        transaction = self.transaction
        answer = await super().smtp_BDAT(argument)
        if transaction is not None and parse_chunk(argument).last:
            told = answer or transaction.failure  # which was said already, once
            if told is not None:
                self._repeat(told, transaction.accepted - 1)
        return answer

    def _repeat(self, answer: Reply, times: int) -> None:
        for _ in range(times):
            self.answer_again(answer)

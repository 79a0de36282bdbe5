"""What a server has said counts, also if it hangs up in the same breath; and what it said for the moment is
not taken for all time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from tests.support.mail_server import OFFERS, Received, sink
from tests.unit.delivery.remote.test_relay import (
    SENDER,
    enqueue,
    relaying,
    reports,
    until,
    until_empty,
)

from mailkeep.model.queue import Envelope
from mailkeep.storage.interface import Store

WAYS = {
    "one flight": OFFERS,
    "pipelined DATA": ["PIPELINING", "8BITMIME"],
    "chunks without pipelining": ["CHUNKING", "8BITMIME"],
    "nothing but the basics": ["8BITMIME"],
}
LARGE = b"Subject: big\r\n\r\n" + b"a line of text\r\n" * 10_000


def hangs_up_after(verb: str, reply: str) -> tuple[Callable[[str], str | None], list[str]]:
    """An answer that refuses `verb` and drops the line at whatever comes next."""
    refused: list[str] = []

    def answer(line: str) -> str | None:
        if line.startswith("EHLO"):
            refused.clear()
        elif refused and not line.startswith("RCPT"):
            return ""
        elif line.startswith(verb):
            refused.append(line)
            return reply
        return None

    return answer, refused


@pytest.mark.parametrize("offers", WAYS.values(), ids=WAYS)
@pytest.mark.parametrize("verb", ["MAIL", "RCPT"])
async def test_a_refusal_stays_one_when_the_line_drops(
    store: Store, tmp_path: Path, offers: Sequence[str], verb: str
) -> None:
    answer, _ = hangs_up_after(verb, "554 5.7.1 not from you")
    async with sink(offers=offers, answer=answer) as far, relaying(store, tmp_path, far.port):
        await enqueue(store, "a@far.test")
        await until_empty(store)
    assert far.connections == 1
    (report,) = await reports(store)
    assert b"Status: 5.7.1\r\n" in report
    assert b"554 5.7.1 not from you" in report


@pytest.mark.parametrize("offers", WAYS.values(), ids=WAYS)
async def test_those_that_were_not_refused_are_tried_again(
    store: Store, tmp_path: Path, offers: Sequence[str]
) -> None:
    answer, refused = hangs_up_after("RCPT TO:<no@", "550 5.1.1 nobody")
    async with sink(offers=offers, answer=answer) as far, relaying(store, tmp_path, far.port):
        await enqueue(store, "no@far.test", "yes@far.test")
        (received,) = await far.until(1)
        await until_empty(store)
    assert ["yes@" in line for line in received.recipients] == [True]
    assert refused == []
    (report,) = await reports(store)
    assert b"no@far.test" in report
    assert b"yes@far.test" not in report


@pytest.mark.parametrize("offers", WAYS.values(), ids=WAYS)
@pytest.mark.parametrize("octets", [b"Subject: small\r\n\r\nhi\r\n", LARGE], ids=["small", "large"])
async def test_a_message_that_nobody_may_have_does_not_stand_in_the_next_ones_way(
    store: Store, tmp_path: Path, offers: Sequence[str], octets: bytes
) -> None:
    """A second MAIL without RSET is refused for good (RFC 5321 section 4.1.4)."""
    standing: list[str] = []

    def answer(line: str) -> str | None:
        if line.startswith(("EHLO", "RSET", "END")):
            standing.clear()
        if line.startswith("MAIL"):
            if standing:
                return "503 5.5.1 nested MAIL command"
            standing.append(line)
        return "550 5.1.1 nobody" if "<no@" in line else None

    async with (
        sink(offers=offers, answer=answer) as far,
        relaying(store, tmp_path, far.port, connections_per_domain=1),
    ):
        await enqueue(store, "no@far.test", octets=octets)
        await enqueue(store, "yes@far.test", id="m2", octets=octets)
        received: list[Received] = await far.until(1)
        await until_empty(store)
    assert [message.octets for message in received] == [octets]
    assert len(await reports(store)) == 1


@pytest.mark.parametrize("said", ["421 4.3.2 shutting down", "451 4.3.0 in a moment"])
async def test_an_ehlo_that_fails_for_the_moment_is_not_followed_by_helo(
    store: Store, tmp_path: Path, said: str
) -> None:
    """By HELO nothing is offered, and what needs an extension would come back for good."""
    once = iter([said])

    def answer(line: str) -> str | None:
        return next(once, None) if line.startswith("EHLO") else None

    async with sink(answer=answer) as far, relaying(store, tmp_path, far.port, retry_seconds=(300.0,)):
        await enqueue(store, "jos\u00e9@far.test", envelope=Envelope(SENDER, smtputf8=True))
        (entry,) = await until(store, lambda found: bool(found and found[0].last.status))
    assert entry.last.status == said.split()[1]
    assert said in entry.last.reply
    assert not any(line.startswith("HELO") for line in far.commands)

"""A server that has had enough of a session is asked in a new one, at once and not after the wait for another
attempt: many take so many messages in each and no more.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from tests.regress.test_relay_refused_and_hung_up import WAYS
from tests.support.mail_server import sink
from tests.unit.delivery.remote.test_relay import enqueue, relaying, reports, until_empty

from mailkeep.storage.interface import Store

NEVER_AGAIN = {"retry_seconds": (3600.0,), "connections_per_domain": 1}


def one_a_session(reply: str) -> Callable[[str], str | None]:
    """An answer that takes one message, says that to the next, and then refuses all."""
    said: list[str] = []

    def answer(line: str) -> str | None:
        if line.startswith("EHLO"):
            said.clear()
        elif len(said) > 1:
            return "503 5.5.1 go away"
        elif line == "END" or (said and line.startswith("MAIL")):
            said.append(line)
            return reply if line != "END" else None
        return None

    return answer


@pytest.mark.parametrize("offers", WAYS.values(), ids=WAYS)
async def test_the_next_message_goes_in_a_new_session(
    store: Store, tmp_path: Path, offers: Sequence[str]
) -> None:
    async with sink(offers=offers, answer=one_a_session("421 4.7.0 enough of you")) as far:
        for number in range(3):
            await enqueue(store, "a@far.test", id=f"m{number}")
        async with relaying(store, tmp_path, far.port, **NEVER_AGAIN):
            await until_empty(store, 10)
    assert len(far.received) == 3
    assert await reports(store) == []


@pytest.mark.parametrize("offers", [WAYS["pipelined DATA"], WAYS["nothing but the basics"]])
async def test_also_where_the_line_is_dropped_without_a_word(
    store: Store, tmp_path: Path, offers: Sequence[str]
) -> None:
    async with sink(offers=offers, answer=one_a_session("")) as far:
        for number in range(3):
            await enqueue(store, "a@far.test", id=f"m{number}")
        async with relaying(store, tmp_path, far.port, **NEVER_AGAIN):
            await until_empty(store, 10)
    assert len(far.received) == 3


async def test_a_new_session_that_says_so_is_believed(store: Store, tmp_path: Path) -> None:
    def answer(line: str) -> str | None:
        return "421 4.7.0 not now" if line.startswith("MAIL") else None

    async with sink(answer=answer) as far, relaying(store, tmp_path, far.port, **NEVER_AGAIN):
        await enqueue(store, "a@far.test")
        async with asyncio.timeout(10):
            while (await store.queue.entries())[0].last_attempt_at is None:
                await asyncio.sleep(0.01)
    assert far.connections == 1

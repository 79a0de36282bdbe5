"""A session whose transaction is given up is over at once: the next message would be written into nothing."""

from __future__ import annotations

import pytest
from tests.support.mail_server import sink

from mailkeep.delivery.remote.outcome import NotSent
from mailkeep.delivery.remote.wire import Wire


async def test_nothing_is_tried_on_a_line_that_was_cut() -> None:
    async with sink() as far:
        wire = await Wire.connect("sink.test", "127.0.0.1", far.port, 5)
        assert (await wire.reply(5)).code == 220
        assert wire.is_open
        wire.abort()
        assert not wire.is_open
        with pytest.raises(NotSent):
            await wire.reply(5)

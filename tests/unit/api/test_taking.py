"""News that no other host brings: an API host that runs alone takes it from the outbox."""

from __future__ import annotations

import asyncio
import json

from tests.support.api_host import ApiHost
from tests.support.api_mail import deliver, plain, reading
from tests.support.event_stream import heard, listening


async def test_an_api_host_alone_tells_of_mail_and_empties_the_outbox(api: ApiHost) -> None:
    async with await reading(api) as client, listening(client) as events:
        email_id = await deliver(api, plain("with a date of long ago"))  # so the change log would not tell
        while (event := await heard(events))["event"] != "NewEmail":
            assert event["event"] == "UnreadCountChanged"
        assert json.loads(event["data"])["id"] == str(email_id)
        while await api.store.outbox.count():
            await asyncio.sleep(0.01)

"""An account elsewhere that needs a sign-in: its user hears of it, and sees it in the console."""

from __future__ import annotations

import json

from tests.conftest import open_test_store
from tests.support.api_host import ApiHost
from tests.support.api_mail import ANN, reading
from tests.support.event_stream import heard, listening

from mailkeep.upstream.config import AccountConfig


async def test_a_change_of_state_is_an_event_once(api: ApiHost) -> None:
    config = AccountConfig("ann@elsewhere.test", imap="imap.elsewhere.test:993").to_json()
    async with await reading(api) as client, open_test_store(api.settings.store) as other:
        user = await other.directory.user_by_address(ANN)
        assert user is not None
        record = await other.upstreams.add(user.id, "work", config)
        async with listening(client) as events:
            for _ in range(2):
                await other.upstreams.note(record.id, "needs_sign_in", "Sign in again.")
            told = [await heard(events)]  # what is over before anybody looks is told to nobody
            await other.upstreams.note(record.id, "", "")
            told.append(await heard(events))
    assert [one["event"] for one in told] == ["UpstreamChanged"] * 2
    facts = {"id": str(record.id), "name": "work", "address": "ann@elsewhere.test"}
    assert [json.loads(one["data"]) for one in told] == [
        {**facts, "state": "needs_sign_in", "said": "Sign in again."},
        {**facts, "state": "ok", "said": ""},
    ]

"""The SignalR hub over a real socket: who may listen, what they hear, and how it ends."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from tests.support.api_host import ApiHost, running_api
from tests.support.api_mail import ANN, BOB, RICH, deliver, plain, writing
from tests.support.signalr import WAIT, HubClient, hub, hub_url
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from mailkeep.auth import KeyService
from mailkeep.model.scope import Scope
from mailkeep.settings import StoreSettings
from mailkeep.storage.interface import Store


@pytest.fixture(autouse=True)
def _no_count_in_between(monkeypatch: pytest.MonkeyPatch) -> None:
    """The mail of these tests is announced by nobody: its news would come at some moment."""
    monkeypatch.setattr("mailkeep_api.taking.PAGES", 0)


async def new_key(api: ApiHost, *scopes: Scope) -> str:
    return await api.key(await api.user(str(ANN)), *scopes)


async def refused(api: ApiHost, query: str = "", **headers: str) -> int:
    with pytest.raises(InvalidStatus) as caught:
        async with connect(hub_url(api, query), additional_headers=headers, proxy=None):
            pass
    response = caught.value.response
    assert response.headers["Content-Type"] == "application/problem+json"
    return response.status_code


async def ended(client: HubClient) -> dict[str, Any]:
    """The close record; the connection closes after it."""
    while (record := await client.record())["type"] != 7:
        continue
    with pytest.raises(ConnectionClosed):
        await asyncio.wait_for(client.socket.recv(), WAIT)
    return record


async def test_a_negotiation_names_the_one_transport(api: ApiHost) -> None:
    async with api.client(await new_key(api, Scope.APP)) as client:
        found = (await client.post("/hubs/email/negotiate?negotiateVersion=1")).json()
    assert (found["negotiateVersion"], len(found["connectionToken"]) > 20) == (1, True)
    assert found["availableTransports"] == [
        {"transport": "WebSockets", "transferFormats": ["Text", "Binary"]}
    ]
    async with api.client() as nobody, api.client("wrong") as wrong:
        for client in (nobody, wrong):
            assert (await client.post("/hubs/email/negotiate")).status_code == 401


@pytest.mark.parametrize("header", [False, True])
async def test_events_come_as_invocations(api: ApiHost, header: bool) -> None:
    key = await new_key(api, Scope.API_READ, Scope.API_WRITE)
    email_id = await deliver(api, plain("one"))
    async with hub(api, key, header=header) as listener, api.client(key) as client:
        await client.patch(f"/api/emails/{email_id}", json={"isRead": True})
        assert await listener.event() == ("EmailUpdated", {"id": str(email_id), "isRead": True})
        assert await listener.event() == ("UnreadCountChanged", 0)
        await client.delete(f"/api/emails/{email_id}")
        assert await listener.event() == ("EmailDeleted", str(email_id))


async def test_who_is_nobody_or_may_not_read_does_not_get_in(api: ApiHost) -> None:
    user = await api.user(str(ANN))
    assert await refused(api) == 401
    assert await refused(api, "?access_token=wrong") == 401
    assert await refused(api, f"?access_token={await api.key(user, Scope.IMAP)}") == 401
    assert await refused(api, f"?access_token={await api.key(user, Scope.API_WRITE)}") == 403
    assert await refused(api, Cookie="mailkeep_browser=short") == 401


async def test_a_client_that_speaks_something_else_is_told_so(api: ApiHost) -> None:
    key = await new_key(api, Scope.API_READ)
    async with connect(hub_url(api, f"?access_token={key}"), proxy=None) as socket:
        client = HubClient(socket)
        await client.send({"protocol": "messagepack", "version": 1})
        assert "error" in await client.record()
        with pytest.raises(ConnectionClosed):
            await asyncio.wait_for(socket.recv(), WAIT)


async def test_nothing_can_be_invoked_and_a_close_is_a_close(api: ApiHost) -> None:
    async with hub(api, await new_key(api, Scope.API_READ)) as client:
        await client.send({"type": 6}, {"type": 1, "invocationId": "1", "target": "x", "arguments": []})
        assert (await client.record())["invocationId"] == "1"
        await client.send({"type": 7})
        with pytest.raises(ConnectionClosed):
            await asyncio.wait_for(client.socket.recv(), WAIT)


async def test_pings_come_while_nothing_happens(api: ApiHost, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mailkeep_api.routes.hub.PING_SECONDS", 0.05)
    async with hub(api, await new_key(api, Scope.API_READ)) as client:
        assert [await client.record(), await client.record()] == [{"type": 6}] * 2


async def test_who_says_nothing_at_all_is_let_go(api: ApiHost, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mailkeep_api.routes.hub.HANDSHAKE_SECONDS", 0.05)
    key = await new_key(api, Scope.API_READ)
    async with connect(hub_url(api, f"?access_token={key}"), proxy=None) as socket:
        with pytest.raises(ConnectionClosed):
            await asyncio.wait_for(socket.recv(), WAIT)


async def test_what_is_no_message_ends_the_connection(api: ApiHost) -> None:
    async with hub(api, await new_key(api, Scope.API_READ)) as client:
        await client.socket.send("nonsense")
        assert (await ended(client))["allowReconnect"] is False


async def test_a_frame_has_a_limit(api: ApiHost) -> None:
    async with hub(api, await new_key(api, Scope.API_READ)) as client:
        await client.socket.send("x" * 40_000)
        with pytest.raises(ConnectionClosed):
            await asyncio.wait_for(client.socket.recv(), WAIT)


async def test_a_revoked_key_ends_its_connection(api: ApiHost) -> None:
    user = await api.user(str(ANN))
    made = await KeyService(api.store, api.settings.auth).create(
        user, "hub", frozenset({Scope.APP}), (), None
    )
    async with hub(api, made.api_key) as client:
        await KeyService(api.store, api.settings.auth).revoke(made.id)
        assert (await ended(client))["allowReconnect"] is True


async def test_connections_end_when_the_host_stops(store: Store, store_settings: StoreSettings) -> None:
    async with running_api(store, store_settings) as api:
        opened = hub(api, await new_key(api, Scope.APP))
        client = await opened.__aenter__()
    with pytest.raises(ConnectionClosed):
        await _all_of(client)
    await opened.__aexit__(None, None, None)


async def _all_of(client: HubClient) -> None:
    while True:
        await client.record()


async def test_a_place_is_given_back_when_a_connection_ends(
    store: Store, store_settings: StoreSettings
) -> None:
    async with running_api(store, store_settings, per_network=2) as api:
        key = await new_key(api, Scope.APP)
        for _ in range(5):
            async with hub(api, key):
                pass


# --- the web client, which sends no credential here ------------------------------------------------


async def test_a_browser_listens_before_its_user_signs_in(api: ApiHost) -> None:
    key = await new_key(api, Scope.APP)
    async with api.client() as page:
        cookie = (await page.get("/config/config.json")).headers["set-cookie"].split(";")[0]
        assert (await page.post("/hubs/email/negotiate?negotiateVersion=1")).status_code == 200
        email_id = await deliver(api, RICH)
        async with hub(api, cookie=cookie) as listener:
            path = f"/api/emails/{email_id}"
            assert (await page.get(path)).status_code == 401
            bearer = {"Authorization": f"Bearer {key}"}
            opened = (await page.get(path, headers=bearer)).json()
            await page.patch(path, headers=bearer, json={"isRead": True})
            assert await listener.event() == ("EmailUpdated", {"id": str(email_id), "isRead": True})
        file = await page.get(f"{path}/attachments/{opened['attachments'][0]['id']}")
        assert (file.status_code, file.content) == (200, b"hello")
        for other in (path, f"{path}/export/eml", "/api/emails", "/api/events"):
            assert (await page.get(other)).status_code == 401
        assert (await page.delete(path)).status_code == 401


async def test_another_site_cannot_use_the_cookie(api: ApiHost) -> None:
    async with api.client() as page:
        cookie = (await page.get("/config/config.json")).headers["set-cookie"].split(";")[0]
    assert await refused(api, Cookie=cookie, Origin="https://evil.test") == 401
    async with hub(api, cookie=cookie, origin=api.url):
        pass


async def test_a_browser_hears_whoever_signed_in_last_and_nobody_after_that_ended(api: ApiHost) -> None:
    ann, bob = await new_key(api, Scope.APP), await api.key(await api.user(str(BOB)), Scope.APP)
    async with api.client() as page:
        cookie = (await page.get("/config/config.json")).headers["set-cookie"].split(";")[0]
        email_id = await deliver(api, plain("for Bob"), BOB)
        await deliver(api, plain("for Ann"))
        async with hub(api, cookie=cookie) as listener, api.client(bob) as elsewhere:
            for key in (ann, bob):
                await page.get("/api/emails", headers={"Authorization": f"Bearer {key}"})
            # Bob's stream opens within moments of his first call; a change raises an event each.
            for number in range(100):
                await elsewhere.patch(f"/api/emails/{email_id}", json={"isRead": number % 2 == 0})
                if len(listener.socket.recv_messages.frames):  # type: ignore[attr-defined]
                    break
                await asyncio.sleep(0.05)
            target, argument = await listener.event()
            assert (target, argument["id"]) == ("EmailUpdated", str(email_id))
            await api.store.directory.set_disabled((await _user(api)).id, True)
            await ended(listener)
        file = await page.get(f"/api/emails/{email_id}/attachments/{email_id}")
        assert file.status_code == 401


async def _user(api: ApiHost) -> Any:
    return await api.store.directory.user_by_address(BOB)


async def test_a_token_in_the_address_reaches_no_log(
    api: ApiHost, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    key = await new_key(api, Scope.API_READ)
    with caplog.at_level("DEBUG"):
        async with hub(api, key):
            pass
        assert await refused(api, "?access_token=mk_secretsecret") == 401
    told = capfd.readouterr()
    ours = "\n".join(r.getMessage() for r in caplog.records if r.name != "websockets.client")
    for text in (ours, told.out, told.err):
        assert key not in text
        assert "mk_secretsecret" not in text


async def test_writers_settle_before_they_are_answered(api: ApiHost) -> None:
    """The event is there when the answer is: no wait, no second one."""
    async with await writing(api) as client:
        key = client.headers["authorization"].removeprefix("Bearer ")
        email_id = await deliver(api, plain("one"))
        async with hub(api, key) as listener:
            await client.patch(f"/api/emails/{email_id}", json={"isRead": True})
            await client.delete(f"/api/emails/{email_id}")
            names = [(await listener.event())[0] for _ in range(4)]
    assert names == ["EmailUpdated", "UnreadCountChanged", "EmailDeleted", "UnreadCountChanged"]

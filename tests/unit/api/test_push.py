"""Web Push against a real service over TLS: what it gets, what only the browser reads, what is refused."""

from __future__ import annotations

import asyncio
import base64
import json
import stat
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from uuid import UUID, uuid4

import httpx2
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from joserfc import jws
from joserfc.jwk import ECKey
from tests.support.api_host import ApiHost, running_api
from tests.support.api_mail import ANN, BOB
from tests.support.push_service import Browser, PushService, base64url, push_service

from mailkeep.errors import InvalidName
from mailkeep.model.scope import Scope
from mailkeep.settings import Settings, StoreSettings
from mailkeep.storage.interface import Store
from mailkeep_api.pushing import endpoints, vapid

PATH = "/api/push-subscriptions"
PUBLIC = "https://push.example.org/one"


@pytest.fixture
async def service(tmp_path: Path) -> AsyncIterator[PushService]:
    async with push_service(tmp_path) as running:
        yield running


def with_service(service: PushService) -> Callable[[Settings], Settings]:
    def changed(settings: Settings) -> Settings:
        return replace(
            settings,
            api=replace(settings.api, push_private_services=True, push_ca_file=service.ca_file),
        )

    return changed


@pytest.fixture
async def pushing(
    store: Store, store_settings: StoreSettings, service: PushService
) -> AsyncIterator[ApiHost]:
    async with running_api(store, store_settings, changed=with_service(service)) as host:
        yield host


async def announce(api: ApiHost, user: UUID, subject: str = "Hello") -> str:
    """What the SMTP host does after a delivery; the message's id."""
    email_id = str(uuid4())
    email = {
        "id": email_id,
        "from": "b@other.test",
        "fromDisplay": "Bob",
        "subject": subject,
        "receivedAt": "2026-01-02T03:04:05Z",
    }
    body = {"userIds": [str(user)], "email": email}
    async with api.client(await api.key(None, Scope.INTERNAL)) as client:
        assert (await client.post("/api/internal/notifications/new-email", json=body)).status_code == 200
    return email_id


async def subscribe(client: httpx2.AsyncClient, endpoint: str, browser: Browser) -> httpx2.Response:
    return await client.post(PATH, json={"endpoint": endpoint, **browser.keys()})


async def test_news_reaches_the_browser_and_nobody_else_reads_it(
    pushing: ApiHost, service: PushService
) -> None:
    user, browser = await pushing.user(str(ANN)), Browser()
    async with pushing.client(await pushing.key(user, Scope.APP)) as client:
        assert (await subscribe(client, service.url, browser)).status_code == 201
        email_id = await announce(pushing, user, "Gr\u00fc\u00dfe" + "x" * 1500)
        line, fields, body = await service.taken()
        public = (await client.get(f"{PATH}/vapid-public-key")).json()["publicKey"]
    assert line == "POST /push/one?t=1 HTTP/1.1"
    assert fields["host"] == service.url.split("/")[2]
    assert (fields["content-encoding"], fields["ttl"]) == ("aes128gcm", "86400")
    assert len(body) <= 4096
    shown = browser.opened(body)
    assert shown["title"] == "New Email"
    assert shown["body"].startswith("From: Bob\nSubject: Gr\u00fc\u00dfexxx")
    assert shown["data"] == {"emailId": email_id, "url": "/"}
    check_signature(fields["authorization"], public, service.url)


def check_signature(authorization: str, public: str, endpoint: str) -> None:
    """RFC 8292: a token for this service, by the key that the browser subscribed with."""
    told = dict(part.strip().split("=", 1) for part in authorization.removeprefix("vapid ").split(","))
    assert told["k"] == public
    point = base64.urlsafe_b64decode(public + "=")
    key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
    claims = json.loads(jws.deserialize_compact(told["t"], ECKey.import_key(key), ["ES256"]).payload)
    assert claims["aud"] == "/".join(endpoint.split("/")[:3])
    assert claims["sub"].startswith("mailto:")


async def test_a_known_endpoint_is_200_and_gets_its_keys_anew(pushing: ApiHost, service: PushService) -> None:
    user, browser = await pushing.user(str(ANN)), Browser()
    async with pushing.client(await pushing.key(user, Scope.APP)) as client:
        first = await subscribe(client, service.url, Browser())
        again = await subscribe(client, service.url, browser)
        assert (first.status_code, again.status_code) == (201, 200)
        assert first.json() == again.json()
        await announce(pushing, user)
        _, _, body = await service.taken()
        assert browser.opened(body)["title"] == "New Email"


@pytest.mark.parametrize("status", [404, 410])
async def test_what_the_service_knows_no_more_is_removed(
    pushing: ApiHost, service: PushService, status: int
) -> None:
    service.status = status
    user = await pushing.user(str(ANN))
    async with pushing.client(await pushing.key(user, Scope.APP)) as client:
        await subscribe(client, service.url, Browser())
        await announce(pushing, user)
        await service.taken()
        for _ in range(200):
            if not await pushing.store.push.of_user(user):
                break
            await asyncio.sleep(0.05)
        assert list(await pushing.store.push.of_user(user)) == []


async def test_a_service_that_fails_keeps_its_subscription(pushing: ApiHost, service: PushService) -> None:
    service.status = 500
    user = await pushing.user(str(ANN))
    async with pushing.client(await pushing.key(user, Scope.APP)) as client:
        await subscribe(client, service.url, Browser())
        for _ in range(2):
            await announce(pushing, user)
            await service.taken()
        assert len(await pushing.store.push.of_user(user)) == 1


async def test_subscriptions_are_ones_own_and_end(api: ApiHost) -> None:
    ann, bob = await api.user(str(ANN)), await api.user(str(BOB))
    async with (
        api.client(await api.key(ann, Scope.APP)) as client,
        api.client(await api.key(bob, Scope.APP)) as other,
        api.client(await api.key(ann, Scope.API_READ)) as reader,
        api.client() as nobody,
    ):
        kept = (await subscribe(client, PUBLIC, Browser())).json()
        assert (kept["endpoint"], kept["lastUsedAt"]) == (PUBLIC, None)
        assert (await other.delete(f"{PATH}/{kept['id']}")).status_code == 404
        assert (await subscribe(reader, PUBLIC, Browser())).status_code == 403
        assert (await subscribe(nobody, PUBLIC, Browser())).status_code == 401
        old_spelling = PATH.replace("push-sub", "pushsub")
        assert (await nobody.get(f"{old_spelling}/vapid-public-key")).status_code == 200
        assert (await client.delete(f"{old_spelling}/{kept['id']}")).status_code == 204


@pytest.mark.parametrize(
    "endpoint",
    [
        "http://push.example.org/x",
        "https://push.example.org:8443/x",
        "https://127.0.0.1/x",
        "https://[::1]/x",
        "https://[::ffff:10.0.0.1]/x",
        "https://169.254.169.254/latest",
        "https://user@push.example.org/x",
        "https://push.example.org/x#y",
        "https:///x",
        "https://push.example.org:port/x",
        "https://push.example.org/\u00e4",
        "file:///etc/passwd",
        "https://push.example.org/" + "x" * 1000,
    ],
)
async def test_an_endpoint_that_could_do_harm_is_refused(api: ApiHost, endpoint: str) -> None:
    async with api.client(await api.key(await api.user(str(ANN)), Scope.APP)) as client:
        assert (await subscribe(client, endpoint, Browser())).status_code == 400


@pytest.mark.parametrize(
    "keys",
    [
        {"p256dhKey": "", "authKey": ""},
        {"p256dhKey": base64url(b"\x04" + b"x" * 64), "authKey": base64url(b"x" * 16)},
        {**Browser().keys(), "authKey": base64url(b"short")},
        {**Browser().keys(), "p256dhKey": "not base64!"},
    ],
)
async def test_keys_that_nothing_can_be_encrypted_for_are_refused(api: ApiHost, keys: dict[str, str]) -> None:
    async with api.client(await api.key(await api.user(str(ANN)), Scope.APP)) as client:
        assert (await client.post(PATH, json={"endpoint": PUBLIC, **keys})).status_code == 400


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "10.1.2.3", "::1", "100.64.0.1", "224.0.0.1"])
async def test_a_name_that_leads_inside_is_not_called(host: str) -> None:
    """A name may be public when it is stored and private when it is called."""
    with pytest.raises(endpoints.EndpointRefused):
        await endpoints.address_of(host, 443, private=False)


async def test_a_public_address_is_called_as_it_was_looked_up() -> None:
    assert await endpoints.address_of("9.9.9.9", 443, private=False) == "9.9.9.9"
    assert (await endpoints.address_of("localhost", 443, private=True)) in {"127.0.0.1", "::1"}
    endpoints.check_endpoint(PUBLIC, private=False)
    with pytest.raises(InvalidName):
        endpoints.check_endpoint("http://push.example.org/", private=True)


def test_the_key_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "data" / "vapid.pem"
    first = vapid.load(path, "mailto:postmaster@example.test")
    assert vapid.load(path, "mailto:postmaster@example.test").public == first.public
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [file.name for file in path.parent.iterdir()] == ["vapid.pem"]
    assert "PRIVATE" not in repr(first)

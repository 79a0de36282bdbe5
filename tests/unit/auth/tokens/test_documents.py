"""An issuer's keys: fetched seldom, rotated, kept when the issuer goes away, and not believed blindly."""

from __future__ import annotations

import asyncio
import json

import pytest
from tests.support.oidc.served import DISCOVERY, OTHER_RSA, RSA, public

from mailkeep.auth.tokens.documents import FIRST_RETRY_SECONDS, IssuerDocuments, openid_configuration
from mailkeep.auth.tokens.jws import take_apart
from mailkeep.errors import IssuerUnavailable
from mailkeep.net.outbound import BODY_LIMIT, OutboundClient


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def documents(issuer_settings, clock):
    settings = issuer_settings(jwks_refresh_seconds=60.0, jwks_max_age_seconds=3600.0)
    client = OutboundClient(settings.timeout_seconds)
    made = IssuerDocuments(settings, client, clock)
    yield made
    await made.close()
    await client.close()


def parts(issuer, key=RSA, **header):
    return take_apart(issuer.token({"kid": key.kid, **header}, key))


async def test_both_documents_are_fetched_once(documents, issuer):
    for _ in range(5):
        assert len(await documents.keys_for(parts(issuer))) == 1
    assert (issuer.requests[DISCOVERY], issuer.requests["/jwks"]) == (1, 1)


async def test_a_new_key_is_found_when_a_token_names_it_and_the_interval_is_over(documents, issuer, clock):
    await documents.keys_for(parts(issuer))
    issuer.keys = [public(RSA), public(OTHER_RSA)]
    clock.now += 59
    assert await documents.keys_for(parts(issuer, OTHER_RSA)) == []
    clock.now += 1
    assert len(await documents.keys_for(parts(issuer, OTHER_RSA))) == 1
    assert issuer.requests["/jwks"] == 2


async def test_unknown_key_ids_fetch_once_an_interval_however_many_there_are(documents, issuer, clock):
    await documents.keys_for(parts(issuer))
    for passed in range(1, 4):
        clock.now += 60
        flood = (documents.keys_for(parts(issuer, kid=f"k{passed}-{n}")) for n in range(50))
        assert not any(await asyncio.gather(*flood))
        assert issuer.requests["/jwks"] == 1 + passed


async def test_old_keys_are_renewed_while_the_old_ones_serve(documents, issuer, clock):
    await documents.keys_for(parts(issuer))
    issuer.keys = [public(OTHER_RSA)]
    clock.now += 3600
    assert len(await documents.keys_for(parts(issuer))) == 1  # nobody waits for the fetch
    async with asyncio.timeout(20):
        while (await documents.current()).keys[0].key_id != "other":
            await asyncio.sleep(0.01)
    assert await documents.keys_for(parts(issuer)) == []  # withdrawn


async def test_the_last_good_keys_stay_while_the_issuer_is_away(documents, issuer, clock):
    await documents.keys_for(parts(issuer))
    issuer.down = True
    for _ in range(3):
        clock.now += 100_000
        assert len(await documents.keys_for(parts(issuer))) == 1
        async with asyncio.timeout(20):
            await documents._begin()
    assert len(await documents.keys_for(parts(issuer))) == 1


async def test_an_issuer_that_was_never_there_is_asked_again_soon(documents, issuer, clock):
    issuer.down = True
    for _ in range(3):
        with pytest.raises(IssuerUnavailable):
            await documents.current()
    assert issuer.requests[DISCOVERY] == 1
    issuer.down = False
    clock.now += FIRST_RETRY_SECONDS
    assert len(await documents.keys_for(parts(issuer))) == 1


async def test_who_gives_up_waiting_takes_the_fetch_from_nobody(documents, issuer):
    impatient = asyncio.create_task(documents.current())
    patient = asyncio.create_task(documents.current())
    await asyncio.sleep(0)
    impatient.cancel()
    assert (await patient).keys
    assert issuer.requests["/jwks"] == 1


async def test_a_stalled_issuer_costs_the_timeout(issuer, issuer_settings):
    settings = issuer_settings(timeout_seconds=0.2)
    issuer.stalls = True
    client = OutboundClient(settings.timeout_seconds)
    documents = IssuerDocuments(settings, client)
    async with asyncio.timeout(20):
        with pytest.raises(IssuerUnavailable):
            await documents.current()
    await documents.close()
    await client.close()


WRONG = {
    "another issuer": {"issuer": "https://elsewhere.example"},
    "no issuer": {"issuer": None},
    "no jwks": {"jwks_uri": None},
    "keys in the clear from afar": {"jwks_uri": "http://elsewhere.example/jwks"},
    "keys from a file": {"jwks_uri": "file:///etc/passwd"},
    "keys of a wrong type": {"jwks_uri": 5},
    "no such path": {"jwks_uri": "http://127.0.0.1:1/"},
}


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG.keys())
async def test_a_discovery_document_that_is_not_believed(documents, issuer, wrong):
    issuer.metadata.update(wrong)
    with pytest.raises(IssuerUnavailable):
        await documents.current()


RAW = {
    "too large": b"HTTP/1.1 200 x\r\nContent-Length: %d\r\n\r\n" % (BODY_LIMIT + 1) + b" " * (BODY_LIMIT + 1),
    "no JSON": b"HTTP/1.1 200 x\r\nContent-Length: 4\r\n\r\n<xml",
    "no object": b"HTTP/1.1 200 x\r\nContent-Length: 2\r\n\r\n[]",
    "deep": b"HTTP/1.1 200 x\r\nContent-Length: 99999\r\n\r\n" + b"[" * 99999,
    "a redirect": b"HTTP/1.1 302 x\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n",
    "no HTTP": b"hello\r\n\r\n",
}


@pytest.mark.parametrize("raw", RAW.values(), ids=RAW.keys())
async def test_an_answer_that_is_none(documents, issuer, raw):
    issuer.raw["/jwks"] = raw
    with pytest.raises(IssuerUnavailable):
        await documents.current()
    assert issuer.requests["/elsewhere"] == 0


async def test_oauth_metadata_serves_where_there_is_no_openid_connect(issuer, issuer_settings):
    """RFC 8414 section 3.1: the well-known part stands between host and path."""
    settings = issuer_settings(issuer=f"{issuer.issuer}/tenant")
    issuer.metadata["issuer"] = settings.issuer
    body = json.dumps(issuer.metadata).encode()
    head = b"HTTP/1.1 200 x\r\nContent-Length: %d\r\n\r\n" % len(body)
    issuer.raw["/.well-known/oauth-authorization-server/tenant"] = head + body
    client = OutboundClient(2.0)
    documents = IssuerDocuments(settings, client)
    assert (await documents.current()).keys
    assert issuer.requests["/tenant/.well-known/openid-configuration"] == 1
    await documents.close()
    await client.close()


def test_the_discovery_document_is_appended_to_the_issuer():
    assert openid_configuration("https://id.example/") == "https://id.example" + DISCOVERY
    assert (
        openid_configuration("https://id.example/realms/mail") == "https://id.example/realms/mail" + DISCOVERY
    )

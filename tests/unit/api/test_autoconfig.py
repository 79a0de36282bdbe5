"""What mail programs find out by themselves, asked as they ask it."""

from __future__ import annotations

import plistlib
from collections.abc import AsyncIterator
from dataclasses import replace
from xml.etree import ElementTree

import pytest
from tests.support.api_host import ApiHost, running_api

from mailkeep.settings import (
    ImapSettings,
    IssuerSettings,
    Pop3Settings,
    Settings,
    SmtpSettings,
    StoreSettings,
)
from mailkeep.storage.interface import Store

HOST = "mail.example.test"
ISSUER = "https://id.example.test"
OUTLOOK = "{http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a}"
ASKED = (
    '<?xml version="1.0"?><Autodiscover><Request><EMailAddress>{}</EMailAddress>'
    "<AcceptableResponseSchema>x</AcceptableResponseSchema></Request></Autodiscover>"
)


def everywhere(settings: Settings) -> Settings:
    """Every listener, and a name that the outside knows. None of the mail listeners is opened."""
    return replace(
        settings,
        smtp=SmtpSettings(HOST, submission=("[::]:587",), submissions=("[::]:465",)),
        imap=ImapSettings(plain=("[::]:143",), tls=("[::]:993",)),
        pop3=Pop3Settings(tls=("[::]:995",)),
        auth=replace(settings.auth, issuers=(IssuerSettings(ISSUER),)),
    )


@pytest.fixture
async def served(store: Store, store_settings: StoreSettings) -> AsyncIterator[ApiHost]:
    async with running_api(store, store_settings, changed=everywhere) as host:
        yield host


@pytest.mark.parametrize("path", ["/.well-known/autoconfig/mail/config-v1.1.xml", "/mail/config-v1.1.xml"])
async def test_thunderbird_finds_every_listener_the_safest_first(served: ApiHost, path: str) -> None:
    async with served.client() as client:
        answer = await client.get(path, params={"emailaddress": "ann@Example.test"})
        by_host = await client.get(path, headers={"Host": "autoconfig.example.test"})
    assert answer.headers["content-type"].startswith("application/xml")
    provider = ElementTree.fromstring(answer.content).find("emailProvider")
    assert provider is not None
    assert provider.findtext("domain") == "example.test"
    found = [
        (server.get("type"), server.findtext("port"), server.findtext("socketType"))
        for server in provider
        if server.tag.endswith("Server")
    ]
    assert found == [
        ("imap", "993", "SSL"),
        ("imap", "143", "STARTTLS"),
        ("pop3", "995", "SSL"),
        ("smtp", "465", "SSL"),
        ("smtp", "587", "STARTTLS"),
    ]
    assert {server.findtext("hostname") for server in provider.iter("incomingServer")} == {HOST}
    assert provider.findtext("incomingServer/username") == "%EMAILADDRESS%"
    assert by_host.content == answer.content


@pytest.mark.parametrize("path", ["/autodiscover/autodiscover.xml", "/Autodiscover/Autodiscover.xml"])
async def test_outlook_finds_one_of_each(served: ApiHost, path: str) -> None:
    async with served.client() as client:
        answer = await client.post(path, content=ASKED.format("ann&amp;co@example.test"))
    assert answer.status_code == 200
    protocols = list(ElementTree.fromstring(answer.content).iter(f"{OUTLOOK}Protocol"))
    found = [
        tuple(one.findtext(f"{OUTLOOK}{name}") for name in ("Type", "Server", "Port", "Encryption"))
        for one in protocols
    ]
    assert found == [
        ("IMAP", HOST, "993", "SSL"),
        ("POP3", HOST, "995", "SSL"),
        ("SMTP", HOST, "465", "SSL"),
    ]
    assert protocols[0].findtext(f"{OUTLOOK}LoginName") == "ann&co@example.test"


@pytest.mark.parametrize(
    "body",
    [
        "",
        "<x",
        ASKED.format("ann@elsewhere.test"),
        ASKED.format("nobody"),
        '<!DOCTYPE x [<!ENTITY y SYSTEM "file:///etc/passwd">]>' + ASKED.format("&y;@example.test"),
        " " * 20_000 + ASKED.format("ann@example.test"),
    ],
)
async def test_outlook_hears_of_what_is_not_here(served: ApiHost, body: str) -> None:
    async with served.client() as client:
        answer = await client.post("/autodiscover/autodiscover.xml", content=body)
    assert (answer.status_code, b"<ErrorCode>500</ErrorCode>" in answer.content) == (200, True)
    assert b"root:" not in answer.content


async def test_version_2_leads_to_version_1(served: ApiHost) -> None:
    async with served.client() as client:
        path = "/autodiscover/autodiscover.json"
        wanted = {"Protocol": "AutodiscoverV1"}
        for asked, params in (
            (f"{path}/v1.0/ann@example.test", wanted),
            (path, {**wanted, "Email": "ann@example.test"}),
        ):
            told = (await client.get(asked, params=params)).json()
            assert told["Url"] == f"{served.url}/autodiscover/autodiscover.xml"
        other = await client.get(f"{path}/v1.0/ann@example.test", params={"Protocol": "EWS"})
        assert (other.status_code, other.json()["ErrorCode"]) == (400, "InvalidProtocol")


async def test_a_device_gets_a_profile_without_a_key(served: ApiHost) -> None:
    async with served.client() as client:
        answer = await client.get("/mail/apple.mobileconfig", params={"emailaddress": "ann@example.test"})
        again = await client.get("/mail/apple.mobileconfig", params={"emailaddress": "ann@example.test"})
    assert answer.headers["content-type"] == "application/x-apple-aspen-config"
    assert "ann@example.test.mobileconfig" in answer.headers["content-disposition"]
    profile = plistlib.loads(answer.content)
    (account,) = profile["PayloadContent"]
    assert (account["EmailAddress"], account["EmailAccountType"]) == ("ann@example.test", "EmailTypeIMAP")
    assert (account["IncomingMailServerHostName"], account["IncomingMailServerPortNumber"]) == (HOST, 993)
    assert (account["OutgoingMailServerPortNumber"], account["OutgoingMailServerUseSSL"]) == (465, True)
    assert "IncomingPassword" not in account
    assert again.content == answer.content


async def test_the_sts_policy_is_its_domains(served: ApiHost) -> None:
    async with served.client() as client:
        answer = await client.get("/.well-known/mta-sts.txt", headers={"Host": "mta-sts.example.test"})
        assert answer.headers["content-type"].startswith("text/plain")
        assert answer.text.splitlines() == [
            "version: STSv1",
            "mode: testing",
            f"mx: {HOST}",
            "max_age: 604800",
        ]
        for host in ("mta-sts.elsewhere.test", "example.test"):
            refused = await client.get("/.well-known/mta-sts.txt", headers={"Host": host})
            assert refused.status_code == 404


async def test_the_resource_names_who_issues_its_tokens(served: ApiHost) -> None:
    async with served.client() as client:
        told = (await client.get("/.well-known/oauth-protected-resource")).json()
    assert (told["resource"], told["authorization_servers"]) == (served.url, [ISSUER])
    assert "app" in told["scopes_supported"]


@pytest.mark.parametrize(
    "path",
    [
        "/mail/config-v1.1.xml?emailaddress=ann@elsewhere.test",
        "/mail/config-v1.1.xml?emailaddress=@",
        "/autodiscover/autodiscover.json/v1.0/ann@elsewhere.test?Protocol=AutodiscoverV1",
        "/mail/apple.mobileconfig?emailaddress=ann@elsewhere.test",
    ],
)
async def test_another_domain_is_not_here(served: ApiHost, path: str) -> None:
    async with served.client() as client:
        assert (await client.get(path)).status_code == 404

"""TLS towards other domains' servers: opportunistic, demanded, by DANE, by MTA-STS, by REQUIRETLS.

Certificates are real and checked by OpenSSL over real sockets. One database is enough here: what differs
between them is in the other tests.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from tests.support.mail_server import OFFERS, Names, Sink, sink
from tests.unit.delivery.remote.conftest import Authority
from trustme import Blob

from mailkeep.delivery.remote.credentials import FileCredentials
from mailkeep.delivery.remote.opening import Opener
from mailkeep.delivery.remote.outcome import NotSent
from mailkeep.delivery.remote.routing import Demand, Router, Server, with_demand
from mailkeep.delivery.remote.session import Session
from mailkeep.delivery.remote.sts import HttpsFetch, Policies
from mailkeep.model.dns import TlsAssociation
from mailkeep.settings_relay import RelaySettings

HOST = "mx.far.test"
HERE = "mx.example.test"


def names(**more: Any) -> Names:
    return Names(mx_of={"far.test": [(10, HOST)]}, a_of={HOST: ["127.0.0.1"]}, **more)


async def opened(
    far: Sink, zone: Names | None = None, policies: Policies | None = None, **settings: Any
) -> Session:
    """A session with far.test's server. Raises NotSent."""
    made = RelaySettings(**{"port": far.port, "loopback": True, "command_timeout_seconds": 10.0, **settings})
    router = Router(made, zone or names(), HERE, policies)
    session = await Opener(made, router, HERE).open(await router.route("far.test"))
    await session.quit()
    return session


async def refused(far: Sink, *args: Any, **settings: Any) -> str:
    """The status with which no session could be had."""
    with pytest.raises(NotSent) as caught:
        await opened(far, *args, **settings)
    return caught.value.result.attempt.status


# --- opportunistic (RFC 7435) ---------------------------------------------------------------------


async def test_tls_is_used_with_any_certificate(unknown: Authority) -> None:
    async with sink(tls=unknown.server("whatever.test")) as far:
        session = await opened(far)
    assert session.wire.ssl_object is not None
    assert not session.secured
    assert [line for line in far.commands if line.startswith("EHLO")] == [f"EHLO {HERE}"] * 2


async def test_a_server_without_tls_gets_mail_all_the_same() -> None:
    async with sink() as far:
        assert (await opened(far)).wire.ssl_object is None


async def test_a_failed_handshake_is_followed_by_a_connection_without() -> None:
    async with sink(tls=_broken()) as far:
        assert (await opened(far)).wire.ssl_object is None
    assert far.connections == 2


def _broken() -> ssl.SSLContext:
    """A server without a certificate: no handshake succeeds."""
    return ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)


async def test_a_refused_starttls_is_no_reason_either(unknown: Authority) -> None:
    async with sink(tls=unknown.server(HOST), answer=_refuse_starttls) as far:
        assert (await opened(far)).wire.ssl_object is None


def _refuse_starttls(line: str) -> str | None:
    return "454 4.7.0 not now" if line == "STARTTLS" else None


async def test_octets_before_the_handshake_end_it(unknown: Authority) -> None:
    """Whoever is on the line could have put a reply there that would count after the handshake."""

    def answer(line: str) -> str | None:
        return "220 2.0.0 go\r\n250 injected" if line == "STARTTLS" else None

    async with sink(tls=unknown.server(HOST), answer=answer) as far:
        assert await refused(far) == "4.7.0"


# --- demanded -------------------------------------------------------------------------------------


async def test_encryption_is_demanded(unknown: Authority) -> None:
    async with sink() as far:
        assert await refused(far, tls="encrypt") == "4.7.4"
        far.tls = unknown.server("whatever.test")
        assert (await opened(far, tls="encrypt")).wire.ssl_object is not None
        far.answer = _refuse_starttls
        assert await refused(far, tls="encrypt") == "4.7.4"


async def test_a_certificate_is_demanded(trusted: Authority, unknown: Authority) -> None:
    demand = {"tls_policies": ("far.test=verify",), "ca_file": trusted.ca_file}
    async with sink(tls=trusted.server(HOST)) as far:
        assert (await opened(far, **demand)).secured
        far.tls = trusted.server("other.test")
        assert await refused(far, **demand) == "4.7.5"
        far.tls = unknown.server(HOST)
        assert await refused(far, **demand) == "4.7.5"
        assert (
            await opened(far, tls_policies=("other.test=verify",), ca_file=trusted.ca_file)
        ).wire.ssl_object
        assert [line for line in far.commands if line.startswith("MAIL")] == []


async def test_tls_may_be_switched_off_for_a_domain(unknown: Authority) -> None:
    async with sink(tls=unknown.server(HOST)) as far:
        assert (await opened(far, tls_policies=("far.test=none",))).wire.ssl_object is None


# --- DANE (RFC 7672) ------------------------------------------------------------------------------


def leaf_of(context: ssl.SSLContext) -> x509.Certificate:
    """The certificate that a server's context shows."""
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.check_hostname, client.verify_mode = False, ssl.CERT_NONE
    here, there = ssl.MemoryBIO(), ssl.MemoryBIO()
    one = client.wrap_bio(here, there)
    other = context.wrap_bio(there, here, server_side=True)
    for side in (one, other, one, other, one, other):
        try:
            side.do_handshake()
        except ssl.SSLWantReadError:
            continue
    shown = one.getpeercert(binary_form=True)
    assert shown is not None
    return x509.load_der_x509_certificate(shown)


def key_of(certificate: x509.Certificate) -> bytes:
    return certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def dane_names(port: int, *records: TlsAssociation, authentic: bool = True) -> Names:
    return names(tlsa_of={f"_{port}._tcp.{HOST}": list(records)}, authentic=authentic)


async def test_dane_ee_names_the_key_and_nothing_else_counts(unknown: Authority) -> None:
    """Neither the name in the certificate nor who issued it (section 3.1.1)."""
    context = unknown.server("whatever.test")
    leaf = leaf_of(context)
    der = leaf.public_bytes(Encoding.DER)
    right = [
        TlsAssociation(3, 1, 1, hashlib.sha256(key_of(leaf)).digest()),
        TlsAssociation(3, 1, 2, hashlib.sha512(key_of(leaf)).digest()),
        TlsAssociation(3, 0, 1, hashlib.sha256(der).digest()),
        TlsAssociation(3, 0, 0, der),
    ]
    wrong = TlsAssociation(3, 1, 1, bytes(32))
    async with sink(tls=context) as far:
        for record in right:
            assert (await opened(far, dane_names(far.port, wrong, record))).secured
        assert await refused(far, dane_names(far.port, wrong)) == "4.7.5"
        assert [line for line in far.commands if line.startswith("MAIL")] == []


async def test_dane_ta_names_an_authority_and_the_name_counts(trusted: Authority) -> None:
    ca = trustme_certificate(trusted)
    record = TlsAssociation(2, 1, 1, hashlib.sha256(key_of(ca)).digest())
    async with sink(tls=with_chain(trusted, HOST)) as far:
        assert (await opened(far, dane_names(far.port, record))).secured
        far.tls = with_chain(trusted, "other.test")
        assert await refused(far, dane_names(far.port, record)) == "4.7.5"


def trustme_certificate(authority: Authority) -> x509.Certificate:
    return x509.load_pem_x509_certificate(authority.ca.cert_pem.bytes())


def with_chain(authority: Authority, name: str) -> ssl.SSLContext:
    """A server that sends its authority's certificate, too, as DANE-TA needs it (section 3.1.2)."""
    issued = authority.ca.issue_cert(name)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    chain = b"".join(blob.bytes() for blob in issued.cert_chain_pems) + authority.ca.cert_pem.bytes()
    with issued.private_key_pem.tempfile() as key, Blob(chain).tempfile() as path:
        context.load_cert_chain(path, key)
    return context


async def test_dane_is_never_opportunistic(unknown: Authority) -> None:
    record = TlsAssociation(3, 1, 1, bytes(32))
    async with sink() as far:
        assert await refused(far, dane_names(far.port, record)) == "4.7.4"


async def test_records_that_nobody_can_use_demand_tls(unknown: Authority) -> None:
    """Section 2.2: usages of the web's authorities are unusable, and still say that there is TLS."""
    record = TlsAssociation(1, 1, 1, bytes(32))
    async with sink() as far:
        assert await refused(far, dane_names(far.port, record)) == "4.7.4"
        far.tls = unknown.server("whatever.test")
        session = await opened(far, dane_names(far.port, record))
    assert session.wire.ssl_object is not None
    assert not session.secured


async def test_what_dnssec_does_not_vouch_for_is_not_dane(unknown: Authority) -> None:
    record = TlsAssociation(3, 1, 1, bytes(32))
    async with sink(tls=unknown.server(HOST)) as far:
        assert not (await opened(far, dane_names(far.port, record, authentic=False))).secured
        assert not (await opened(far, dane_names(far.port, record), dane=False)).secured


async def test_tlsa_records_that_cannot_be_had_are_not_passed_over(unknown: Authority) -> None:
    """Section 2.1.2: somebody may be hiding them."""
    async with sink(tls=unknown.server(HOST)) as far:
        zone = names(authentic=True, dead={f"_{far.port}._tcp.{HOST}"})
        assert await refused(far, zone) == "4.4.3"


# --- MTA-STS (RFC 8461) ---------------------------------------------------------------------------

ANNOUNCED = {"_mta-sts.far.test": [b"v=STSv1; id=1;"]}


def policy(mode: str = "enforce", mx: str = HOST, age: int = 600) -> str:
    return f"version: STSv1\nmode: {mode}\nmx: {mx}\nmax_age: {age}\n"


class Published:
    """What the policy host serves; `fetches` counts."""

    def __init__(self, text: str | None) -> None:
        self.text = text
        self.fetches = 0

    async def __call__(self, domain: str) -> str | None:
        self.fetches += 1
        return self.text


def policies(text: str | None, zone: Names) -> tuple[Policies, Published]:
    published = Published(text)
    return Policies(zone, published), published


async def test_an_enforced_policy_demands_a_certificate(trusted: Authority, unknown: Authority) -> None:
    zone = names(txt_of=ANNOUNCED)
    sts, published = policies(policy(), zone)
    async with sink(tls=trusted.server(HOST)) as far:
        assert (await opened(far, zone, sts, ca_file=trusted.ca_file)).secured
        far.tls = unknown.server(HOST)
        assert await refused(far, zone, sts, ca_file=trusted.ca_file) == "4.7.5"
        far.tls = None
        assert await refused(far, zone, sts, ca_file=trusted.ca_file) == "4.7.4"
        assert (await opened(far, zone, sts, mta_sts=False)).wire.ssl_object is None
    assert published.fetches == 1


async def test_a_server_outside_of_the_policy_gets_nothing(trusted: Authority) -> None:
    zone = names(txt_of=ANNOUNCED)
    sts, _ = policies(policy(mx="*.other.test"), zone)
    async with sink(tls=trusted.server(HOST)) as far:
        assert await refused(far, zone, sts, ca_file=trusted.ca_file) == "4.7.5"
        assert far.connections == 0


@pytest.mark.parametrize("text", [policy("testing", "*.other.test"), policy("none"), None, "no policy"])
async def test_what_is_not_enforced_holds_nothing_up(text: str | None) -> None:
    zone = names(txt_of=ANNOUNCED)
    sts, _ = policies(text, zone)
    async with sink() as far:
        await opened(far, zone, sts)


async def test_a_policy_is_kept_while_it_counts() -> None:
    zone = names(txt_of=dict(ANNOUNCED))
    sts, published = policies(policy(), zone)
    first = await sts.of("far.test")
    assert first is not None
    published.text = None
    zone.txt_of["_mta-sts.far.test"] = [b"v=STSv1; id=2;"]  # a new one that cannot be fetched
    assert await sts.of("far.test") == first
    assert await sts.of("far.test") == first
    assert published.fetches == 2  # and not tried again at once
    zone.dead.add("_mta-sts.far.test")
    assert await sts.of("far.test") == first


async def test_a_policy_ends_with_its_age() -> None:
    zone = names(txt_of=dict(ANNOUNCED))
    sts, published = policies(policy(age=0), zone)
    assert await sts.of("far.test") is not None
    zone.txt_of.clear()
    assert await sts.of("far.test") is None
    assert published.fetches == 1


@asynccontextmanager
async def policy_host(context: ssl.SSLContext, answer: bytes) -> AsyncIterator[int]:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked = await reader.readuntil(b"\r\n\r\n")
        assert asked.startswith(b"GET /.well-known/mta-sts.txt HTTP/1.1\r\n")
        assert b"host: mta-sts.far.test\r\n" in asked.lower()
        writer.write(answer)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    yield server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()


def http(status: str, body: bytes, kind: str = "text/plain") -> bytes:
    return f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


@pytest.mark.parametrize(
    ("certificate", "answer", "text"),
    [
        ("mta-sts.far.test", http("200 OK", b"version: STSv1"), "version: STSv1"),
        ("mta-sts.far.test", http("200 OK", b"version: STSv1", "Text/PLAIN;charset=utf-8"), "version: STSv1"),
        ("far.test", http("200 OK", b"version: STSv1"), None),
        ("mta-sts.far.test", http("301 Moved\r\nLocation: https://x.test/", b""), None),
        ("mta-sts.far.test", http("404 Not Found", b"version: STSv1"), None),
        ("mta-sts.far.test", http("200 OK", b"<html>", "text/html"), None),
        ("mta-sts.far.test", http("200 OK", b"x" * 70_000), None),
        ("mta-sts.far.test", b"nonsense\r\n\r\n", None),
    ],
)
async def test_policies_come_over_https(
    trusted: Authority, certificate: str, answer: bytes, text: str | None
) -> None:
    zone = Names(a_of={"mta-sts.far.test": ["127.0.0.1"]})
    async with policy_host(trusted.server(certificate), answer) as port:
        fetch = HttpsFetch(zone, trusted.ca_file, list, port)
        assert await fetch("far.test") == text
        assert await fetch("elsewhere.test") is None
        assert await HttpsFetch(zone, trusted.ca_file, lambda _: [], port)("far.test") is None


async def test_a_policy_host_that_is_down_in_one_place_is_asked_in_the_next(trusted: Authority) -> None:
    zone = Names(a_of={"mta-sts.far.test": ["127.0.0.2", "127.0.0.1"]})
    async with policy_host(trusted.server("mta-sts.far.test"), http("200 OK", b"version: STSv1")) as port:
        assert await HttpsFetch(zone, trusted.ca_file, list, port)("far.test") == "version: STSv1"


# --- smarthost ------------------------------------------------------------------------------------


def smarthost(far: Sink, path: Path, **more: Any) -> dict[str, Any]:
    path.write_text(" s3cret \n")
    return {
        "route": "smarthost",
        "smarthost": f"localhost:{far.port}",
        "smarthost_user": "us@example.test",
        **({} if "smarthost_token_file" in more else {"smarthost_secret_file": str(path)}),
        **more,
    }


@pytest.mark.parametrize(
    ("offered", "token", "said"),
    [
        ("AUTH LOGIN PLAIN", False, b"\0us@example.test\0s3cret"),
        ("AUTH PLAIN XOAUTH2", True, b"user=us@example.test\x01auth=Bearer s3cret\x01\x01"),
        ("AUTH OAUTHBEARER", True, b"n,a=us@example.test,\x01auth=Bearer s3cret\x01\x01"),
    ],
)
async def test_a_smarthost_is_logged_in_to(
    trusted: Authority, tmp_path: Path, offered: str, token: bool, said: bytes
) -> None:
    file = tmp_path / "secret"
    async with sink(offers=[*OFFERS, offered], tls=trusted.server("localhost")) as far:
        more = {"smarthost_token_file": str(file)} if token else {}
        session = await opened(far, None, None, **smarthost(far, file, **more), ca_file=trusted.ca_file)
    assert session.secured
    (auth,) = [line for line in far.commands if line.startswith("AUTH")]
    assert base64.b64decode(auth.split(" ")[2]) == said


async def test_a_smarthost_hears_no_secret_before_it_has_proven_itself(
    trusted: Authority, unknown: Authority, tmp_path: Path
) -> None:
    settings = {"ca_file": trusted.ca_file}
    async with sink(offers=[*OFFERS, "AUTH PLAIN"]) as far:
        given = smarthost(far, tmp_path / "secret", **settings)
        assert await refused(far, **given) == "4.7.4"
        for context in (unknown.server("localhost"), trusted.server("other.test")):
            far.tls = context
            assert await refused(far, **given) == "4.7.5"
        assert [line for line in far.commands if line.startswith("AUTH")] == []


async def test_a_refused_login_keeps_mail(trusted: Authority, tmp_path: Path) -> None:
    def answer(line: str) -> str | None:
        return "535 5.7.8 no" if line.startswith("AUTH") else None

    offers = [*OFFERS, "AUTH PLAIN"]
    async with sink(offers=offers, tls=trusted.server("localhost"), answer=answer) as far:
        given = smarthost(far, tmp_path / "secret", ca_file=trusted.ca_file)
        assert await refused(far, **given) == "4.7.8"


async def test_a_secret_that_is_not_there_keeps_mail(tmp_path: Path) -> None:
    with pytest.raises(NotSent, match="cannot be read"):
        await FileCredentials("us", str(tmp_path / "none"), "").response(frozenset({"PLAIN"}), "host")
    with pytest.raises(NotSent, match="does not offer"):
        await FileCredentials("us", str(tmp_path / "none"), "").response(frozenset({"LOGIN"}), "host")


# --- who is trusted with REQUIRETLS (RFC 8689) ----------------------------------------------------


async def test_servers_are_sure_by_dnssec_or_an_enforced_policy() -> None:
    made = RelaySettings(port=25, loopback=True)

    async def trusted_route(zone: Names, text: str | None = None) -> bool:
        sts, _ = policies(text, zone)
        return (await Router(made, zone, HERE, sts).route("far.test")).trusted

    assert not await trusted_route(names())
    assert await trusted_route(names(authentic=True))
    assert await trusted_route(names(txt_of=ANNOUNCED), policy())
    assert not await trusted_route(names(txt_of=ANNOUNCED), policy("testing"))


def test_a_stricter_demand_stays() -> None:
    server = Server("a", 25, Demand.DANE)
    assert with_demand(server, Demand.VERIFY).demand is Demand.DANE
    assert with_demand(Server("a", 25), Demand.VERIFY).demand is Demand.VERIFY

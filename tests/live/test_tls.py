"""TLS on the wire: which versions and ciphers each listener takes under either profile, whose certificate it
shows to whom, and what a reload changes.

A handshake touches no database, so one suffices here: the two sets of hosts differ in their profile instead.
"""

from __future__ import annotations

import json
import os
import signal
import ssl
import subprocess
import time
from collections.abc import Iterator

import pytest
from tests.support.hosts import MailkeepUp
from tests.support.programs import program
from tests.support.tls_wire import IMPLICIT, LISTENERS, Certified, secured, trusting_nobody

from mailkeep.net.tls import TLS_1_2_CIPHERS

V = ssl.TLSVersion
ONE, TWO = "mail.one.test", "imap.two.test"
CIPHERS = TLS_1_2_CIPHERS.split(":")
SMTP = ("mx", "submission", "submissions")
EVERY = pytest.mark.parametrize("listener", LISTENERS)


class Hosts:
    """All hosts under one profile, with certificates for two domains beside the default's."""

    def __init__(self, up: MailkeepUp, one: Certified, two: Certified) -> None:
        self.up = up
        self.by_name = {ONE: one, TWO: two}

    def agreed(self, listener: str, context: ssl.SSLContext, name: str | None = None) -> tuple[str, str]:
        """Version and cipher of a handshake. Raises ssl.SSLError."""
        with secured(self.up.place(listener), listener, context, name) as wrapped:
            cipher = wrapped.cipher()
            assert cipher is not None
            return str(wrapped.version()), cipher[0]

    def served(self, listener: str, name: str | None, context: ssl.SSLContext | None = None) -> bytes:
        """The certificate that a client gets that asks for this name."""
        client = context or trusting_nobody(V.TLSv1_2, V.TLSv1_3)
        with secured(self.up.place(listener), listener, client, name) as wrapped:
            return wrapped.getpeercert(binary_form=True) or b""


def hosts(factory: pytest.TempPathFactory, profile: str) -> Iterator[Hosts]:
    directory = factory.mktemp(profile)
    one = Certified(directory / "one", ONE, rsa=True)
    two = Certified(directory / "two", f"*.{TWO.partition('.')[2]}")
    further = [{"certificate": str(made.certificate), "key": str(made.key)} for made in (one, two)]
    environ = {"MAILKEEP_TLS_PROFILE": profile, "MAILKEEP_TLS_CERTIFICATES": json.dumps(further)}
    with MailkeepUp(directory / "up", options=("--no-demo",), environ=environ) as up:
        yield Hosts(up, one, two)


@pytest.fixture(scope="module")
def intermediate(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hosts]:
    yield from hosts(tmp_path_factory, "intermediate")


@pytest.fixture(scope="module")
def modern(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hosts]:
    yield from hosts(tmp_path_factory, "modern")


# --- versions -------------------------------------------------------------------------------------


def refusal(listener: str, alert: str) -> str:
    """What a refused client hears. Twisted sends the alert; asyncio's TLS, uvloop's here, throws it away and
    closes the line, which RFC 8446 section 6.2 leaves it free to do."""
    return "UNEXPECTED_EOF|ECONNRESET" if listener in SMTP else alert


@EVERY
def test_intermediate_takes_tls_1_2_and_1_3_and_nothing_older(intermediate: Hosts, listener: str) -> None:
    """RFC 8996."""
    for version, name in ((V.TLSv1_2, "TLSv1.2"), (V.TLSv1_3, "TLSv1.3")):
        assert intermediate.agreed(listener, trusting_nobody(version, version))[0] == name
    for version in (V.TLSv1, V.TLSv1_1):
        with pytest.raises(ssl.SSLError, match=refusal(listener, "ALERT_PROTOCOL_VERSION")):
            intermediate.agreed(listener, trusting_nobody(version, version))


@EVERY
def test_modern_takes_tls_1_3_and_nothing_older(modern: Hosts, listener: str) -> None:
    assert modern.agreed(listener, trusting_nobody(V.TLSv1, V.TLSv1_3))[0] == "TLSv1.3"
    for version in (V.TLSv1, V.TLSv1_1, V.TLSv1_2):
        with pytest.raises(ssl.SSLError, match=refusal(listener, "ALERT_PROTOCOL_VERSION")):
            modern.agreed(listener, trusting_nobody(version, version))


# --- ciphers of TLS 1.2 ---------------------------------------------------------------------------


@EVERY
def test_each_cipher_of_the_profile_is_taken_alone(intermediate: Hosts, listener: str) -> None:
    """The client has no other, and asks for the name whose certificate has the kind of key that it needs."""
    for cipher in CIPHERS:
        name = ONE if "-RSA-" in cipher else TWO
        client = trusting_nobody(V.TLSv1_2, V.TLSv1_2, cipher)
        assert intermediate.agreed(listener, client, name) == ("TLSv1.2", cipher)


@EVERY
def test_all_other_ciphers_are_refused_together(intermediate: Hosts, listener: str) -> None:
    """CBC, no forward secrecy, no encryption, anonymous: a client that offers all of these gets none."""
    known = {cipher["name"] for cipher in trusting_nobody(V.TLSv1_2, V.TLSv1_2).get_ciphers()}
    others = {cipher for cipher in known if cipher not in CIPHERS and not cipher.startswith("TLS_")}
    assert {"ECDHE-RSA-AES128-SHA", "ECDHE-ECDSA-AES128-SHA", "AES128-GCM-SHA256", "ADH-AES256-SHA"} <= others
    client = trusting_nobody(V.TLSv1_2, V.TLSv1_2, ":".join(sorted(others)))
    for name in (ONE, TWO):
        with pytest.raises(ssl.SSLError, match=refusal(listener, "ALERT_HANDSHAKE_FAILURE")):
            intermediate.agreed(listener, client, name)


@pytest.mark.parametrize("listener", IMPLICIT)
def test_renegotiation_is_refused(intermediate: Hosts, listener: str) -> None:
    host, port = intermediate.up.place(listener)
    command = [program("openssl"), "s_client", "-connect", f"{host}:{port}", "-tls1_2"]
    ran = subprocess.run(command, input=b"R\n", capture_output=True, timeout=60, check=False)
    assert b"RENEGOTIATING" in ran.stdout + ran.stderr
    assert b"no renegotiation" in ran.stdout + ran.stderr


# --- several domains ------------------------------------------------------------------------------


@EVERY
def test_each_domain_s_clients_see_a_chain_that_they_trust(
    intermediate: Hosts, modern: Hosts, listener: str
) -> None:
    for running in (intermediate, modern):
        for name, made in running.by_name.items():
            assert running.served(listener, name, made.client()) == made.octets


@EVERY
def test_everybody_else_sees_the_first_certificate(intermediate: Hosts, listener: str) -> None:
    default = intermediate.served(listener, "localhost", intermediate.up.tls)  # chain and name hold
    assert default not in {made.octets for made in intermediate.by_name.values()}
    for name in (None, "elsewhere.test", f"deep.{TWO}"):
        assert intermediate.served(listener, name) == default


def test_a_domain_s_new_certificate_is_served_after_a_reload_and_sessions_stay(modern: Hosts) -> None:
    up, one, two = modern.up, modern.by_name[ONE], modern.by_name[TWO]
    with secured(up.place("imaps"), "imaps", one.client(), ONE) as session:
        session.recv(4096)
        one.renew()
        for host in ("smtp", "pop3", "imap"):
            for pid in up.pids(host):
                os.kill(pid, signal.SIGHUP)
        for listener in LISTENERS:
            deadline = time.monotonic() + 30
            while modern.served(listener, ONE, one.client()) != one.octets:
                assert time.monotonic() < deadline, up.log[-2000:]
                time.sleep(0.02)
            assert modern.served(listener, TWO, two.client()) == two.octets
        session.sendall(b"a NOOP\r\n")
        assert session.recv(4096).startswith(b"a OK")

"""One key, four hosts: what opens what, what revoking it ends, and what the audit log says afterwards."""

from __future__ import annotations

import base64
import imaplib
import json
import poplib
import smtplib
import socket
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, closing, suppress
from datetime import UTC, datetime
from operator import itemgetter

import pytest
from tests.live.conftest import _database
from tests.support import clients
from tests.support.hosts import MailkeepUp, Person

from mailkeep.auth import apikeys
from mailkeep.model.scope import Scope

SECONDS = 60.0


def enter_imap(up: MailkeepUp, person: Person) -> None:
    with clients.imap(up, person):
        pass


def enter_pop3(up: MailkeepUp, person: Person) -> None:
    with clients.pop3(up, person):
        pass


def enter_smtp(up: MailkeepUp, person: Person) -> None:
    with clients.submission(up, person):
        pass


def enter_api(up: MailkeepUp, person: Person, scheme: str = "ApiKey") -> None:
    with _ask(up, "/api/emails", f"{scheme} {person.api_key}"):
        pass


DOORS = {
    Scope.IMAP: (enter_imap, imaplib.IMAP4.error),
    Scope.POP3: (enter_pop3, poplib.error_proto),
    Scope.SMTP: (enter_smtp, smtplib.SMTPAuthenticationError),
    Scope.API_READ: (enter_api, urllib.error.HTTPError),
}


@pytest.fixture(scope="module")
def one_day_of_last_use(backend, request, tmp_path_factory):
    """Hosts that write times of last use once a day."""
    environ = {"MAILKEEP_AUTH_LAST_USED_FLUSH_SECONDS": "86400"}
    with MailkeepUp(tmp_path_factory.mktemp("a-day"), _database(backend, request), environ=environ) as up:
        yield up


def _ask(up: MailkeepUp, path: str, authorization: str):
    request = urllib.request.Request(up.api_url + path, headers={"Authorization": authorization})
    return urllib.request.urlopen(request, timeout=SECONDS)


def _key_id(up: MailkeepUp, person: Person) -> str:
    [key] = up.cli("keys", "list", person.address)
    return str(key["id"])


def _audit(up: MailkeepUp, person: Person, count: int) -> list[dict[str, str]]:
    """At least `count` rows of a person's, oldest first. Each host writes its own within a second, so they
    need not have been written in that order."""
    deadline = time.monotonic() + SECONDS
    while len(rows := up.cli("audit", "--user", person.address)) < count:
        assert time.monotonic() < deadline, rows
    return sorted(rows, key=itemgetter("at"))


@pytest.mark.parametrize("scope", DOORS)
def test_a_key_opens_its_own_host_and_no_other(mailkeep, scope):
    person = mailkeep.add_person("", "example.test", scope)
    for other, (enter, refusal) in DOORS.items():
        if other is scope:
            enter(mailkeep, person)
        else:
            with pytest.raises(refusal):
                enter(mailkeep, person)
    attempts = len(DOORS) if scope is Scope.SMTP else len(DOORS) + 1  # smtplib tries PLAIN, then LOGIN
    rows = _audit(mailkeep, person, attempts)
    hosts = {str(row["host"]): (row["outcome"], row["reason"]) for row in rows}
    own = "api" if scope is Scope.API_READ else scope.value
    assert set(hosts) == {"imap", "pop3", "smtp", "api"}
    assert hosts.pop(own) == ("success", "")
    assert set(hosts.values()) == {("failure", "scope")}


def test_the_api_takes_a_key_by_either_scheme(mailkeep, person):
    enter_api(mailkeep, person, "ApiKey")
    enter_api(mailkeep, person, "Bearer")


def test_revoking_a_key_ends_its_sessions_on_every_host(mailkeep, person):
    key_id = _key_id(mailkeep, person)
    with ExitStack() as stack:
        sockets = _open_sessions(mailkeep, person, stack)
        mailkeep.cli("keys", "revoke", key_id)
        revoked = time.monotonic()
        for name, wire in sockets.items():
            _read_to_the_end(wire)
            assert time.monotonic() - revoked < 30, name  # milliseconds when nothing else runs
    for enter, refusal in DOORS.values():
        with pytest.raises(refusal):
            enter(mailkeep, person)
    rows = _audit(mailkeep, person, 9)  # smtplib tries PLAIN, then LOGIN
    assert [row["reason"] for row in rows] == [""] * 4 + ["revoked"] * 5


def test_disabling_a_user_ends_their_sessions_and_enabling_lets_them_in(mailkeep, person):
    with ExitStack() as stack:
        sockets = _open_sessions(mailkeep, person, stack)
        mailkeep.cli("users", "disable", person.address)
        for wire in sockets.values():
            _read_to_the_end(wire)
    with pytest.raises(imaplib.IMAP4.error):
        enter_imap(mailkeep, person)
    mailkeep.cli("users", "enable", person.address)
    enter_imap(mailkeep, person)


def test_a_session_of_another_key_lives_on(mailkeep, person):
    other = Person(person.address, mailkeep.cli("keys", "create", person.address)["api_key"])
    with clients.imap(mailkeep, other) as kept:
        mailkeep.cli("keys", "revoke", person.api_key[:12])
        with pytest.raises(imaplib.IMAP4.error):
            enter_imap(mailkeep, person)
        assert kept.noop()[0] == "OK"


def test_a_key_that_expires_ends_its_session(mailkeep, person):
    short = mailkeep.cli("keys", "create", person.address, "--expires", "20s")["api_key"]
    with ExitStack() as stack:
        sockets = _open_sessions(mailkeep, Person(person.address, short), stack)
        for wire in sockets.values():
            _read_to_the_end(wire)
    with pytest.raises(imaplib.IMAP4.error):
        enter_imap(mailkeep, Person(person.address, short))


def test_a_key_bound_to_a_network_opens_nothing_from_elsewhere(mailkeep, person):
    words = ("keys", "create", person.address, "--network", "192.0.2.0/24", "--network", "2001:db8::/32")
    bound = Person(person.address, mailkeep.cli(*words)["api_key"])
    for enter, refusal in DOORS.values():
        with pytest.raises(refusal):
            enter(mailkeep, bound)


def test_last_use_is_written_within_its_time(mailkeep, person):
    enter_imap(mailkeep, person)
    deadline = time.monotonic() + SECONDS
    while mailkeep.cli("keys", "list", person.address)[0]["last_used_at"] is None:
        assert time.monotonic() < deadline


@pytest.mark.parametrize("scope", DOORS)
def test_a_clean_stop_writes_when_keys_were_last_used(one_day_of_last_use, scope):
    """Each host gathers times in memory, here for a day, and has them written when it ends."""
    up = one_day_of_last_use
    person = up.add_person("", "example.test", scope)
    DOORS[scope][0](up, person)
    assert up.cli("keys", "list", person.address)[0]["last_used_at"] is None
    up.stop()
    [key] = up.cli("keys", "list", person.address)
    assert key["last_used_at"] > key["created_at"]
    up.start()


def _open_sessions(up: MailkeepUp, person: Person, stack: ExitStack) -> dict[str, socket.socket]:
    """A live session on each host, with the socket that will hear of its end."""
    imap_host, imap_port = up.place("imaps")
    imap = imaplib.IMAP4_SSL(imap_host, imap_port, ssl_context=up.tls, timeout=SECONDS)
    stack.callback(imap.shutdown)
    imap.login(person.address, person.api_key)
    pop3_host, pop3_port = up.place("pop3s")
    pop3 = poplib.POP3_SSL(pop3_host, pop3_port, context=up.tls, timeout=SECONDS)
    stack.callback(pop3.close)
    pop3.user(person.address)
    pop3.pass_(person.api_key)
    smtp = smtplib.SMTP(*up.place("submission"), timeout=SECONDS)
    stack.callback(smtp.close)
    smtp.starttls(context=up.tls)
    smtp.login(person.address, person.api_key)
    assert smtp.sock is not None
    return {
        "imap": imap.socket(),
        "pop3": pop3.sock,
        "smtp": smtp.sock,
        "events": _open_events(up, person, stack),
    }


def _open_events(up: MailkeepUp, person: Person, stack: ExitStack) -> socket.socket:
    """The API's event stream, by hand: urllib would hide the end of it."""
    host, port = up.api_url.split("://")[1].split(":")
    wire = socket.create_connection((host, int(port)), timeout=SECONDS)
    stack.callback(wire.close)
    request = f"GET /api/events HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n"
    wire.sendall(f"{request}Authorization: Bearer {person.api_key}\r\n\r\n".encode())
    assert wire.recv(4096).startswith(b"HTTP/1.1 200")
    return wire


def _read_to_the_end(wire: socket.socket) -> None:
    """Return when the other side has closed; fails on the socket's timeout."""
    try:
        while wire.recv(4096):
            pass
    except (ConnectionResetError, ssl.SSLEOFError):
        return


def bearer(mechanism: str, person: Person) -> bytes:
    """The client's first response (Google's XOAUTH2, RFC 7628)."""
    if mechanism == "XOAUTH2":
        return f"user={person.address}\1auth=Bearer {person.api_key}\1\1".encode()
    return f"n,a={person.address},\1auth=Bearer {person.api_key}\1\1".encode()


def answers(mechanism: str, person: Person) -> Iterator[bytes]:
    """What a client says, one challenge after the other; at last the answer to an error's explanation."""
    if mechanism == "PLAIN":
        yield f"\0{person.address}\0{person.api_key}".encode()
    elif mechanism == "LOGIN":
        yield person.address.encode()
        yield person.api_key.encode()
    else:
        yield bearer(mechanism, person)
        yield b"\1"


def attempt_imap(up: MailkeepUp, mechanism: str, person: Person) -> None:
    with imaplib.IMAP4_SSL(*up.place("imaps"), ssl_context=up.tls, timeout=SECONDS) as client:
        if mechanism == "the command LOGIN":
            client._simple_command("LOGIN", person.address, person.api_key)
        else:
            said = answers(mechanism, person)
            with suppress(imaplib.IMAP4.error):
                client.authenticate(mechanism, lambda _: next(said))


def attempt_pop3(up: MailkeepUp, mechanism: str, person: Person) -> None:
    client = poplib.POP3_SSL(*up.place("pop3s"), context=up.tls, timeout=SECONDS)
    with closing(client), suppress(poplib.error_proto):
        if mechanism == "USER":
            client.user(person.address)
            client.pass_(person.api_key)
            return
        said, reply = answers(mechanism, person), client._shortcmd(f"AUTH {mechanism}")
        while reply.startswith(b"+ "):
            reply = client._shortcmd(base64.b64encode(next(said)).decode())


def attempt_smtp(up: MailkeepUp, mechanism: str, person: Person) -> None:
    with smtplib.SMTP_SSL(*up.place("submissions"), context=up.tls, timeout=SECONDS) as client:
        client.ehlo()
        said, (code, _) = answers(mechanism, person), client.docmd("AUTH", mechanism)
        while code == 334:
            code, _ = client.docmd(base64.b64encode(next(said)).decode())


def attempt_api(up: MailkeepUp, mechanism: str, person: Person) -> None:
    with suppress(urllib.error.HTTPError), _ask(up, "/api/emails", f"{mechanism} {person.api_key}"):
        pass


SASL = ("PLAIN", "LOGIN", "XOAUTH2", "OAUTHBEARER")
WAYS = {
    "imap": (attempt_imap, {"the command LOGIN": "LOGIN"} | dict(zip(SASL, SASL, strict=True))),
    "pop3": (attempt_pop3, {"USER": "USER"} | dict(zip(SASL, SASL, strict=True))),
    "smtp": (attempt_smtp, dict(zip(SASL, SASL, strict=True))),
    "api": (attempt_api, {"Bearer": "bearer", "ApiKey": "apikey"}),
}


@pytest.mark.parametrize("host", WAYS)
def test_every_attempt_leaves_a_row_with_all_that_is_known(mailkeep, person, host):
    """When, host, mechanism, address, key, network, outcome, reason: of what worked and of what did not."""
    body = person.api_key[:12] + "_" + "W" * 43
    wrong = Person(person.address, body + apikeys.checksum(body))
    attempt, ways = WAYS[host]
    began = datetime.now(UTC)
    for way in ways:
        attempt(mailkeep, way, person)
        attempt(mailkeep, way, wrong)
    rows = _audit(mailkeep, person, 2 * len(ways))
    known = {
        "host": host,
        "address": "" if host == "api" else person.address,
        "network": "127.0.0.1",
        "key_id": _key_id(mailkeep, person),
    }
    assert [row["mechanism"] for row in rows] == [name for name in ways.values() for _ in range(2)]
    assert [(row["outcome"], row["reason"]) for row in rows] == [
        ("success", ""),
        ("failure", "wrong_secret"),
    ] * len(ways)
    for row in rows:
        assert {name: row[name] for name in known} == known
        assert began <= datetime.fromisoformat(row["at"]) <= datetime.now(UTC)
        assert person.api_key[13:] not in json.dumps(row)

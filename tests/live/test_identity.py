"""One key, four hosts: what opens what, what revoking it ends, and what the audit log says afterwards."""

from __future__ import annotations

import imaplib
import json
import poplib
import smtplib
import socket
import ssl
import time
import urllib.error
import urllib.request
from contextlib import ExitStack

import pytest
from tests.support import clients
from tests.support.hosts import MailkeepUp, Person

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


def _ask(up: MailkeepUp, path: str, authorization: str):
    request = urllib.request.Request(up.api_url + path, headers={"Authorization": authorization})
    return urllib.request.urlopen(request, timeout=SECONDS)


def _key_id(up: MailkeepUp, person: Person) -> str:
    [key] = up.cli("keys", "list", person.address)
    return str(key["id"])


def _audit(up: MailkeepUp, person: Person, count: int) -> list[dict[str, str]]:
    """At least `count` rows of a person's, oldest first; they are written within a second."""
    deadline = time.monotonic() + SECONDS
    while len(rows := up.cli("audit", "--user", person.address)) < count:
        assert time.monotonic() < deadline, rows
    return rows[::-1]


@pytest.mark.parametrize("scope", DOORS)
def test_a_key_opens_its_own_host_and_no_other(mailkeep, scope):
    person = mailkeep.add_person("", "example.test", scope)
    for other, (enter, refusal) in DOORS.items():
        if other is scope:
            enter(mailkeep, person)
        else:
            with pytest.raises(refusal):
                enter(mailkeep, person)
    rows = _audit(mailkeep, person, len(DOORS))
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


def test_last_use_is_written_and_survives(mailkeep, person):
    enter_imap(mailkeep, person)
    deadline = time.monotonic() + SECONDS
    while mailkeep.cli("keys", "list", person.address)[0]["last_used_at"] is None:
        assert time.monotonic() < deadline


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


def test_the_audit_log_names_mechanism_address_and_network(mailkeep, person):
    enter_pop3(mailkeep, person)
    [row] = _audit(mailkeep, person, 1)
    assert (row["host"], row["address"], row["network"]) == ("pop3", person.address, "127.0.0.1")
    assert row["mechanism"] == "USER"
    assert person.api_key[13:] not in json.dumps(row)

"""Hosts of several workers: a client cannot tell, whichever worker it reaches, and one that is killed costs
nothing that was acknowledged."""

from __future__ import annotations

import os
import signal
import smtplib
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import imapclient
import pytest
from tests.support.clients import deliver, imap, message, pop3
from tests.support.hosts import MailkeepUp, Person, host_pids

SECONDS = 30
MESSAGES = 60


@pytest.fixture
def up(own_mailkeep: Callable[..., MailkeepUp]) -> Iterator[MailkeepUp]:
    hosts = ("SMTP", "IMAP", "POP3")
    running = own_mailkeep(**{f"MAILKEEP_{host}_WORKERS": "2" for host in hosts})
    running.start()
    yield running
    running.stop()
    running.check_log()


def workers(up: MailkeepUp, host: str) -> list[int]:
    (parent,) = up.pids(host)
    return host_pids(parent)[host]


def worker_of(up: MailkeepUp, host: str, local_port: int) -> int:
    """The worker that holds the other end of a connection from this port."""
    wanted = f":{local_port:04X}"
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        fields = line.split()
        if fields[2].endswith(wanted) and fields[9] != "0":
            for pid in workers(up, host):
                for descriptor in Path(f"/proc/{pid}/fd").iterdir():
                    with suppress(OSError):
                        if os.readlink(descriptor) == f"socket:[{fields[9]}]":
                            return pid
    raise AssertionError("nobody holds that connection")


def at_each_worker(up: MailkeepUp, person: Person, stack: ExitStack) -> dict[int, imapclient.IMAPClient]:
    """A logged-in session for each IMAP worker."""
    found: dict[int, imapclient.IMAPClient] = {}
    place = up.place("imaps")
    deadline = time.monotonic() + SECONDS
    while len(found) < 2 and time.monotonic() < deadline:
        client = imapclient.IMAPClient(place.host, place.port, ssl_context=up.tls, timeout=SECONDS)
        pid = worker_of(up, "imap", client.socket().getsockname()[1])
        if pid in found:
            client.shutdown()
            continue
        found[pid] = stack.enter_context(client)
        client.login(person.address, person.api_key)
    assert len(found) == 2
    return found


def test_two_workers_are_one_host(up: MailkeepUp) -> None:
    person = up.add_person()
    assert all(len(workers(up, host)) == 2 for host in ("smtp", "imap", "pop3"))
    with ExitStack() as stack:
        one, other = at_each_worker(up, person, stack).values()
        for session in (one, other):
            session.select_folder("INBOX")
            session.idle()
        deliver(up, person.address, message(person.address, "to both"))
        for session in (one, other):
            assert (1, b"EXISTS") in session.idle_check(SECONDS)
        other.idle_done()
        other.add_flags([1], [imapclient.SEEN])
        assert any(b"FETCH" in told for told in one.idle_check(SECONDS))
        with pop3(up, person) as maildrop:
            assert maildrop.stat()[0] == 1
    created = up.cli("keys", "create", person.address, "--scope", "imap")
    up.keep_secret(created["api_key"])
    with ExitStack() as stack:
        sessions = at_each_worker(up, Person(person.address, created["api_key"]), stack)
        up.cli("keys", "revoke", created["id"])
        time.sleep(1)
        for session in sessions.values():
            with pytest.raises(imapclient.exceptions.IMAPClientError):
                session.noop()


def test_a_worker_that_is_killed_loses_nothing_that_was_acknowledged(up: MailkeepUp) -> None:
    person = up.add_person()
    acknowledged: list[str] = []
    place = up.place("mx")

    def send(name: str) -> None:
        for number in range(MESSAGES // 3):
            subject = f"{name} {number}"
            for _ in range(50):  # until a worker says yes
                try:
                    with smtplib.SMTP(place.host, place.port, timeout=SECONDS) as client:
                        octets = message(person.address, subject)
                        client.sendmail("a@other.test", [person.address], octets)
                    break
                except (OSError, smtplib.SMTPException):
                    time.sleep(0.05)
            else:
                return
            acknowledged.append(subject)

    senders = [threading.Thread(target=send, args=(name,)) for name in "abc"]
    for sender in senders:
        sender.start()
    while len(acknowledged) < 10:
        time.sleep(0.01)
    victim = workers(up, "smtp")[0]
    os.kill(victim, signal.SIGKILL)
    for sender in senders:
        sender.join()
    assert len(acknowledged) == MESSAGES
    with imap(up, person) as client:
        client.select("INBOX")
        _, parts = client.fetch("1:*", "(BODY.PEEK[HEADER.FIELDS (SUBJECT)])")
    text = b"".join(part[1] for part in parts if isinstance(part, tuple)).decode()
    kept = {line.partition(": ")[2] for line in text.splitlines() if line.lower().startswith("subject")}
    assert kept >= set(acknowledged)
    deadline = time.monotonic() + SECONDS
    while len(workers(up, "smtp")) < 2:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert victim not in workers(up, "smtp")

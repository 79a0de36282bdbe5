"""Each number that a host tells moves when the thing happens: real hosts, real clients, both databases."""

from __future__ import annotations

import http.client
import os
import poplib
import signal
import smtplib
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
import pytest
from tests.support.clients import deliver, imap, message, pop3
from tests.support.hosts import HOSTS, MailkeepUp, Person
from tests.support.postgres import PostgresCluster

from mailkeep.net.listen import Endpoint
from mailkeep_cli.top_reading import Reading, read
from mailkeep_cli.up_plan import OPERATORS

SECONDS = 40.0
NOBODY = "127.0.0.1:9"  # the discard port: nobody listens there


@pytest.fixture
def up(own_mailkeep: Callable[..., MailkeepUp]) -> Iterator[MailkeepUp]:
    running = own_mailkeep(
        MAILKEEP_RELAY_ROUTE="smarthost", MAILKEEP_RELAY_SMARTHOST=NOBODY, MAILKEEP_RELAY_SMARTHOST_TLS="none"
    )
    running.start()
    yield running
    running.stop()


def told(up: MailkeepUp, host: str) -> Reading:
    answer = read(Endpoint("127.0.0.1", up.port_base + OPERATORS[host]))
    assert isinstance(answer, Reading), answer
    assert answer.host == host
    return answer


def until(up: MailkeepUp, host: str, holds: Callable[[Reading], bool]) -> Reading:
    deadline = time.monotonic() + SECONDS
    while not holds(reading := told(up, host)):
        assert time.monotonic() < deadline, reading.values
        time.sleep(0.05)
    return reading


@contextmanager
def submission(up: MailkeepUp, person: Person) -> Iterator[smtplib.SMTP]:
    with smtplib.SMTP(*up.place("submission"), timeout=SECONDS) as client:
        client.starttls(context=up.tls)
        client.login(person.address, person.api_key)
        yield client


def ask(up: MailkeepUp, person: Person, path: str, method: str = "GET", **options: object) -> httpx2.Response:
    headers = {"Authorization": f"Bearer {person.api_key}"}
    return httpx2.request(method, f"{up.api_url}{path}", headers=headers, trust_env=False, **options)  # type: ignore[arg-type]


def logins(reading: Reading, outcome: str) -> dict[str, float]:
    """By mechanism."""
    return {
        dict(labels)["mechanism"]: value
        for (name, labels), value in reading.values.items()
        if name == "mailkeep_logins_total" and dict(labels)["outcome"] == outcome
    }


def test_sessions_and_logins_by_mechanism_at_every_host(up: MailkeepUp) -> None:
    person = up.add_person()
    wrong = Person(person.address, person.api_key[:-4] + "0000")
    before = {host: told(up, host) for host in HOSTS}
    with submission(up, person), imap(up, person), pop3(up, person):
        for host in ("smtp", "imap", "pop3"):
            reading = told(up, host)
            assert reading.value("mailkeep_sessions") == 1, host
            assert reading.value("mailkeep_connections") == 1, host
    assert ask(up, person, "/api/emails").status_code == 200
    assert ask(up, wrong, "/api/emails").status_code == 401
    with pytest.raises(smtplib.SMTPAuthenticationError), submission(up, wrong):
        pass
    with pytest.raises(Exception, match=r"(?i)auth|login|credential"), imap(up, wrong):
        pass
    with pytest.raises(poplib.error_proto), pop3(up, wrong):
        pass
    for host, mechanism in {"smtp": "PLAIN", "imap": "LOGIN", "pop3": "USER", "api": "bearer"}.items():
        now = told(up, host)
        assert logins(now, "success").get(mechanism, 0) > logins(before[host], "success").get(mechanism, 0)
        assert now.value("mailkeep_connections_admitted_total") > 0, host
        assert sum(logins(now, "failure").values()) > sum(logins(before[host], "failure").values()), host
    for host in ("smtp", "imap", "pop3"):
        until(up, host, lambda reading: reading.value("mailkeep_sessions") == 0)


def test_deliveries_commits_the_feed_and_snapshots(up: MailkeepUp) -> None:
    person = up.add_person()
    before = {host: told(up, host) for host in HOSTS}

    def more(host: str, name: str, **labels: str) -> float:
        return told(up, host).value(name, **labels) - before[host].value(name, **labels)

    with imap(up, person) as client, pop3(up, person):
        client.select("INBOX")
        deliver(up, person.address, message(person.address))
        assert more("smtp", "mailkeep_delivered_messages_total") == 1
        assert more("smtp", "mailkeep_operations_total", operation="Deliver") == 1
        assert more("smtp", "mailkeep_commit_seconds_count") >= 1
        assert more("smtp", "mailkeep_commit_batch_operations_sum") >= 1
        assert more("smtp", "mailkeep_command_seconds_count", command="SMTP DATA") == 1
        until(up, "imap", lambda reading: reading.value("mailkeep_feed_lag_seconds_count") > 0)
        client.append("INBOX", "", None, message(person.address))
        client.store("1:2", "+FLAGS", "\\Seen")
        assert more("imap", "mailkeep_operations_total", operation="Append") == 1
        assert more("imap", "mailkeep_operations_total", operation="StoreFlags") == 1
        assert more("imap", "mailkeep_commit_seconds_sum") > 0
        assert more("imap", "mailkeep_delivered_messages_total") == 0
        shown = told(up, "imap")
        assert shown.value("mailkeep_snapshots") == 1
        assert shown.value("mailkeep_snapshot_entries") == 2
        assert shown.value("mailkeep_snapshot_bytes") > 0
    with pop3(up, person) as client:
        client.stat()
        client.dele(1)
    assert more("pop3", "mailkeep_operations_total", operation="Expunge") == 1
    assert more("pop3", "mailkeep_command_seconds_count", command="POP3 STAT") == 1
    (left,) = ask(up, person, "/api/emails").json()["items"]
    read_again = ask(up, person, f"/api/emails/{left['id']}", "PATCH", json={"isRead": False})
    assert read_again.status_code < 300
    assert more("api", "mailkeep_operations_total", operation="StoreFlags") == 1
    route = "API PATCH /api/emails/{email_id:uuid}"
    assert more("api", "mailkeep_command_seconds_count", command=route) == 1
    until(up, "imap", lambda reading: reading.value("mailkeep_snapshots") == 0)


def test_the_queue_has_a_depth_and_an_age_at_every_host(up: MailkeepUp) -> None:
    with submission(up, up.demo) as client:
        mail = message("carol@remote.example", sender=up.demo.address)
        client.sendmail(up.demo.address, ["carol@remote.example"], mail)
    for host in HOSTS:
        reading = until(up, host, lambda told: told.total("mailkeep_queue_recipients") == 1)
        assert until(up, host, lambda told: told.value("mailkeep_queue_oldest_seconds") > 0), reading
    until(up, "smtp", lambda told: told.value("mailkeep_relay_sessions_total", protection="failed") >= 1)
    until(up, "smtp", lambda told: told.value("mailkeep_relayed_recipients_total", verdict="later") >= 1)


def test_news_waits_in_the_outbox_while_the_api_does_not_hear(up: MailkeepUp) -> None:
    (api,) = up.pids("api")
    os.kill(api, signal.SIGSTOP)
    try:
        deliver(up, up.demo.address, message(up.demo.address))
        until(up, "smtp", lambda told: told.value("mailkeep_outbox_notifications") == 1)
    finally:
        os.kill(api, signal.SIGCONT)
    until(up, "smtp", lambda told: told.value("mailkeep_outbox_notifications") == 0)


def test_news_that_a_killed_host_held_is_told_when_its_lease_ends(
    own_mailkeep: Callable[..., MailkeepUp],
) -> None:
    up = own_mailkeep(MAILKEEP_NOTIFY_LEASE_SECONDS="1")
    up.start()
    (api,), (smtp,) = up.pids("api"), up.pids("smtp")
    os.kill(api, signal.SIGSTOP)
    try:
        deliver(up, up.demo.address, message(up.demo.address))
        until(up, "imap", lambda told: told.value("mailkeep_outbox_notifications") == 1)
        os.kill(smtp, signal.SIGKILL)
    finally:
        os.kill(api, signal.SIGCONT)
    until(up, "imap", lambda told: told.value("mailkeep_outbox_notifications") == 0)
    up.stop()


def test_database_connections_that_work_are_counted(up: MailkeepUp) -> None:
    person = up.add_person()
    for host in HOSTS:
        assert told(up, host).value("mailkeep_store_limit") >= 1, host
    over = threading.Event()

    def go_on() -> None:
        with smtplib.SMTP(*up.place("mx"), local_hostname="remote.example", timeout=SECONDS) as client:
            while not over.is_set():
                client.sendmail("bob@remote.example", [person.address], message(person.address))

    workers = [threading.Thread(target=go_on) for _ in range(4)]
    for worker in workers:
        worker.start()
    try:
        until(up, "smtp", lambda told: told.value("mailkeep_store_in_use") >= 1)
    finally:
        over.set()
        for worker in workers:
            worker.join()


def test_no_host_is_ready_without_its_database_and_all_live(
    postgres_cluster: PostgresCluster, tmp_path: Path
) -> None:
    """On a PostgreSQL that may be stopped; the shared one has said by now whether there can be any."""
    with PostgresCluster() as cluster:
        up = MailkeepUp(tmp_path / "up", cluster.url(cluster.create_database()))
        with up:
            for host in HOSTS:
                assert told(up, host).value("mailkeep_ready") == 1
            cluster.stop(immediate=True)
            for host in HOSTS:
                reading = told(up, host)
                assert reading.objection == "The database does not answer.", host
                assert reading.value("mailkeep_ready") == 0, host
                assert alive(up, host), host
            cluster.start()
            for host in HOSTS:
                until(up, host, lambda reading: reading.objection == "")


def alive(up: MailkeepUp, host: str) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", up.port_base + OPERATORS[host], timeout=SECONDS)
    try:
        connection.request("GET", "/health/live")
        return connection.getresponse().status == 200
    finally:
        connection.close()

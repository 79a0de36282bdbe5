"""A message is one trace, from SMTP's DATA to the API's events and to the server that it is relayed to: real
hosts, their spans at a collector's end of OTLP."""

from __future__ import annotations

import asyncio
import re
import smtplib
from collections.abc import Callable, Iterator
from uuid import uuid4

import httpx2
import pytest
from tests.support.clients import imap, message, pop3
from tests.support.event_stream import heard, listening
from tests.support.hosts import MailkeepUp, Person
from tests.support.mail_server import Sink
from tests.support.otlp_collector import Collector, Seen

SECONDS = 30.0
HEADER_SECRET = "collector-token-6f1e"
SUBJECT = "of-nobodys-concern-93b1"


@pytest.fixture
def collector() -> Iterator[Collector]:
    with Collector() as running:
        yield running


def traced(collector: Collector) -> dict[str, str]:
    return {
        "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url,
        "OTEL_EXPORTER_OTLP_HEADERS": f"x-collector-token={HEADER_SECRET}",
        "OTEL_BSP_SCHEDULE_DELAY": "100",
        "MAILKEEP_LOG_LEVEL": "debug",
    }


def submit(up: MailkeepUp, sender: Person, recipients: list[str]) -> str:
    """The id that the server tells."""
    with smtplib.SMTP(*up.place("submission"), timeout=SECONDS) as client:
        client.starttls(context=up.tls)
        client.login(sender.address, sender.api_key)
        client.mail(sender.address)
        for recipient in recipients:
            client.rcpt(recipient)
        _, answer = client.data(message(recipients[0], SUBJECT, sender=sender.address))
    (found,) = re.findall(r"Ok: ([0-9a-f]{16})", answer.decode())
    return str(found)


def only(spans: list[Seen], name: str) -> Seen:
    (found,) = [one for one in spans if one.name == name]
    return found


def test_a_message_is_one_trace_through_every_process(
    own_mailkeep: Callable[..., MailkeepUp], collector: Collector
) -> None:
    async def send_and_listen() -> tuple[str, MailkeepUp, Person]:
        sink = Sink()
        await sink.start()
        relay = {
            "MAILKEEP_RELAY_ROUTE": "smarthost",
            "MAILKEEP_RELAY_SMARTHOST": f"127.0.0.1:{sink.port}",
            "MAILKEEP_RELAY_SMARTHOST_TLS": "none",
            "MAILKEEP_RELAY_LOOPBACK": "true",
        }
        up = own_mailkeep(**traced(collector), **relay)
        await asyncio.to_thread(up.start)
        reader = up.add_person()
        headers = {"Authorization": f"Bearer {reader.api_key}"}
        try:
            async with (
                httpx2.AsyncClient(base_url=up.api_url, headers=headers, trust_env=False) as client,
                listening(client) as events,
            ):
                to = [reader.address, "carol@remote.example"]
                mail_id = await asyncio.to_thread(submit, up, up.demo, to)
                assert (await heard(events))["event"] == "NewEmail"
                await sink.until(1)
        finally:
            await sink.stop()
        return mail_id, up, reader

    mail_id, up, _ = asyncio.run(send_and_listen())

    def whole(spans: list[Seen]) -> list[Seen]:
        data = [one for one in spans if one.name == "SMTP DATA"]
        of_it = [one for one in spans if data and one.trace == data[0].trace]
        last = {"event stream NewEmail", "relay", "notify", "SMTP DATA"}
        return of_it if last <= {one.name for one in of_it} else []

    spans = collector.until(whole)
    data, store, notify = (only(spans, name) for name in ("SMTP DATA", "store", "notify"))
    told, event, relay = (only(spans, one) for one in ("tell of new mail", "event stream NewEmail", "relay"))
    parents = {one.name: one.parent for one in spans}
    assert parents == {
        "SMTP DATA": "",
        "checks": data.id,
        "store": data.id,
        "notify": store.id,
        "tell of new mail": notify.id,
        "event stream NewEmail": told.id,
        "relay": store.id,
    }
    services = {one.name: one.service for one in spans}
    assert {services[name] for name in ("SMTP DATA", "store", "notify", "relay")} == {"mailkeep-smtp"}
    assert {services[name] for name in ("tell of new mail", "event stream NewEmail")} == {"mailkeep-api"}
    assert data.attributes["mailkeep.message_id"] == relay.attributes["mailkeep.message_id"] == mail_id
    assert data.attributes["mailkeep.recipients"] == 2
    assert relay.attributes["mailkeep.recipients.sent"] == 1
    assert data.began <= store.began <= event.began
    assert not any(one.failed for one in spans)

    up.stop()
    up.check_log()
    assert HEADER_SECRET not in up.log
    assert collector.headers[0]["x-collector-token"] == HEADER_SECRET
    for private in (SUBJECT, "carol", up.api_key, up.internal_key):
        assert private.encode() not in collector.octets


def test_commands_and_requests_are_spans_and_a_stranger_says_nothing_of_their_trace(
    own_mailkeep: Callable[..., MailkeepUp], collector: Collector
) -> None:
    up = own_mailkeep(**traced(collector))
    up.start()
    with imap(up, up.demo) as client:
        client.select("INBOX")
        client.uid("SEARCH", "SUBJECT", SUBJECT)
    with pop3(up, up.demo) as maildrop:
        maildrop.stat()
    theirs = "4bf92f3577b34da6a3ce929d0e0e4736"
    headers = {"Authorization": f"Bearer {up.api_key}", "traceparent": f"00-{theirs}-00f067aa0ba902b7-01"}
    for path in (f"{uuid4()}?secret={SUBJECT}", SUBJECT):
        answer = httpx2.get(f"{up.api_url}/api/emails/{path}", headers=headers, trust_env=False)
        assert answer.status_code == 404

    def found(spans: list[Seen]) -> list[Seen]:
        there = {one.name for one in spans}
        ends = {"IMAP SEARCH", "IMAP LOGOUT", "POP3 PASS", "POP3 STAT", "API GET (no route)"}
        return spans if ends <= there else []

    spans = collector.until(found)
    search = only(spans, "IMAP SEARCH")
    assert (search.service, search.parent) == ("mailkeep-imap", "")
    assert search.attributes["mailkeep.session"] == only(spans, "IMAP SELECT").attributes["mailkeep.session"]
    stat = only(spans, "POP3 STAT")
    assert (stat.service, stat.parent) == ("mailkeep-pop3", "")
    assert stat.attributes["mailkeep.session"] == only(spans, "POP3 PASS").attributes["mailkeep.session"]
    request = only(spans, "API GET /api/emails/{email_id:uuid}")
    assert request.trace != theirs
    assert request.links == (theirs,)
    assert request.attributes["http.response.status_code"] == 404
    assert SUBJECT.encode() not in collector.octets
    up.stop()


def test_a_collector_that_is_gone_costs_spans_and_no_mail(own_mailkeep: Callable[..., MailkeepUp]) -> None:
    with Collector() as gone:
        url = gone.url
    up = own_mailkeep(OTEL_EXPORTER_OTLP_ENDPOINT=url, OTEL_BSP_SCHEDULE_DELAY="50")
    up.start()
    person = up.add_person()
    submit(up, up.demo, [person.address])
    with imap(up, person) as client:
        assert client.select("INBOX")[1] == [b"1"]
    up.stop()
    up.check_log()


def test_without_the_extra_the_hosts_say_so_and_work(
    own_mailkeep: Callable[..., MailkeepUp], tmp_path_factory: pytest.TempPathFactory, collector: Collector
) -> None:
    """The SDK's place is taken by a package that cannot be imported."""
    hidden = tmp_path_factory.mktemp("without") / "sitecustomize.py"
    hidden.write_text("import sys\nsys.modules['opentelemetry.sdk'] = None\n")
    up = own_mailkeep(OTEL_EXPORTER_OTLP_ENDPOINT=collector.url, PYTHONPATH=str(hidden.parent))
    up.start()
    up.wait_for_log("pip install 'mailkeep[otel]'")
    submit(up, up.demo, [up.demo.address])
    up.stop()
    assert not collector.headers

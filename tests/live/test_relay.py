"""Mail that leaves: a user's message through a real Postfix, over TLS whose certificate is checked, to
another installation. The domains are in a name server that the test serves.
"""

from __future__ import annotations

import smtplib
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import trustme
from tests.support.clients import SECONDS, message, read_imap
from tests.support.dns_zone import DnsZone
from tests.support.hosts import MailkeepUp, Person
from tests.support.postfix import Postfix

ZONE = "remote.example. MX 10 mx.remote.example.\nmx.remote.example. A 127.0.0.1\n"


RELAYING = {"MAILKEEP_RELAY_ROUTE": "direct"}  # `mailkeep up` sends nothing into the world by itself
TRIED_ONCE = {"MAILKEEP_RELAY_RETRY_SECONDS": "[600]"}  # what is just being sent cannot be dropped


def chain_for(ca: trustme.CA, name: str) -> bytes:
    issued = ca.issue_cert(name)
    return b"".join(blob.bytes() for blob in (issued.private_key_pem, *issued.cert_chain_pems))


def settings(zone: DnsZone, postfix: Postfix, ca_file: Path) -> dict[str, str]:
    return {
        "MAILKEEP_DNS_NAMESERVERS": zone.place,
        **RELAYING,
        "MAILKEEP_RELAY_PORT": str(postfix.place.port),
        "MAILKEEP_RELAY_LOOPBACK": "true",
        "MAILKEEP_RELAY_CA_FILE": str(ca_file),
        "MAILKEEP_RELAY_TLS_POLICIES": "remote.example=verify",
        "MAILKEEP_RELAY_RETRY_SECONDS": "[0.5]",
        "MAILKEEP_SMTP_HOSTNAME": "mx.example.test",
        "MAILKEEP_SMTP_SAVE_TO_SENT": "true",
    }


def submit(up: MailkeepUp, person: Person, recipient: str, octets: bytes) -> None:
    with smtplib.SMTP(*up.place("submission"), timeout=SECONDS) as client:
        client.starttls(context=up.tls)
        client.login(person.address, person.api_key)
        client.sendmail(person.address, [recipient], octets, ["BODY=8BITMIME"])


def wait_for(found: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + SECONDS
    while not (value := found()):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    return value


def remote_person(mailkeep: MailkeepUp) -> Person:
    """Somebody at remote.example, which the other installation hosts."""
    if "remote.example" not in [row["name"] for row in mailkeep.cli("domains", "list")]:
        mailkeep.cli("domains", "add", "remote.example")
    return mailkeep.add_person(domain="remote.example")


def test_it_goes_over_checked_tls_through_postfix_to_another_installation(
    mailkeep: MailkeepUp, own_mailkeep: Callable[..., MailkeepUp], tmp_path: Path
) -> None:
    friend = remote_person(mailkeep)
    ca = trustme.CA()
    ca.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    bodies = ["plain\r\n", ".\r\n..dots\r\n", "Gr\u00fc\u00dfe\r\n", "x" * 900 + "\r\n", "line\r\n" * 50_000]
    with (
        DnsZone(ZONE) as zone,
        Postfix(mailkeep.place("mx"), mailkeep.ca_file, chain_for(ca, "mx.remote.example")) as postfix,
        own_mailkeep(**settings(zone, postfix, tmp_path / "ca.pem")) as up,
    ):
        person = up.add_person()
        for body in bodies:
            submit(up, person, friend.address, message(friend.address, body=body, sender=person.address))
        stored = wait_for(lambda: len(found := read_imap(mailkeep, friend)) == len(bodies) and found)
        wait_for(lambda: up.cli("queue", "list") == [])
        copies = read_imap(up, person, "Sent")
        assert "Trusted TLS" in postfix.log or "TLS connection established from" in postfix.log
    received = {octets.partition(b"\r\n\r\n")[2] for octets in stored}
    assert received == {body.encode() for body in bodies}
    for octets in stored:
        header = octets.partition(b"\r\n\r\n")[0]
        assert header.count(b"Received:") == 3
        assert b"(using TLSv1.3" in header  # Postfix's word for how we came
        assert header.startswith(f"Return-Path: <{person.address}>\r\n".encode())
    assert {octets.partition(b"\r\n\r\n")[2] for octets in copies} == received


def test_a_certificate_for_another_name_keeps_mail_in_the_queue(
    mailkeep: MailkeepUp, own_mailkeep: Callable[..., MailkeepUp], tmp_path: Path
) -> None:
    friend = remote_person(mailkeep)
    ca = trustme.CA()
    ca.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    with (
        DnsZone(ZONE) as zone,
        Postfix(mailkeep.place("mx"), mailkeep.ca_file, chain_for(ca, "mx.other.example")) as postfix,
        own_mailkeep(**settings(zone, postfix, tmp_path / "ca.pem") | TRIED_ONCE) as up,
    ):
        person = up.add_person()
        submit(up, person, friend.address, message(friend.address, sender=person.address))
        (entry,) = wait_for(lambda: [one for one in up.cli("queue", "list") if one["last_status"]])
        assert entry["last_status"] == "4.7.5"
        assert entry["recipient"] == friend.address
        assert read_imap(mailkeep, friend) == []
        assert up.cli("queue", "drop", entry["id"]) == {"recipients": 1}


@pytest.mark.parametrize("sentence", ["5.1.2", "5.1.10"])
def test_what_cannot_be_delivered_comes_back(own_mailkeep: Callable[..., MailkeepUp], sentence: str) -> None:
    with (
        DnsZone("null.example. MX 0 .\n") as zone,
        own_mailkeep(**RELAYING, MAILKEEP_DNS_NAMESERVERS=zone.place) as up,
    ):
        person = up.add_person()
        domain = "null.example" if sentence == "5.1.10" else "gone.example"
        submit(up, person, f"a@{domain}", message(f"a@{domain}", sender=person.address))
        (report,) = wait_for(lambda: read_imap(up, person))
    assert report.startswith(b"Return-Path: <>\r\n")
    assert b"\r\nAction: failed\r\nStatus: " + sentence.encode() + b"\r\n" in report

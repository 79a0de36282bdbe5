"""One search of the log tells a message's life, and one a session's: the same names in every host's lines, in
the audit log, and in what clients are told."""

from __future__ import annotations

import imaplib
import json
import poplib
import re
import smtplib
import time
from collections.abc import Callable
from typing import Any

import httpx2
from tests.support.hosts import MailkeepUp

SECONDS = 30.0
IN_JSON = {"MAILKEEP_LOG_FORMAT": "json", "MAILKEEP_LOG_LEVEL": "debug"}


def lines(up: MailkeepUp, **having: str) -> list[dict[str, Any]]:
    """Lines of the hosts' log with these fields."""
    told = [json.loads(line[line.index("{") :]) for line in up.log.splitlines() if "{" in line]
    return [line for line in told if all(line.get(name) == value for name, value in having.items())]


def until(found: Callable[[], list[Any]]) -> list[Any]:
    deadline = time.monotonic() + SECONDS
    while not (there := found()):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return there


def submit(up: MailkeepUp, recipient: str) -> str:
    """Send one message as the demo user; the id that the server tells."""
    place, demo = up.place("submission"), up.demo
    with smtplib.SMTP(place.host, place.port, timeout=SECONDS) as client:
        client.starttls(context=up.tls)
        client.login(demo.address, demo.api_key)
        client.mail(demo.address)
        client.rcpt(recipient)
        code, answer = client.data(f"From: {demo.address}\r\nSubject: followed\r\n\r\nbody\r\n")
    assert code == 250
    (found,) = re.findall(r"Ok: ([0-9a-f]{16})", answer.decode())
    return str(found)


def test_a_messages_life_and_each_session_have_one_name(own_mailkeep: Callable[..., MailkeepUp]) -> None:
    up = own_mailkeep(**IN_JSON)
    up.start()
    message = submit(up, up.demo.address)

    until(lambda: lines(up, id=message, host="api"))
    (accepted,) = lines(up, id=message, event="accepted")
    (told,) = lines(up, id=message, host="api", event="told of new mail")
    assert told["users"] == 1

    imap, pop3, demo = up.place("imap"), up.place("pop3"), up.demo
    with imaplib.IMAP4(imap.host, imap.port, timeout=SECONDS) as client:
        client.starttls(up.tls)
        client.login(demo.address, demo.api_key)
        client.select()
        _, fetched = client.fetch("1", "(RFC822.HEADER)")
    assert message.encode() in fetched[0][1]  # type: ignore[index,operator]  # in its Received field
    reader = poplib.POP3(pop3.host, pop3.port, timeout=SECONDS)
    reader.stls(up.tls)
    reader.user(demo.address)
    reader.pass_(demo.api_key)
    reader.quit()
    request = {"Authorization": f"Bearer {demo.api_key}", "X-Request-Id": "mine"}
    assert httpx2.get(f"{up.api_url}/api/emails", headers=request, trust_env=False).status_code == 200

    def sessions() -> dict[str, str]:
        return {row["host"]: row["session"] for row in up.cli("audit") if row["address"] or row["session"]}

    until(lambda: [True] if {"smtp", "imap", "pop3", "api"} <= set(sessions()) else [])
    audited = sessions()
    assert audited["smtp"] == accepted["session"]
    assert len(set(audited.values())) == 4
    for host, session in audited.items():
        (login,) = lines(up, session=session, event="login", host=host)
        assert login["outcome"] == "success"
    up.stop()

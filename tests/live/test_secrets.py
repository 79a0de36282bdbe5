"""With everything logged that can be, no key, token or password is in a log, a file or the process list."""

from __future__ import annotations

import base64
import imaplib
import poplib
import smtplib
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from tests.support.clients import deliver, imap, message, pop3, submission
from tests.support.hosts import MailkeepUp, Person

REFUSALS = (imaplib.IMAP4.error, poplib.error_proto, smtplib.SMTPException, urllib.error.HTTPError)


def test_nothing_secret_is_left_anywhere(own_mailkeep: Callable[..., MailkeepUp]) -> None:
    up = own_mailkeep(MAILKEEP_LOG_LEVEL="debug")
    up.start()
    good = up.demo
    wrong = Person(good.address, good.api_key[:13] + "W" * 43 + good.api_key[-6:])
    opaque = Person(good.address, "opaque-token-4f3c2b1a")
    for person in (good, wrong, opaque):
        for form in (person.api_key, base64.b64encode(person.api_key.encode()).decode().rstrip("=")):
            up.keep_secret(form)
        up.keep_secret(base64.b64encode(f"\0{person.address}\0{person.api_key}".encode()).decode())
        use_every_door(up, person)
    deliver(up, good.address, message(good.address))
    up.check_command_lines()
    up.stop()
    up.check_log()
    assert "[debug" in up.log
    assert holders(up.data_dir, good.api_key) == []
    assert holders(up.data_dir, wrong.api_key) == []
    assert holders(up.data_dir, up.internal_key) == ["internal.key"]


def use_every_door(up: MailkeepUp, person: Person) -> None:
    for door in (imap, pop3, submission):
        with suppress(*REFUSALS), door(up, person):
            pass
    bearer = f"user={person.address}\x01auth=Bearer {person.api_key}\x01\x01".encode()
    host, port = up.place("imaps")
    with suppress(*REFUSALS), imaplib.IMAP4_SSL(host, port, ssl_context=up.tls) as client:
        client.authenticate("XOAUTH2", lambda _: bearer)
    with smtplib.SMTP(*up.place("submission")) as sender:
        sender.starttls(context=up.tls)
        sender.ehlo()
        sender.docmd("AUTH", f"XOAUTH2 {base64.b64encode(bearer).decode()}")
        sender.docmd("AUTH", f"PLAIN {base64.b64encode(person.api_key.encode()).decode()}")
    for scheme in ("Bearer", "ApiKey"):
        request = urllib.request.Request(f"{up.api_url}/api/emails?token={person.api_key}")
        request.add_header("Authorization", f"{scheme} {person.api_key}")
        with suppress(*REFUSALS), urllib.request.urlopen(request, timeout=30) as answer:
            answer.read()


def holders(directory: Path, secret: str) -> list[str]:
    """Names of the files that hold the secret."""
    files = [path for path in directory.rglob("*") if path.is_file()]
    return [path.name for path in files if secret.encode() in path.read_bytes()]

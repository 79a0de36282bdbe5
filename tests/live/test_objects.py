"""Large mail in an object store, by every protocol and command: while it answers, and while it does not."""

from __future__ import annotations

import imaplib
import json
import poplib
import random
import subprocess
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import fields
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from tests.support.clients import deliver, imap, message, pop3, read_imap, read_pop3
from tests.support.hosts import MailkeepUp, Person
from tests.support.object_server.running import SECRET_KEY, ObjectServer

from mailkeep.settings_objects import ObjectSettings
from mailkeep_cli.up_plan import OPERATORS

FILE = random.Random(3).randbytes(2_000_000)
NEEDLE = "zwischenlagerung"


@pytest.fixture
def up(own_mailkeep: Callable[..., MailkeepUp], object_server: ObjectServer) -> Iterator[MailkeepUp]:
    """Hosts with an object store."""
    made = own_mailkeep("--no-demo")
    made.environ |= as_variables(object_server.settings(timeout_seconds=1.0))
    made.keep_secret(SECRET_KEY)
    with made:
        made.cli("domains", "add", "example.test")
        yield made


def as_variables(settings: ObjectSettings) -> dict[str, str]:
    named = {entry.name: getattr(settings, entry.name) for entry in fields(settings)}
    return {f"MAILKEEP_OBJECTS_{name.upper()}": str(value) for name, value in named.items()}


def large_letter(person: Person) -> bytes:
    """A file, and behind it a text, so that both lie past what stays in the database."""
    letter = EmailMessage()
    letter["From"], letter["To"], letter["Subject"] = "bob@remote.example", person.address, "a large one"
    letter.set_content("The file comes first.")
    letter.add_attachment(FILE, maintype="application", subtype="octet-stream", filename="file.bin")
    letter.add_attachment(f"And then {NEEDLE}.\n", filename="last.txt")
    return letter.as_bytes().replace(b"\n", b"\r\n")


def api(up: MailkeepUp, person: Person, path: str) -> bytes:
    asked = urllib.request.Request(
        f"{up.api_url}{path}", headers={"Authorization": f"Bearer {person.api_key}"}
    )
    with urllib.request.urlopen(asked, timeout=30) as answer:
        octets: bytes = answer.read()
    return octets


def attachment_path(up: MailkeepUp, person: Person) -> tuple[str, str]:
    """Of the message and of its file. They are read from the message itself."""
    (email,) = [
        one for one in json.loads(api(up, person, "/api/emails"))["items"] if one["subject"] == "a large one"
    ]
    opened = json.loads(api(up, person, f"/api/emails/{email['id']}"))
    (file,) = [one for one in opened["attachments"] if one["fileName"] == "file.bin"]
    return f"/api/emails/{email['id']}/export/eml", f"/api/emails/{email['id']}/attachments/{file['id']}"


def by_imap(client: imaplib.IMAP4, items: str) -> bytes:
    kind, answers = client.fetch("1", items)
    assert kind == "OK", answers
    octets: bytes = answers[0][1]
    return octets


def test_every_protocol_reads_what_was_moved(
    up: MailkeepUp, object_server: ObjectServer, tmp_path: Path
) -> None:
    person = up.add_person()
    deliver(up, person.address, large_letter(person))
    deliver(up, person.address, message(person.address, "a small one"))
    (whole, small), popped = read_imap(up, person), read_pop3(up, person)
    eml, file = attachment_path(up, person)

    moved = up.cli("objects", "move")
    assert (moved["blobs"], moved["left"]) == (1, 0)
    assert up.cli("objects", "status")["in_objects"] == 1

    with object_server.silent():  # nothing was read since, so nobody remembers anything
        says_that_it_is_away(up, person, small)
        for path in (eml, file):
            with pytest.raises(urllib.error.HTTPError, match="503"):
                api(up, person, path)
        assert finding(up)["state"] == "failure"
    reads_all(up, person, whole, small)
    assert read_pop3(up, person) == popped
    assert api(up, person, eml) == whole
    assert api(up, person, file) == FILE
    assert up.cli("verify")["faults"] == []
    assert finding(up)["state"] == "ok"
    assert b'mailkeep_object_failures_total{operation="get"}' in metrics_of(up, "imap")

    backup = tmp_path / "backup"
    up.cli("backup", str(backup))
    assert backup.stat().st_size > len(FILE)
    back = up.cli("objects", "move", "--back")
    assert back["blobs"] == 1
    with object_server.silent():
        reads_all(up, person, whole, small)
    assert up.cli("verify")["faults"] == []


def reads_all(up: MailkeepUp, person: Person, whole: bytes, small: bytes) -> None:
    assert read_imap(up, person) == [whole, small]
    with imap(up, person) as client:
        client.select(readonly=True)
        assert by_imap(client, "(BODY.PEEK[]<1500000.70000>)") == whole[1_500_000:1_570_000]
        assert NEEDLE.encode() in by_imap(client, "(BODY.PEEK[3])")
        assert by_imap(client, "(BINARY.PEEK[2])") == FILE
        assert client.search(None, "BODY", NEEDLE) == ("OK", [b"1"])


def says_that_it_is_away(up: MailkeepUp, person: Person, small: bytes) -> None:
    """Each protocol in its own words, and the session goes on."""
    with imap(up, person) as client:
        client.select(readonly=True)
        for items in ("(BODY.PEEK[])", "(BODY.PEEK[]<1500000.70000>)", "(BINARY.PEEK[2])"):
            kind, answers = client.fetch("1", items)
            assert (kind, b"[UNAVAILABLE]" in answers[0]) == ("NO", True)
        assert client.fetch("2", "(BODY.PEEK[])")[1][0][1] == small
        assert b"The file comes first." in by_imap(client, "(BODY.PEEK[1])")
    with pop3(up, person) as pop:
        with pytest.raises(poplib.error_proto, match=r"-ERR \[SYS/TEMP\]"):
            pop.retr(1)
        assert pop.retr(2)[0].startswith(b"+OK")


def finding(up: MailkeepUp) -> dict[str, Any]:
    """What the doctor says of the object store."""
    command = [up._program, "doctor", "--no-ports", "--no-dns", "--json", "--data-dir", str(up.data_dir)]
    ran = subprocess.run(command, env=up.environment, capture_output=True, check=False, timeout=60)
    (found,) = [one for one in json.loads(ran.stdout) if one["check"] == "objects"]
    return dict(found)


def metrics_of(up: MailkeepUp, host: str) -> bytes:
    with urllib.request.urlopen(
        f"http://127.0.0.1:{up.port_base + OPERATORS[host]}/metrics", timeout=10
    ) as answer:
        octets: bytes = answer.read()
    return octets

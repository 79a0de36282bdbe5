"""mpop, fetchmail and mbsync fetch what was delivered, and hand on the same octets."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.support.clients import deliver, imap, message, read_imap
from tests.support.hosts import MailkeepUp, Person
from tests.support.programs import private_file, program, run, succeed

LF, CRLF = b"\n", b"\r\n"


def deliver_three(up: MailkeepUp, person: Person) -> list[bytes]:
    """Three messages with dots, 8-bit text and long lines. Returns them as stored, with LF."""
    for body in (".\r\n..\r\n.x\r\n", "Grüße 🙂\r\n", "x" * 900 + "\r\n"):
        deliver(up, person.address, message(person.address, body=body), options=("BODY=8BITMIME",))
    return [octets.replace(CRLF, LF) for octets in read_imap(up, person)]


def maildir(directory: Path) -> Path:
    for name in ("cur", "new", "tmp"):
        (directory / name).mkdir(parents=True)
    return directory


def messages_in(directory: Path) -> list[bytes]:
    return [path.read_bytes() for path in sorted((*directory.glob("new/*"), *directory.glob("cur/*")))]


@pytest.mark.parametrize(("listener", "starttls"), [("pop3", "on"), ("pop3s", "off")])
def test_mpop_fetches_once(
    mailkeep: MailkeepUp, person: Person, tmp_path: Path, listener: str, starttls: str
) -> None:
    expected = deliver_three(mailkeep, person)
    box = maildir(tmp_path / "box")
    host, port = mailkeep.place(listener)
    config = private_file(
        tmp_path / "mpoprc",
        f"account default\nhost {host}\nport {port}\nuser {person.address}\npassword {person.api_key}\n"
        f"tls on\ntls_starttls {starttls}\ntls_trust_file {mailkeep.ca_file}\n"
        f"delivery maildir {box}\nuidls_file {tmp_path}/uidls\nkeep on\nreceived_header off\n",
    )
    succeed([program("mpop"), "-C", str(config)], home=tmp_path)
    assert sorted(messages_in(box)) == sorted(expected)
    succeed([program("mpop"), "-C", str(config)], home=tmp_path)  # UIDL: nothing comes twice
    assert len(messages_in(box)) == len(expected)
    succeed([program("mpop"), "-C", str(config), "--keep=off"], home=tmp_path)
    assert read_imap(mailkeep, person) == []


@pytest.mark.parametrize(
    ("protocol", "listener", "options"),
    [
        ("pop3", "pop3s", "ssl"),
        ("pop3", "pop3", "sslproto TLS1.2+"),
        ("imap", "imaps", "ssl"),
        ("imap", "imap", "sslproto TLS1.2+"),
    ],
)
def test_fetchmail_takes_all_and_leaves_nothing(
    mailkeep: MailkeepUp, person: Person, tmp_path: Path, protocol: str, listener: str, options: str
) -> None:
    expected = deliver_three(mailkeep, person)
    port = mailkeep.place(listener).port
    taken = tmp_path / "taken"
    agent = private_file(tmp_path / "mda", f"#!/bin/sh\ncat >>{taken}\necho '=== end' >>{taken}\n")
    agent.chmod(0o700)
    config = private_file(
        tmp_path / "fetchmailrc",
        f'poll localhost protocol {protocol} port {port} user "{person.address}" password "{person.api_key}" '
        f'{options} sslcertck sslcertfile "{mailkeep.ca_file}" fetchall no rewrite '
        f'mda "{agent}"\n',
    )
    command = [program("fetchmail"), "-f", str(config), "--invisible", "--idfile", str(tmp_path / "ids")]
    succeed([*command, "--pidfile", str(tmp_path / "pid")], home=tmp_path)
    fetched = taken.read_bytes().split(b"=== end\n")[:-1]
    # fetchmail moves Return-Path into its own hands; all else is as it was.
    assert [octets.partition(LF)[2] for octets in expected] == [
        octets.partition(LF)[2] if octets.startswith(b"Return-Path") else octets for octets in fetched
    ]
    assert read_imap(mailkeep, person) == []


@pytest.mark.parametrize(("listener", "tls"), [("imap", "STARTTLS"), ("imaps", "IMAPS")])
def test_mbsync_keeps_two_sides_alike(
    mailkeep: MailkeepUp, person: Person, tmp_path: Path, listener: str, tls: str
) -> None:
    expected = deliver_three(mailkeep, person)
    port = mailkeep.place(listener).port
    near = tmp_path / "near"
    near.mkdir()
    config = private_file(
        tmp_path / "mbsyncrc",
        f"IMAPStore far\nHost localhost\nPort {port}\nUser {person.address}\nPass {person.api_key}\n"
        f"SSLType {tls}\nCertificateFile {mailkeep.ca_file}\nAuthMechs PLAIN LOGIN\n\n"
        f"MaildirStore near\nPath {near}/\nInbox {near}/INBOX\nSubFolders Verbatim\n\n"
        "Channel all\nFar :far:\nNear :near:\nPatterns *\n"
        "Create Both\nRemove Both\nExpunge Both\nSyncState *\n",
    )
    command = [program("mbsync"), "-c", str(config), "-a"]
    succeed(command, home=tmp_path)
    assert sorted(map(without_tuid, messages_in(near / "INBOX"))) == sorted(expected)
    assert {path.name for path in near.iterdir()} >= {"INBOX", "Drafts", "Sent", "Trash", "Junk", "Archive"}
    # What is written, flagged and deleted here is there after the next run.
    first = sorted((*near.glob("INBOX/new/*"), *near.glob("INBOX/cur/*")))[0]
    first.unlink()
    written = message(person.address, "written offline").replace(CRLF, LF)
    (near / "Drafts" / "cur" / "1.draft:2,DS").write_bytes(written)
    succeed(command, home=tmp_path)
    assert len(read_imap(mailkeep, person)) == 2
    assert [without_tuid(octets.replace(CRLF, LF)) for octets in read_imap(mailkeep, person, "Drafts")] == [
        written
    ]
    with imap(mailkeep, person) as client:
        client.select("Drafts")
        assert client.search(None, "DRAFT SEEN")[1] == [b"1"]
    assert run(command, home=tmp_path).returncode == 0


def without_tuid(octets: bytes) -> bytes:
    """mbsync marks messages in flight with a header field of its own."""
    lines = octets.split(LF)
    return LF.join(line for line in lines if not line.startswith(b"X-TUID: "))

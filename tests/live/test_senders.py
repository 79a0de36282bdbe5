"""swaks and msmtp send through submission, and swaks as a server to the MX."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.support.clients import beneath_trace, message, read_imap
from tests.support.hosts import MailkeepUp, Person
from tests.support.programs import private_file, program, run, succeed

SWAKS_AUTH_FAILED = 28
SWAKS_RCPT_FAILED = 24


def swaks(up: MailkeepUp, listener: str, sender: str, recipient: str, *options: str) -> list[str]:
    host, port = up.place(listener)
    command = [program("swaks"), "--server", host, "--port", str(port), "--from", sender, "--to", recipient]
    return [*command, "--tls-verify", "--tls-ca-path", up.ca_file, "--timeout", "60", *options]


def swaks_login(tmp_path: Path, person: Person, mechanism: str) -> list[str]:
    """Options that name a file: swaks reads a password from there, and not from its command line."""
    config = private_file(
        tmp_path / "swaksrc",
        f"--auth {mechanism}\n--auth-user {person.address}\n--auth-password {person.api_key}\n",
    )
    return ["--config", str(config)]


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN"])
@pytest.mark.parametrize(("listener", "tls"), [("submission", "--tls"), ("submissions", "--tls-on-connect")])
def test_swaks_submits(
    mailkeep: MailkeepUp, person: Person, tmp_path: Path, mechanism: str, listener: str, tls: str
) -> None:
    login = swaks_login(tmp_path, person, mechanism)
    options = [tls, "--header", "Subject: from swaks", "--body", "..two dots\n.one dot"]
    succeed(swaks(mailkeep, listener, person.address, person.address, *options, *login), home=tmp_path)
    (stored,) = read_imap(mailkeep, person)
    assert b"Subject: from swaks\r\n" in stored
    assert stored.rstrip().endswith(b"..two dots\r\n.one dot")


def test_swaks_delivers_with_pipelining(mailkeep: MailkeepUp, person: Person, tmp_path: Path) -> None:
    other = mailkeep.add_person()
    recipients = f"{person.address},{other.address}"
    succeed(
        swaks(
            mailkeep,
            "mx",
            "bob@remote.example",
            recipients,
            "--tls",
            "--pipeline",
            "--ehlo",
            "mx.remote.example",
        ),
        home=tmp_path,
    )
    assert [len(read_imap(mailkeep, one)) for one in (person, other)] == [1, 1]


def test_swaks_is_told_no(mailkeep: MailkeepUp, person: Person, tmp_path: Path) -> None:
    wrong = Person(person.address, "mk_000000000_wrong")
    login = swaks_login(tmp_path, wrong, "PLAIN")
    ran = run(swaks(mailkeep, "submission", person.address, person.address, "--tls", *login), home=tmp_path)
    assert ran.returncode == SWAKS_AUTH_FAILED
    assert b"535 5.7.8" in ran.stdout
    ran = run(swaks(mailkeep, "mx", "bob@remote.example", "carol@elsewhere.example"), home=tmp_path)
    assert ran.returncode == SWAKS_RCPT_FAILED
    assert b"550 5.7.1" in ran.stdout


@pytest.mark.parametrize(("listener", "starttls"), [("submission", "on"), ("submissions", "off")])
def test_msmtp_submits(
    mailkeep: MailkeepUp, person: Person, tmp_path: Path, listener: str, starttls: str
) -> None:
    other = mailkeep.add_person()
    host, port = mailkeep.place(listener)
    config = private_file(
        tmp_path / "msmtprc",
        f"account default\nhost {host}\nport {port}\nfrom {person.address}\nauth on\n"
        f"user {person.address}\npassword {person.api_key}\n"
        f"tls on\ntls_starttls {starttls}\ntls_trust_file {mailkeep.ca_file}\n",
    )
    octets = message(other.address, "from msmtp", sender=person.address)
    # msmtp takes a message as sendmail does, with LF, and sends CRLF.
    succeed([program("msmtp"), "-C", str(config), other.address], octets.replace(b"\r\n", b"\n"), tmp_path)
    assert [beneath_trace(one) for one in read_imap(mailkeep, other)] == [octets]

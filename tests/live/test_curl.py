"""curl, which speaks all of it: smtp and smtps, imap and imaps, pop3 and pop3s, with a key or as a bearer."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.support.clients import beneath_trace, deliver, message, read_imap
from tests.support.hosts import MailkeepUp, Person
from tests.support.programs import private_file, program, run, succeed

CURL_LOGIN_DENIED = 67
CURL_SSL_FAILED = 64


def curl(up: MailkeepUp, tmp_path: Path, person: Person, *arguments: str, bearer: bool = False) -> list[str]:
    """A command line; the credential is in a file, out of the process list."""
    credential = f'user = "{person.address}:{person.api_key}"\n'
    if bearer:
        credential = f'user = "{person.address}"\noauth2-bearer = "{person.api_key}"\n'
    config = private_file(tmp_path / "curl.conf", credential)
    return [program("curl"), "-q", "-sS", "--cacert", up.ca_file, "--ssl-reqd", "-K", str(config), *arguments]


def url(up: MailkeepUp, scheme: str, listener: str, path: str = "") -> str:
    host, port = up.place(listener)
    return f"{scheme}://{host}:{port}{path}"


@pytest.mark.parametrize(("scheme", "listener"), [("smtp", "submission"), ("smtps", "submissions")])
@pytest.mark.parametrize("bearer", [False, True], ids=["key", "bearer"])
def test_curl_sends(
    mailkeep: MailkeepUp, person: Person, tmp_path: Path, scheme: str, listener: str, bearer: bool
) -> None:
    octets = message(person.address, sender=person.address)
    envelope = ["--mail-from", person.address, "--mail-rcpt", person.address, "-T", "-"]
    succeed(
        curl(mailkeep, tmp_path, person, url(mailkeep, scheme, listener), *envelope, bearer=bearer),
        stdin=octets,
    )
    assert [beneath_trace(one) for one in read_imap(mailkeep, person)] == [octets]


def test_curl_hands_in_mail_as_a_server_would(mailkeep: MailkeepUp, person: Person) -> None:
    octets = message(person.address)
    command = [program("curl"), "-q", "-sS", "--ssl-reqd", "--cacert", mailkeep.ca_file]
    command += [url(mailkeep, "smtp", "mx"), "--mail-from", "", "--mail-rcpt", person.address, "-T", "-"]
    succeed(command, stdin=octets)
    assert [beneath_trace(one) for one in read_imap(mailkeep, person)] == [octets]


@pytest.mark.parametrize(("scheme", "listener"), [("imap", "imap"), ("imaps", "imaps")])
@pytest.mark.parametrize("bearer", [False, True], ids=["key", "bearer"])
def test_curl_reads_by_imap(
    mailkeep: MailkeepUp, person: Person, tmp_path: Path, scheme: str, listener: str, bearer: bool
) -> None:
    deliver(mailkeep, person.address, message(person.address, "found by curl"))
    base = url(mailkeep, scheme, listener)
    listed = succeed(curl(mailkeep, tmp_path, person, f"{base}/", bearer=bearer))
    assert b"INBOX" in listed
    found = succeed(curl(mailkeep, tmp_path, person, f"{base}/INBOX?SUBJECT%20curl", bearer=bearer))
    assert found.split() == [b"*", b"SEARCH", b"1"]
    fetched = succeed(curl(mailkeep, tmp_path, person, f"{base}/INBOX;MAILINDEX=1", bearer=bearer))
    assert [fetched] == read_imap(mailkeep, person)


def test_curl_appends_by_imap(mailkeep: MailkeepUp, person: Person, tmp_path: Path) -> None:
    octets = message(person.address, "a draft")
    upload = tmp_path / "draft.eml"
    upload.write_bytes(octets)
    succeed(curl(mailkeep, tmp_path, person, url(mailkeep, "imaps", "imaps", "/Drafts"), "-T", str(upload)))
    assert read_imap(mailkeep, person, "Drafts") == [octets]


@pytest.mark.parametrize(("scheme", "listener"), [("pop3", "pop3"), ("pop3s", "pop3s")])
@pytest.mark.parametrize("bearer", [False, True], ids=["key", "bearer"])
def test_curl_reads_by_pop3(
    mailkeep: MailkeepUp, person: Person, tmp_path: Path, scheme: str, listener: str, bearer: bool
) -> None:
    deliver(mailkeep, person.address, message(person.address))
    base = url(mailkeep, scheme, listener)
    listed = succeed(curl(mailkeep, tmp_path, person, f"{base}/", bearer=bearer))
    (whole,) = read_imap(mailkeep, person)
    assert listed.split() == [b"1", str(len(whole)).encode()]
    assert succeed(curl(mailkeep, tmp_path, person, f"{base}/1", bearer=bearer)) == whole


@pytest.mark.parametrize(("scheme", "listener"), [("imaps", "imaps"), ("pop3s", "pop3s")])
@pytest.mark.parametrize("bearer", [False, True], ids=["key", "bearer"])
def test_curl_is_told_that_its_login_is_denied(
    mailkeep: MailkeepUp, person: Person, tmp_path: Path, scheme: str, listener: str, bearer: bool
) -> None:
    wrong = Person(person.address, "mk_000000000_wrong")
    ran = run(curl(mailkeep, tmp_path, wrong, url(mailkeep, scheme, listener, "/"), bearer=bearer))
    assert ran.returncode == CURL_LOGIN_DENIED, ran.stderr


def test_the_api_answers_curl(mailkeep: MailkeepUp, person: Person, tmp_path: Path) -> None:
    deliver(mailkeep, person.address, message(person.address, "seen by the API"))
    config = private_file(tmp_path / "curl.conf", f'header = "Authorization: ApiKey {person.api_key}"\n')
    command = [program("curl"), "-q", "-sS", "-K", str(config), "-w", "\n%{http_code}"]
    answer = succeed([*command, f"{mailkeep.api_url}/api/emails"]).decode()
    assert answer.endswith("\n200")
    assert "seen by the API" in answer

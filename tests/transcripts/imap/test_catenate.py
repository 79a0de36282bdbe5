"""CATENATE (RFC 4469): messages made of parts that are here already."""

from __future__ import annotations

from contextlib import ExitStack

import pytest
from tests.support.imap_host import Client, ImapHost, Login, Operator, imap_user

PARTS = (
    b"Subject: two parts\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
    b"--b\r\nContent-Type: text/plain\r\n\r\nfirst\r\n"
    b"--b\r\nContent-Type: text/html\r\n\r\nsecond\r\n--b--\r\n"
)


def body(client: Client, uid: int) -> bytes:
    """BODY[] of a message in the selected mailbox."""
    client.send(b"body UID FETCH %d BODY.PEEK[]\r\n" % uid)
    size = int(client.line().rpartition("{")[2].rstrip("}"))
    octets = client.octets(size)
    client.until("body")
    return octets


@pytest.fixture
def drafts(client: Client) -> Client:
    """A session with Drafts selected, where the message of two parts has UID 1."""
    client.append("Drafts", PARTS)
    client.command("SELECT Drafts")
    return client


def test_a_part_is_exchanged(drafts: Client) -> None:
    """Appendix A, example 2: all but the first part is here already."""
    text = b"--b\r\nContent-Type: text/plain\r\n\r\nnew text\r\n--b\r\n"
    head = f'(\\Draft) CATENATE (URL "/Drafts/;UID=1/;section=HEADER" TEXT {{{len(text)}}}'
    drafts.play(f"C: a APPEND Drafts {head}\nS: + ...")
    drafts.send(text + b' URL "/Drafts/;UID=1/;section=2.MIME" URL ";UID=1/;section=2"')
    drafts.send(b" TEXT {9+}\r\n\r\n--b--\r\n)\r\n")
    assert drafts.until("a")[-1].startswith("OK [APPENDUID ")
    assert body(drafts, 2) == PARTS.replace(b"first", b"new text")


@pytest.mark.parametrize(
    ("url", "octets"),
    [
        ("/Drafts/;UID=1", PARTS),
        (";UID=1", PARTS),
        ("/Drafts/;UID=1/;SECTION=1", b"first"),
        ("/Drafts/;UID=1/;SECTION=2/;PARTIAL=1.3", b"eco"),
        ("/Drafts/;UID=1/;PARTIAL=4", PARTS[4:]),
        ("/Drafts/;UID=1/;SECTION=HEADER.FIELDS%20(subject)", b"Subject: two parts\r\n\r\n"),
    ],
)
def test_what_a_url_stands_for(drafts: Client, url: str, octets: bytes) -> None:
    drafts.send(f'a APPEND Drafts CATENATE (TEXT {{1+}}\r\n> URL "{url}")\r\n'.encode())
    assert drafts.until("a")[-1].startswith("OK [APPENDUID")
    assert body(drafts, 2) == b">" + octets


def test_a_url_without_a_mailbox_means_the_selected_one_whatever_its_name(
    client: Client, other: Client
) -> None:
    client.command("CREATE a")
    client.append("a", PARTS)
    client.command("SELECT a")
    other.command("RENAME a b")
    other.command("CREATE a")
    other.append("a", b"Subject: another\r\n\r\nmessage\r\n")
    client.command('APPEND INBOX CATENATE (URL ";UID=1")')
    client.command("SELECT INBOX")
    assert body(client, 1) == PARTS


def test_urls_alone_and_as_literals(drafts: Client) -> None:
    drafts.play(
        'C: a APPEND Drafts CATENATE (URL "/Drafts/;UID=1")\nS: * 2 EXISTS\nS: * ... RECENT\nS: a OK ...'
    )
    drafts.send(b"b APPEND Drafts CATENATE (URL {14+}\r\n/Drafts/;UID=1)\r\n")
    assert drafts.until("b")[-1].startswith("OK [APPENDUID")
    assert body(drafts, 3) == PARTS


def test_reading_does_not_set_seen(drafts: Client) -> None:
    drafts.command('APPEND Drafts CATENATE (URL "/Drafts/;UID=1")')
    assert drafts.command("SEARCH SEEN") == ["* SEARCH"]


@pytest.mark.parametrize(
    "url",
    [
        "/Drafts/;UID=9",
        "/Drafts/;UID=1/;SECTION=7",
        "/Drafts;UIDVALIDITY=1/;UID=1",
        "/Nowhere/;UID=1",
        "imap://somebody@elsewhere.test/Drafts/;UID=1",
        "http://x/",
        "nonsense",
    ],
)
def test_a_url_that_leads_nowhere(drafts: Client, url: str) -> None:
    status = drafts.refused(f'APPEND Drafts CATENATE (URL "/Drafts/;UID=1" URL "{url}")')
    assert status.startswith(f"NO [BADURL {url}] ")
    assert drafts.command("STATUS Drafts (MESSAGES)") == ["* STATUS Drafts (MESSAGES 1)"]


def test_other_peoples_messages_are_out_of_reach(drafts: Client, host: ImapHost, user: Login) -> None:
    assert drafts.refused(f'APPEND Drafts CATENATE (URL "imap://{user.address}@x/Drafts/;UID=1")').startswith(
        "NO"
    )


def test_a_signed_url_of_somebody_elses_message(
    drafts: Client, user: Login, operator: Operator, host: ImapHost, exits: ExitStack
) -> None:
    """RFC 4467: part of the owner's message for whom the URL names, and for nobody else."""
    login = imap_user(operator)
    other = exits.enter_context(host.log_in(login))
    owner, reader = (one.address.replace("@", "%40") for one in (user, login))
    rump = f"imap://{owner}@mail.test/Drafts/;UID=1/;SECTION=1;URLAUTH=user+{reader}"
    (line,) = drafts.command(f'GENURLAUTH "{rump}" INTERNAL')
    good = line.removeprefix('* GENURLAUTH "').removesuffix('"')
    other.send(f'a APPEND INBOX CATENATE (TEXT {{1+}}\r\n> URL "{good}")\r\n'.encode())
    assert other.until("a")[-1].startswith("OK [APPENDUID")
    other.command("SELECT INBOX")
    assert body(other, 1) == b">first"
    forged = good[:-1] + ("0" if good[-1] != "0" else "1")
    for client, url in ((other, forged), (other, rump), (drafts, good)):
        assert client.refused(f'APPEND INBOX CATENATE (URL "{url}")').startswith("NO [BADURL imap://")


def test_several_messages_in_one_command(drafts: Client) -> None:
    head = b'APPEND Drafts CATENATE (TEXT {1+}\r\nx URL ";UID=1/;SECTION=1") (\\Seen) {2+}\r\nyy CATENATE'
    drafts.send(b"a %b (TEXT ~{3+}\r\nz\0z)\r\n" % head)
    assert drafts.until("a")[-1].startswith("NO [UNKNOWN-CTE]")  # all of them or none
    drafts.send(b"b %b (TEXT ~{3+}\r\nzzz)\r\n" % head)
    assert drafts.until("b")[-1].startswith("OK [APPENDUID ")
    assert [body(drafts, uid) for uid in (2, 3, 4)] == [b"xfirst", b"yy", b"zzz"]


def test_what_is_too_large(drafts: Client) -> None:
    drafts.append("Drafts", b"\r\n" + b"x" * 1_000_000)
    url = ' URL ";UID=2"' * 60
    assert drafts.refused(f"APPEND Drafts CATENATE ({url[1:]})").startswith("NO [TOOBIG]")
    many = ' URL ";UID=1"' * 1001
    assert drafts.refused(f"APPEND Drafts CATENATE ({many[1:]})").startswith("NO [TOOBIG]")


def test_nothing_is_no_message(drafts: Client) -> None:
    drafts.send(b"a APPEND Drafts CATENATE (TEXT {0+}\r\n)\r\n")
    assert drafts.until("a")[-1].startswith("BAD")


def test_no_mailbox_is_selected(host: ImapHost, user: Login) -> None:
    with host.log_in(user) as client:
        client.append("INBOX", PARTS)
        client.command('APPEND INBOX CATENATE (URL "/INBOX/;UID=1")')
        assert client.refused('APPEND INBOX CATENATE (URL ";UID=1")').startswith("NO [BADURL ;UID=1]")
        assert client.refused('APPEND Nope CATENATE (URL "/INBOX/;UID=1")').startswith("NO [TRYCREATE]")

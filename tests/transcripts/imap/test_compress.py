"""COMPRESS=DEFLATE: RFC 4978."""

from __future__ import annotations

import zlib

import pytest
from tests.support.imap_deflate import deflate
from tests.support.imap_host import Client, ImapHost, Login


@pytest.fixture
def squeezed(client: Client) -> Client:
    """A session that compresses."""
    client.play("C: z COMPRESS DEFLATE\nS: z OK ...")
    deflate(client)
    return client


def test_messages_go_both_ways(squeezed: Client) -> None:
    body = b"0123456789abcdef" * 20_000
    squeezed.append("INBOX", b"Subject: large\r\n\r\n" + body)
    squeezed.send(b"a FETCH 1 BODY.PEEK[TEXT]\r\n")
    assert squeezed.line().endswith(f"{{{len(body)}}}")
    assert squeezed.octets(len(body)) == body
    assert squeezed.line() == ")"
    assert squeezed.until("a")[-1].startswith("OK")


def test_each_answer_can_be_read_at_once_also_while_idle(squeezed: Client, other: Client) -> None:
    squeezed.play("C: a IDLE\nS: + ...")
    other.append("INBOX", b"x\r\n\r\n")
    squeezed.play("S: * 1 EXISTS\nS: ...\nC: DONE\nS: a OK ...")


def test_not_twice_and_not_with_another_user(squeezed: Client) -> None:
    (line,) = squeezed.command("CAPABILITY")
    assert not {"COMPRESS=DEFLATE", "UNAUTHENTICATE"} & set(line.split())
    squeezed.play("C: a COMPRESS DEFLATE\nS: a NO [COMPRESSIONACTIVE] ...")
    squeezed.play("C: b UNAUTHENTICATE\nS: b BAD ...")


def test_what_is_no_deflate_ends_the_connection(client: Client) -> None:
    client.play("C: z COMPRESS DEFLATE\nS: z OK ...")
    client.send(b"a NOOP\r\nb NOOP\r\n")
    deflate(client)
    assert client.line().startswith("* BYE")
    assert client.closed()


def test_not_before_login(host: ImapHost) -> None:
    with host.connect() as stranger:
        stranger.line()
        assert stranger.refused("COMPRESS DEFLATE").startswith("BAD")


def test_over_tls(host: ImapHost, user: Login) -> None:
    with host.connect_tls() as client:
        client.line()
        client.command(f"LOGIN {user.address} {user.key}")
        client.command("COMPRESS DEFLATE")
        deflate(client)
        client.play("C: a SELECT INBOX\nS: * FLAGS ...\nS: * 0 EXISTS")


def test_little_that_stands_for_much_is_bounded(host: ImapHost, client: Client) -> None:
    client.play("C: z COMPRESS DEFLATE\nS: z OK ...")
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    bomb = packer.compress(b"x" * 200_000_000) + packer.flush(zlib.Z_SYNC_FLUSH)
    before = host.resident_octets
    client.send(bomb)
    deflate(client)
    assert client.line().startswith("* BAD")
    assert host.resident_octets - before < 30_000_000

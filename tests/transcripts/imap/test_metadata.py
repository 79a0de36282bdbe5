"""METADATA (RFC 5464) and LIST-METADATA (RFC 9590)."""

from __future__ import annotations

from collections.abc import Callable

from tests.support.imap_host import Client, ImapHost, Login


def test_setting_reading_and_removing(client: Client) -> None:
    client.play(
        """
        C: a GETMETADATA INBOX /private/comment
        S: * METADATA INBOX (/private/comment NIL)
        S: a OK ...
        C: b SETMETADATA inbox (/private/comment "mine" /Shared/Comment {6+}
        C: line 2)
        S: b OK ...
        C: c GETMETADATA INBOX (/PRIVATE/comment /shared/comment)
        S: * METADATA INBOX (/PRIVATE/comment "mine" /shared/comment "line 2")
        S: c OK ...
        C: d SETMETADATA INBOX (/private/comment NIL)
        S: d OK ...
        C: e GETMETADATA INBOX (/private/comment /shared/comment)
        S: * METADATA INBOX (/private/comment NIL /shared/comment "line 2")
        S: e OK ...
        """
    )


def test_values_of_any_octets(client: Client) -> None:
    client.send(b"a SETMETADATA INBOX (/private/vendor/x/icon ~{4+}\r\n\0\r\n\xff)\r\n")
    client.play("S: a OK ...\nC: b GETMETADATA INBOX /private/vendor/x/icon")
    assert client.line() == "* METADATA INBOX (/private/vendor/x/icon ~{4}"
    assert client.octets(4) == b"\0\r\n\xff"
    client.play("S: )\nS: b OK ...")


def test_depth_and_largest_size(client: Client) -> None:
    client.play(
        """
        C: a SETMETADATA INBOX (/private/f/a "12345" /private/f/b "123" /private/f/b/c "1" /private/fx "")
        S: a OK ...
        C: b GETMETADATA INBOX (DEPTH 1) (/private/f)
        S: * METADATA INBOX (/private/f/a "12345" /private/f/b "123")
        S: b OK ...
        C: c GETMETADATA (DEPTH infinity MAXSIZE 2) INBOX /private
        S: * METADATA INBOX (/private/f/b/c "1" /private/fx "")
        S: c OK [METADATA LONGENTRIES 5] ...
        C: d GETMETADATA INBOX (MAXSIZE 3) (/private/f/a /private/f/b)
        S: * METADATA INBOX (/private/f/b "123")
        S: d OK [METADATA LONGENTRIES 5] ...
        C: e GETMETADATA INBOX (DEPTH infinity) /private/nothing
        S: e OK ...
        """
    )


def test_limits_rfc5464_4_3(client: Client) -> None:
    assert client.exchange(f"SETMETADATA INBOX (/private/a {{16385+}}\r\n{'x' * 16385})") == [
        "NO [METADATA MAXSIZE 16384] An annotation has at most 16384 octets."
    ]
    client.command(f"SETMETADATA INBOX (/private/a {{16384+}}\r\n{'x' * 16384})")
    many = " ".join(f'/private/{number} ""' for number in range(100))
    assert client.refused(f"SETMETADATA INBOX ({many})").startswith("NO [METADATA TOOMANY] ")
    assert client.command("GETMETADATA INBOX /private/0") == ["* METADATA INBOX (/private/0 NIL)"]


def test_a_large_answer_comes_in_pieces(client: Client) -> None:
    for number in range(12):
        client.command(f"SETMETADATA INBOX (/private/{number:02d} {{16000+}}\r\n{'x' * 16000})")
    lines = client.command("GETMETADATA INBOX (DEPTH 1) /private")
    assert sum(line.startswith("* METADATA INBOX ") for line in lines) == 3


def test_names_that_cannot_be(client: Client) -> None:
    for entry in ("/comment", "/shared//a", "/shared/a/", '"/shared/*"'):
        assert client.refused(f"GETMETADATA INBOX {entry}").startswith("BAD"), entry
        assert client.refused(f'SETMETADATA INBOX ({entry} "")').startswith("BAD"), entry
    for entry in ("/private", "/private/vendor/x"):
        assert client.refused(f'SETMETADATA INBOX ({entry} "")').startswith("NO [CANNOT] "), entry
    assert client.refused("GETMETADATA none /shared/comment").startswith("NO [NONEXISTENT] ")
    assert client.refused('SETMETADATA none (/shared/comment "")').startswith("NO [NONEXISTENT] ")


def test_the_servers_annotations(own_host: Callable[..., ImapHost], user: Login) -> None:
    host = own_host(IMAP_ADMIN="mailto:postmaster@example.test")
    with host.log_in(user) as client:
        client.play(
            """
            C: a GETMETADATA "" (/shared/admin /shared/comment)
            S: * METADATA "" (/shared/admin "mailto:postmaster@example.test" /shared/comment NIL)
            S: a OK ...
            C: b GETMETADATA "" (DEPTH infinity) /shared
            S: * METADATA "" (/shared/admin "mailto:postmaster@example.test")
            S: b OK ...
            C: c SETMETADATA "" (/shared/comment "mine")
            S: c NO [NOPERM] ...
            C: d SETMETADATA "" (/private/comment "mine")
            S: d OK ...
            C: e GETMETADATA "" /private/comment
            S: * METADATA "" (/private/comment "mine")
            S: e OK ...
            """
        )


def test_with_list_rfc9590_4(client: Client) -> None:
    client.command("CREATE a/b")
    client.command('SETMETADATA a/b (/shared/vendor/x/color "#b71c1c")')
    client.play(
        """
        C: a LIST "" a* RETURN (METADATA ("/shared/vendor/x/color") STATUS (MESSAGES))
        S: * LIST (\\HasChildren) "/" a
        S: * STATUS a (MESSAGES 0)
        S: * METADATA a (/shared/vendor/x/color NIL)
        S: * LIST (\\HasNoChildren) "/" a/b
        S: * STATUS a/b (MESSAGES 0)
        S: * METADATA a/b (/shared/vendor/x/color "#b71c1c")
        S: a OK ...
        """
    )


def test_a_name_without_a_mailbox_has_annotations_too(client: Client) -> None:
    client.command("CREATE a/b")
    client.command("DELETE a")
    client.command('SETMETADATA a (/private/comment "x")')
    assert client.command("GETMETADATA a /private/comment") == ['* METADATA a (/private/comment "x")']
    client.command("CREATE a")
    assert client.command("GETMETADATA a /private/comment") == ["* METADATA a (/private/comment NIL)"]

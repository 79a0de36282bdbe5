"""REPLACE (RFC 8508): a draft is saved again, in one step."""

from __future__ import annotations

from tests.support.imap_host import Client

MESSAGE = b"Subject: one\r\n\r\nbody\r\n"


def sent(client: Client, head: str, message: bytes = b"new") -> list[str]:
    """A command with a message behind it; what came, and the tagged status last."""
    client.send(f"r {head} {{{len(message)}+}}\r\n".encode() + message + b"\r\n")
    return client.until("r")


def test_in_the_same_mailbox(client: Client) -> None:
    client.append("INBOX", MESSAGE)
    client.append("INBOX", MESSAGE, r"(\Flagged) ")
    client.command("NOOP")
    lines = sent(client, r'REPLACE 2 INBOX (\Draft) "01-Jan-2001 00:00:00 +0000"')
    assert lines[0].startswith("* OK [APPENDUID ")
    assert lines[1:3] == ["* 2 EXPUNGE", "* 2 EXISTS"]
    assert lines[-1] == "OK REPLACE completed."
    client.play(
        r"""
        C: a FETCH 2 (UID FLAGS INTERNALDATE BODY.PEEK[])
        S: * 2 FETCH (UID 3 FLAGS (\Draft \Recent) INTERNALDATE "...2001 00:00:00 +0000" BODY[] {3}
        S: new)
        S: a OK ...
        """
    )


def test_into_another_mailbox(client: Client, other: Client) -> None:
    uid = client.append("INBOX", MESSAGE)
    other.command("SELECT Sent")
    lines = sent(client, f"UID REPLACE {uid} Sent ()")
    assert lines[0].startswith("* OK [APPENDUID ")
    assert "* 1 EXPUNGE" in lines
    assert "* 1 EXISTS" in other.command("NOOP")
    client.play("C: a STATUS INBOX (MESSAGES)\nS: * STATUS INBOX (MESSAGES 0)\nS: a OK ...")


def test_with_qresync(client: Client) -> None:
    client.append("INBOX", MESSAGE)
    client.command("ENABLE QRESYNC")
    lines = sent(client, "UID REPLACE 1 INBOX")
    assert "* VANISHED 1" in lines
    assert lines[-1].startswith("OK [HIGHESTMODSEQ ")


def test_of_parts(client: Client) -> None:
    """RFC 8508 section 4.2."""
    client.append("INBOX", MESSAGE)
    client.send(b'a UID REPLACE 1 INBOX CATENATE (TEXT {9+}\r\nTo: a@x\r\n URL "/INBOX/;UID=1")\r\n')
    assert client.until("a")[-1].startswith("OK")
    client.play("C: b FETCH 1 (RFC822.SIZE)\nS: * 1 FETCH (RFC822.SIZE 31)\nS: b OK ...")


def test_what_is_not_there(client: Client, other: Client) -> None:
    client.append("INBOX", MESSAGE)
    client.command("NOOP")
    assert sent(client, "UID REPLACE 7 INBOX")[-1].startswith("NO [EXPUNGEISSUED]")
    assert sent(client, "REPLACE 7 INBOX")[-1].startswith("BAD")
    assert sent(client, "UID REPLACE 1 Nope")[-1].startswith("NO [TRYCREATE]")
    other.command("NOOP")
    other.command(r"STORE 1 +FLAGS.SILENT (\Deleted)")
    other.command("EXPUNGE")
    assert sent(client, "REPLACE 1 INBOX")[-1].startswith("NO [EXPUNGEISSUED]")
    client.play("C: a STATUS INBOX (MESSAGES)\nS: * STATUS INBOX (MESSAGES 0)\nS: a OK ...")


def test_where_it_may_not_be_given(client: Client) -> None:
    client.append("INBOX", MESSAGE)
    client.command("EXAMINE INBOX")
    assert sent(client, "REPLACE 1 INBOX")[-1].startswith("NO [READ-ONLY]")
    client.command("UNSELECT")
    assert sent(client, "REPLACE 1 INBOX")[-1].startswith("BAD")
    client.command("ENABLE UIDONLY")
    client.command("SELECT INBOX")
    assert sent(client, "REPLACE 1 INBOX")[-1].startswith("BAD [UIDREQUIRED]")
    assert sent(client, "UID REPLACE 1 INBOX")[-1].startswith("OK")


def test_a_message_that_waits_for_leave_is_refused_unsent(client: Client) -> None:
    client.play("C: a REPLACE 1 Nope {3}\nS: a NO [TRYCREATE] ...")

"""Corners of CREATE, DELETE and RENAME, each looked up in Debian's Dovecot 2.3 as well.

The two differ in this: Dovecot does not rename INBOX (RFC 9051 section 6.3.6 has servers do it), and keeps
the names above a new mailbox as names alone, where here they are mailboxes.
"""

from __future__ import annotations

from tests.support.imap_host import Client

MESSAGE = b"Subject: one\r\n\r\nbody\r\n"


def uidvalidity(client: Client, name: str) -> int:
    (line,) = client.command(f"STATUS {name} (UIDVALIDITY)")
    return int(line.rpartition(" ")[2].rstrip(")"))


def test_renaming_inbox_moves_its_messages_and_leaves_its_children(client: Client, other: Client) -> None:
    client.append("INBOX", MESSAGE)
    client.append("INBOX", MESSAGE, "(\\Seen) ")
    client.command("CREATE INBOX/sub")
    before = uidvalidity(client, "INBOX")
    client.command("NOOP")
    other.command("NOOP")
    client.play(
        r"""
        C: a RENAME INBOX old/mail
        S: * 2 EXPUNGE
        S: * 1 EXPUNGE
        S: a OK ...
        C: b STATUS INBOX (MESSAGES UIDNEXT)
        S: * STATUS INBOX (MESSAGES 0 UIDNEXT 3)
        S: b OK ...
        C: c STATUS old/mail (MESSAGES UIDNEXT UNSEEN)
        S: * STATUS old/mail (MESSAGES 2 UIDNEXT 3 UNSEEN 1)
        S: c OK ...
        C: d LIST "" INBOX*
        S: * LIST (\HasChildren) "/" INBOX
        S: * LIST (\HasNoChildren) "/" INBOX/sub
        S: d OK ...
        C: e RENAME INBOX old/mail
        S: e NO [ALREADYEXISTS] ...
        C: f RENAME inbox INBOX
        S: f NO [ALREADYEXISTS] ...
        C: g RENAME INBOX INBOX/of-before
        S: g OK ...
        """
    )
    assert uidvalidity(client, "INBOX") == before
    assert uidvalidity(client, "old/mail") > before
    assert other.command("NOOP")[:2] == ["* 2 EXPUNGE", "* 1 EXPUNGE"]


def test_a_mailbox_made_again_under_an_old_name_has_a_higher_uidvalidity(client: Client) -> None:
    client.command("CREATE x")
    seen = [uidvalidity(client, "x")]
    for change in ("DELETE x", "RENAME x y", "RENAME x z"):
        client.command(change)
        client.command("CREATE x")
        seen.append(uidvalidity(client, "x"))
    assert seen == sorted(set(seen))
    client.command("DELETE x")
    client.command("RENAME y x")  # keeps its own, under which nobody has known another mailbox
    assert uidvalidity(client, "x") == seen[1]


def test_names_stay_for_what_is_below_and_no_longer(client: Client) -> None:
    client.command("CREATE p/q/r")
    client.command("DELETE p/q")
    client.command("DELETE p")
    client.play(
        r"""
        C: a LIST "" p*
        S: * LIST (\Noselect \HasChildren) "/" p
        S: * LIST (\Noselect \HasChildren) "/" p/q
        S: * LIST (\HasNoChildren) "/" p/q/r
        S: a OK ...
        C: b DELETE p/q
        S: b NO [HASCHILDREN] ...
        C: c APPEND p/q {20}
        S: c NO [TRYCREATE] ...
        C: d RENAME p s
        S: d OK ...
        C: e LIST "" s*
        S: * LIST (\Noselect \HasChildren) "/" s
        S: * LIST (\Noselect \HasChildren) "/" s/q
        S: * LIST (\HasNoChildren) "/" s/q/r
        S: e OK ...
        C: f DELETE s/q/r
        S: f OK ...
        C: g LIST "" s*
        S: g OK ...
        C: h CREATE t/u
        S: h OK ...
        C: i DELETE t
        S: i OK ...
        C: j RENAME t/u v
        S: j OK ...
        C: k LIST "" t*
        S: k OK ...
        """
    )


def test_what_cannot_be_renamed(client: Client) -> None:
    client.command("CREATE a/b")
    client.play(
        r"""
        C: a RENAME a a/b/c
        S: a NO [CANNOT] ...
        C: b RENAME a a
        S: b NO [ALREADYEXISTS] ...
        C: c RENAME a INBOX
        S: c NO [ALREADYEXISTS] ...
        C: d RENAME none other
        S: d NO [NONEXISTENT] ...
        C: e RENAME a inbox/k
        S: e OK ...
        C: f LIST "" inbox/*
        S: * LIST (\HasChildren) "/" INBOX/k
        S: * LIST (\HasNoChildren) "/" INBOX/k/b
        S: f OK ...
        """
    )


def test_deleting_the_mailbox_that_is_selected_closes_it(client: Client) -> None:
    client.command("CREATE doomed")
    client.append("doomed", MESSAGE)
    client.command("SELECT doomed")
    client.play(
        """
        C: a DELETE doomed
        S: * OK [CLOSED] ...
        S: a OK ...
        C: b FETCH 1 UID
        S: b BAD ...
        C: c NOOP
        S: c OK ...
        """
    )


def test_a_selected_mailbox_that_is_renamed_is_the_same(client: Client) -> None:
    client.command("CREATE a")
    client.append("a", MESSAGE)
    client.command("SELECT a")
    client.command("RENAME a b")
    client.append("b", MESSAGE)
    client.play("C: a FETCH 1:2 UID\nS: * 1 FETCH (UID 1)\nS: * 2 FETCH (UID 2)\nS: a OK ...")


def test_a_subscription_outlives_its_mailbox(client: Client) -> None:
    client.command("CREATE u")
    client.command("SUBSCRIBE u")
    client.command("RENAME u v")
    assert client.command('LSUB "" u') == ['* LSUB (\\Noselect) "/" u']
    assert client.command('LSUB "" v') == []
    client.command("CREATE u")
    assert client.command('LSUB "" u') == ['* LSUB () "/" u']

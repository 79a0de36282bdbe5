"""NOTIFY (RFC 5465): hearing of changes at any time, in any mailbox."""

from __future__ import annotations

import pytest
from tests.support.imap_host import Client, ImapHost, Login, Operator, imap_user

MESSAGE = b"Subject: one\r\n\r\nbody\r\n"
SELECTED = "(selected (MessageNew MessageExpunge FlagChange))"


@pytest.fixture
def listener(host: ImapHost, user: Login, client: Client) -> Client:
    """A session that has one message in INBOX selected, as `client` has."""
    client.append("INBOX", MESSAGE)
    client.command("NOOP")
    return host.log_in(user, "INBOX")


@pytest.fixture
def colleague(operator: Operator) -> Login:
    """Another user of the same domain."""
    return imap_user(operator)


# --- the selected mailbox ---------------------------------------------------------------------------


def test_the_selected_mailbox_is_told_of_at_once(listener: Client, client: Client) -> None:
    listener.command(f"NOTIFY SET {SELECTED}")
    client.append("INBOX", MESSAGE)
    listener.play("S: * 2 EXISTS\nS: * ... RECENT")
    client.command(r"UID STORE 2 +FLAGS.SILENT (\Deleted $Junk)")
    listener.play("S: * FLAGS ...\nS: * 2 FETCH (UID 2 FLAGS (\\Deleted $Junk...))")
    client.command("EXPUNGE")
    listener.play("S: * 2 EXPUNGE")
    assert listener.is_quiet()
    listener.play("C: a NOOP\nS: a OK ...")


def test_new_messages_are_fetched(listener: Client, client: Client) -> None:
    attributes = "uid body.peek[header.fields (subject)]"
    listener.command(f"NOTIFY SET (selected (MessageNew ({attributes}) MessageExpunge))")
    client.append("INBOX", b"Subject: new\r\nX: y\r\n\r\n")
    listener.play(
        """
        S: * 2 EXISTS
        S: * ... RECENT
        S: * 2 FETCH (UID 2 BODY[HEADER.FIELDS (subject)] {16}
        S: Subject: new
        S:
        S: )
        """
    )
    assert client.command("UID SEARCH SEEN") == ["* SEARCH"]
    listener.append("INBOX", MESSAGE)  # its own: section 5.2
    client.command(r"UID STORE 2 +FLAGS.SILENT (\Answered)")
    assert listener.is_quiet()


def test_with_a_command_under_way(listener: Client, client: Client) -> None:
    listener.command("NOTIFY SET (selected (MessageNew (UID) MessageExpunge))")
    listener.play("C: a APPEND INBOX {22}\nS: + ...")
    client.append("INBOX", MESSAGE)
    listener.send(MESSAGE + b"\r\n")
    lines = listener.until("a")
    assert any(line.endswith(" EXISTS") for line in lines)
    assert [line for line in lines if "FETCH" in line] == ["* 2 FETCH (UID 2)"]


def test_delayed_expunges(listener: Client, client: Client) -> None:
    listener.command("NOTIFY SET (selected-delayed (MessageNew MessageExpunge))")
    client.append("INBOX", MESSAGE)
    listener.play("S: * 2 EXISTS\nS: * ... RECENT")
    client.command(r"UID STORE 1 +FLAGS.SILENT (\Deleted)")
    client.command("EXPUNGE")
    assert listener.is_quiet()
    listener.play("C: a FETCH 2 UID\nS: * 2 FETCH (UID 2)\nS: a OK ...")
    listener.play("C: b NOOP\nS: * 1 EXPUNGE\nS: b OK ...")
    listener.play("C: c IDLE\nS: + ...")
    client.command(r"UID STORE 2 +FLAGS.SILENT (\Deleted)")
    client.command("EXPUNGE")
    listener.play("S: * 1 EXPUNGE\nC: DONE\nS: c OK ...")


@pytest.mark.parametrize(
    "command", ["NOTIFY NONE", "NOTIFY SET (selected NONE)", "NOTIFY SET (personal NONE)"]
)
def test_nothing_is_told_to_who_wants_nothing(listener: Client, client: Client, command: str) -> None:
    listener.command(command)
    client.append("INBOX", MESSAGE)
    assert listener.command("NOOP") == []
    listener.play("C: a IDLE\nS: + ...")
    client.append("INBOX", MESSAGE)
    assert listener.is_quiet()
    listener.play("C: DONE\nS: a OK ...")
    lines = listener.command(r"STORE 1 +FLAGS (\Deleted)")
    assert r"* 1 FETCH (UID 1 FLAGS (\Deleted))" in [line.replace(r" \Recent", "") for line in lines]
    assert "* 1 EXPUNGE" in listener.command("EXPUNGE")  # its own
    listener.command("NOTIFY SET (selected (MessageNew MessageExpunge))")
    client.append("INBOX", MESSAGE)
    assert listener.line().endswith(" EXISTS")


def test_flags_that_nobody_wants_to_hear_of(listener: Client, client: Client) -> None:
    listener.command("NOTIFY SET (selected (MessageNew MessageExpunge))")
    client.command(r"UID STORE 1 +FLAGS.SILENT (\Answered)")
    assert listener.is_quiet()
    assert listener.command("NOOP") == []
    listener.command(f"NOTIFY SET {SELECTED}")
    client.command(r"UID STORE 1 +FLAGS.SILENT (\Draft)")
    assert listener.line().startswith("* 1 FETCH (UID 1 FLAGS (")


def test_what_has_gathered_is_told_first(listener: Client, client: Client) -> None:
    client.append("INBOX", MESSAGE)
    assert "* 2 EXISTS" in listener.command(f"NOTIFY SET {SELECTED}")


def test_it_follows_the_selection(listener: Client, client: Client) -> None:
    listener.command(f"NOTIFY SET {SELECTED}")
    listener.command("SELECT Sent")
    client.append("Sent", MESSAGE)
    listener.play("S: * 1 EXISTS\nS: * ... RECENT")
    client.append("INBOX", MESSAGE)
    assert listener.is_quiet()


def test_searches_that_are_followed(listener: Client, client: Client) -> None:
    """Section 7: EXISTS, FETCH and ESEARCH, in that order."""
    listener.command(f"NOTIFY SET {SELECTED}")
    listener.command("UID SEARCH RETURN (UPDATE (UID RFC822.SIZE)) FLAGGED")
    client.append("INBOX", MESSAGE, r"(\Flagged) ")
    listener.play(
        "S: * 2 EXISTS\nS: * ... RECENT\nS: * 2 FETCH (UID 2 RFC822.SIZE 22)\nS: * ESEARCH ... ADDTO (0 2)"
    )
    client.append("INBOX", MESSAGE)
    listener.play("S: * 3 EXISTS\nS: * ... RECENT")
    client.command(r"UID STORE 3 +FLAGS.SILENT (\Flagged)")
    listener.play("S: * 3 FETCH (UID 3 FLAGS (...))\nS: * ESEARCH ... ADDTO (0 3)")
    assert listener.is_quiet()


# --- other mailboxes --------------------------------------------------------------------------------


def test_messages_in_other_mailboxes(listener: Client, client: Client) -> None:
    listener.play(
        """
        C: a NOTIFY SET STATUS (mailboxes (Sent nowhere) (MessageNew MessageExpunge))
        S: * STATUS Sent (MESSAGES 0 UIDNEXT 1 UIDVALIDITY ...)
        S: a OK ...
        """
    )
    client.append("Sent", MESSAGE)
    listener.play("S: * STATUS Sent (UIDNEXT 2 MESSAGES 1)")
    client.command("SELECT Sent")
    client.command(r"STORE 1 +FLAGS.SILENT (\Deleted)")
    assert listener.is_quiet()
    client.command("EXPUNGE")
    listener.play("S: * STATUS Sent (UIDNEXT 2 MESSAGES 0)")
    client.append("Drafts", MESSAGE)
    client.append("INBOX", MESSAGE)
    assert listener.is_quiet()


def test_flags_in_other_mailboxes(listener: Client, client: Client) -> None:
    client.append("Sent", MESSAGE)
    client.command("SELECT Sent")
    listener.command("NOTIFY SET (personal (MessageNew MessageExpunge FlagChange))")
    client.command(r"STORE 1 +FLAGS.SILENT (\Flagged)")
    assert listener.is_quiet()  # section 5.1: without CONDSTORE there would be nothing to say
    client.command(r"STORE 1 +FLAGS.SILENT (\Seen)")
    listener.play("S: * STATUS Sent (UIDVALIDITY ... UNSEEN 0)")
    listener.command("ENABLE CONDSTORE")
    client.command(r"STORE 1 -FLAGS.SILENT (\Flagged)")
    listener.play("S: * STATUS Sent (HIGHESTMODSEQ ... UIDVALIDITY ...)")
    client.append("Sent", MESSAGE)
    listener.play("S: * STATUS Sent (UIDNEXT 3 MESSAGES 2 HIGHESTMODSEQ ... UNSEEN 1)")


def test_what_was_not_told_of_the_selected_mailbox_is_told_when_it_is_left(
    listener: Client, client: Client
) -> None:
    """Who wants nothing of the selected mailbox as such, or no expunges yet, is owed them behind it."""
    listener.command("NOTIFY SET (personal (MessageNew MessageExpunge FlagChange))")
    client.append("INBOX", MESSAGE)
    client.command(r"STORE 1:2 +FLAGS.SILENT (\Seen)")
    assert listener.command("NOOP") == []
    assert "* STATUS INBOX (UIDNEXT 3 MESSAGES 2 UNSEEN 0)" in listener.command("SELECT Sent")
    listener.command("SELECT INBOX")
    client.command(r"STORE 1 -FLAGS.SILENT (\Seen)")
    assert listener.command("NOOP") == []
    assert _is_told(listener.command("UNSELECT"), "UNSEEN 1")
    listener.command("SELECT INBOX")
    listener.command(
        "NOTIFY SET (selected-delayed (MessageNew MessageExpunge)) (personal (MessageNew MessageExpunge))"
    )
    client.command(r"STORE 1 +FLAGS.SILENT (\Deleted)")
    client.command("EXPUNGE")
    assert listener.is_quiet()
    assert "* STATUS INBOX (UIDNEXT 3 MESSAGES 1)" in listener.command("SELECT Sent")
    assert listener.command("SELECT INBOX")[0].startswith("* OK [CLOSED]")
    assert not _is_told(listener.command("SELECT Sent"), "MESSAGES")  # nothing is owed


def _is_told(lines: list[str], item: str) -> bool:
    return any(line.startswith("* STATUS INBOX (") and item in line for line in lines)


def test_mailboxes_that_come_later(listener: Client, client: Client) -> None:
    listener.command("NOTIFY SET (subtree Lists (MessageNew MessageExpunge))")
    client.command("CREATE Lists/a")
    client.append("Lists/a", MESSAGE)
    listener.play("S: * STATUS Lists/a (... MESSAGES 1)")
    client.append("Lists/a", MESSAGE)
    listener.play("S: * STATUS Lists/a (UIDNEXT 3 MESSAGES 2)")


def test_names(listener: Client, client: Client) -> None:
    listener.command("NOTIFY SET (personal (MailboxName))")
    client.command("CREATE a/b")
    listener.play(
        """
        S: * LIST (\\HasChildren) "/" a
        S: * LIST (\\HasNoChildren) "/" a/b
        """
    )
    client.command("RENAME a c")
    listener.play('S: * LIST (\\HasChildren) "/" c ("OLDNAME" (a))')
    client.command("DELETE c/b")
    listener.play('S: * LIST (\\HasNoChildren) "/" c\nS: * LIST (\\NonExistent) "/" c/b')
    client.command("SUBSCRIBE c")
    assert listener.is_quiet()


def test_subscriptions(listener: Client, client: Client) -> None:
    listener.command("NOTIFY SET (mailboxes (a Sent) (SubscriptionChange))")
    client.command("UNSUBSCRIBE Sent")
    listener.play('S: * LIST (\\HasNoChildren \\Sent) "/" Sent')
    client.command("SUBSCRIBE a")
    listener.play('S: * LIST (\\NonExistent \\Subscribed) "/" a')
    client.command("UNSUBSCRIBE Drafts")
    client.command("CREATE a")
    assert listener.is_quiet()


def test_what_is_subscribed_is_watched(listener: Client, client: Client) -> None:
    """Section 6.4: the list is evaluated again when it changes."""
    client.command("CREATE a")
    listener.command("NOTIFY SET (subscribed (MessageNew MessageExpunge))")
    client.append("a", MESSAGE)
    assert listener.is_quiet()
    client.command("SUBSCRIBE a")
    assert listener.command("NOOP") == []
    client.append("a", MESSAGE)
    listener.play("S: * STATUS a (UIDNEXT 3 MESSAGES 2)")


def test_annotations(listener: Client, client: Client) -> None:
    client.command('SETMETADATA Sent (/private/comment "old")')
    listener.command("NOTIFY SET (personal (MailboxMetadataChange ServerMetadataChange))")
    client.command('SETMETADATA Sent (/private/comment "new" /shared/comment "x")')
    listener.play("S: * METADATA Sent /private/comment /shared/comment")
    client.command('SETMETADATA Sent (/private/comment NIL /shared/comment "x")')
    listener.play("S: * METADATA Sent /private/comment")
    client.command('SETMETADATA "" (/private/comment "x")')
    listener.play('S: * METADATA "" /private/comment')


def test_ones_own_doings_are_no_news(listener: Client) -> None:
    listener.command("NOTIFY SET (personal (MailboxName SubscriptionChange MailboxMetadataChange))")
    for command in (
        "CREATE a",
        "SUBSCRIBE a",
        'SETMETADATA a (/private/comment "x")',
        "RENAME a b",
        "UNSUBSCRIBE a",
        "DELETE b",
    ):
        assert listener.command(command) == [], command
    assert listener.is_quiet()


def test_ones_own_messages_are_no_news(listener: Client, client: Client) -> None:
    listener.command("NOTIFY SET (mailboxes (Sent Trash) (MessageNew MessageExpunge))")
    listener.append("Sent", MESSAGE)
    assert not any(
        "STATUS" in line for line in listener.command("COPY 1 Trash") + listener.command("MOVE 1 Trash")
    )
    assert listener.is_quiet()
    client.append("Sent", MESSAGE)
    listener.play("S: * STATUS Sent (UIDNEXT 3 MESSAGES 2)")


def test_with_nothing_selected(host: ImapHost, user: Login, client: Client) -> None:
    with host.log_in(user) as listener:
        listener.command("NOTIFY SET (personal (MessageNew MessageExpunge))")
        client.append("INBOX", MESSAGE)
        listener.play("S: * STATUS INBOX (UIDNEXT 2 MESSAGES 1)")
        listener.play("C: a IDLE\nS: + ...")
        client.append("INBOX", MESSAGE)
        listener.play("S: * STATUS INBOX (UIDNEXT 3 MESSAGES 2)\nC: DONE\nS: a OK ...")
        listener.command("NOTIFY NONE")
        client.append("INBOX", MESSAGE)
        assert listener.is_quiet()


def test_mailboxes_of_others(host: ImapHost, user: Login, client: Client, colleague: Login) -> None:
    client.command(f"SETACL Sent {colleague.address} lr")
    client.command(f"SETACL Drafts {colleague.address} l")
    theirs = f"Other Users/{user.address}"
    with host.log_in(colleague) as listener:
        listener.play(
            f"""
            C: a NOTIFY SET STATUS (subtree "{theirs}" (MessageNew MessageExpunge))
            S: * LIST (\\NoAccess) "/" "{theirs}/Drafts"
            S: * STATUS "{theirs}/Sent" (MESSAGES 0 ...)
            S: a OK ...
            """
        )
        client.append("Sent", MESSAGE)
        listener.play(f'S: * STATUS "{theirs}/Sent" (UIDNEXT 2 MESSAGES 1)')
        client.command(f"DELETEACL Sent {colleague.address}")
        client.append("Sent", MESSAGE)
        assert listener.is_quiet()


def test_what_is_shared_for_the_first_time(
    host: ImapHost, user: Login, client: Client, colleague: Login
) -> None:
    theirs = f"Other Users/{user.address}"
    with host.log_in(colleague) as listener:
        listener.command('NOTIFY SET (subtree "Other Users" (MessageNew MessageExpunge MailboxName))')
        client.command(f"SETACL Sent {colleague.address} lr")
        listener.play(
            f"""
            S: * LIST (...) "/" "{theirs}"
            S: * LIST (...) "/" "{theirs}/Sent"
            """
        )
        client.append("Sent", MESSAGE)
        listener.play(f'S: * STATUS "{theirs}/Sent" (UIDNEXT 2 MESSAGES 1)')
        client.command("CREATE Sent/2026")
        listener.play(f'S: * LIST (\\HasChildren) "/" "{theirs}/Sent"')
        listener.play(f'S: * LIST (...) "/" "{theirs}/Sent/2026"')


# --- refusals ---------------------------------------------------------------------------------------


def test_events_that_there_are_none_of(listener: Client) -> None:
    status = listener.refused("NOTIFY SET (personal (MessageNew MessageExpunge AnnotationChange))")
    assert status.startswith("NO [BADEVENT (MessageNew MessageExpunge FlagChange MailboxName ")


def test_unauthenticate_ends_it(listener: Client, client: Client) -> None:
    listener.command("NOTIFY SET (personal (MessageNew MessageExpunge))")
    listener.command("UNAUTHENTICATE")
    client.append("Sent", MESSAGE)
    assert listener.is_quiet()

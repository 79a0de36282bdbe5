"""SELECT to CHECK: RFC 9051 sections 6.3.2 to 6.3.8, 6.3.11, 6.4.1 to 6.4.3, and RFC 3501."""

from __future__ import annotations

import pytest
from tests.support.imap_host import Client, ImapHost, Login, Operator

MESSAGE = b"From: a@example.test\r\nSubject: one\r\n\r\nbody\r\n"


# --- SELECT and EXAMINE -----------------------------------------------------------------------------


def test_select_tells_what_is_there(host: ImapHost, operator: Operator, user: Login) -> None:
    operator.append(user, MESSAGE, MESSAGE, MESSAGE)
    with host.log_in(user) as client:
        client.play(
            r"""
            C: a SELECT inbox
            S: * FLAGS (\Answered \Flagged \Deleted \Seen \Draft)
            S: * 3 EXISTS
            S: * 3 RECENT
            S: * OK [UNSEEN 1] ...
            S: * OK [PERMANENTFLAGS (\Answered \Flagged \Deleted \Seen \Draft \*)] ...
            S: * OK [UIDVALIDITY <validity>] ...
            S: * OK [UIDNEXT 4] ...
            S: * OK [HIGHESTMODSEQ ...] ...
            S: * OK [MAILBOXID (...)] ...
            S: * OK [URLMECH INTERNAL] ...
            S: a OK [READ-WRITE] SELECT completed.
            C: b STORE 1 +FLAGS.SILENT (\Seen $Work)
            S: * FLAGS (\Answered \Flagged \Deleted \Seen \Draft $Work)
            S: b OK STORE completed.
            C: c SELECT "INBOX"
            S: * OK [CLOSED] ...
            S: * FLAGS (\Answered \Flagged \Deleted \Seen \Draft $Work)
            S: * 3 EXISTS
            S: * 0 RECENT
            S: * OK [UNSEEN 2] ...
            S: * OK [PERMANENTFLAGS (\Answered \Flagged \Deleted \Seen \Draft $Work \*)] ...
            S: * OK [UIDVALIDITY <validity>] ...
            S: * OK [UIDNEXT 4] ...
            S: * OK [HIGHESTMODSEQ ...] ...
            S: * OK [MAILBOXID (...)] ...
            S: * OK [URLMECH INTERNAL] ...
            S: c OK [READ-WRITE] SELECT completed.
            """
        )


def test_examine_changes_nothing(host: ImapHost, operator: Operator, user: Login) -> None:
    operator.append(user, MESSAGE)
    with host.log_in(user) as client:
        client.play(
            r"""
            C: a EXAMINE INBOX
            S: * FLAGS ...
            S: * 1 EXISTS
            S: * 1 RECENT
            S: * OK [UNSEEN 1] ...
            S: * OK [PERMANENTFLAGS ()] ...
            S: * OK [UIDVALIDITY <v>] ...
            S: * OK [UIDNEXT 2] ...
            S: * OK [HIGHESTMODSEQ ...] ...
            S: * OK [MAILBOXID (...)] ...
            S: * OK [URLMECH INTERNAL] ...
            S: a OK [READ-ONLY] EXAMINE completed.
            C: b STORE 1 +FLAGS (\Deleted)
            S: b NO [READ-ONLY] ...
            C: c FETCH 1 (FLAGS BODY[TEXT])
            S: * 1 FETCH (FLAGS (\Recent) BODY[TEXT] {6}
            S: body
            S: )
            S: c OK FETCH completed.
            C: d EXPUNGE
            S: d NO [READ-ONLY] ...
            C: e MOVE 1 Trash
            S: e NO [READ-ONLY] ...
            C: f COPY 1 Trash
            S: f OK [COPYUID ... 1 1] ...
            C: g CLOSE
            S: g OK CLOSE completed.
            C: h STATUS INBOX (MESSAGES UNSEEN RECENT)
            S: * STATUS INBOX (MESSAGES 1 UNSEEN 1 RECENT 1)
            S: h OK STATUS completed.
            """
        )


def test_a_failed_select_leaves_the_mailbox(client: Client) -> None:
    client.play(
        """
        C: a SELECT Nowhere
        S: * OK [CLOSED] ...
        S: a NO [NONEXISTENT] ...
        C: b FETCH 1:* FLAGS
        S: b BAD No mailbox is selected.
        """
    )


# --- CREATE, DELETE, RENAME ---------------------------------------------------------------------------


def test_create_makes_parents_and_ignores_a_final_delimiter(client: Client) -> None:
    client.play(
        r"""
        C: a CREATE work/2026/
        S: a OK [MAILBOXID (...)] CREATE completed.
        C: b LIST "" work*
        S: * LIST (\HasChildren) "/" work
        S: * LIST (\HasNoChildren) "/" work/2026
        S: b OK ...
        C: c CREATE work
        S: c NO [ALREADYEXISTS] ...
        C: d CREATE Inbox
        S: d NO [ALREADYEXISTS] ...
        """
    )


@pytest.mark.parametrize(
    "name", ['""', '"/"', '"a//b"', '"/a"', '"a\tb"', '"' + "x" * 300 + '"', '"a/' * 1 + "b/" * 30 + 'c"']
)
def test_names_that_cannot_be(client: Client, name: str) -> None:
    assert client.refused(f"CREATE {name}").startswith(("NO", "BAD"))


def test_deleting_a_mailbox_with_children_leaves_its_name(client: Client) -> None:
    client.play(
        r"""
        C: a CREATE top/sub
        S: a OK ...
        C: b DELETE top
        S: b OK DELETE completed.
        C: c LIST "" top*
        S: * LIST (\Noselect \HasChildren) "/" top
        S: * LIST (\HasNoChildren) "/" top/sub
        S: c OK ...
        C: d SELECT top
        S: * OK [CLOSED] ...
        S: d NO [NONEXISTENT] ...
        C: e DELETE top
        S: e NO ...
        C: f STATUS top (MESSAGES)
        S: f NO [NONEXISTENT] ...
        C: g CREATE top
        S: g OK ...
        C: h SELECT top
        S: ...
        S: * 0 EXISTS
        S: ...
        S: ...
        S: ...
        S: ...
        S: ...
        S: ...
        S: ...
        S: h OK ...
        """
    )


def test_delete_refuses_inbox_and_what_is_not_there(client: Client) -> None:
    client.play(
        """
        C: a DELETE INBOX
        S: a NO [NOPERM] ...
        C: b DELETE nothing
        S: b NO [NONEXISTENT] ...
        """
    )


def test_uidvalidity_grows_when_a_name_is_used_again(client: Client) -> None:
    first = client.play(
        """
        C: a CREATE again
        S: a OK ...
        C: b STATUS again (UIDVALIDITY UIDNEXT)
        S: * STATUS again (UIDVALIDITY <validity> UIDNEXT 1)
        S: b OK ...
        """
    )
    assert client.append("again", MESSAGE) == 1
    second = client.play(
        """
        C: c DELETE again
        S: c OK ...
        C: d CREATE again
        S: d OK ...
        C: e STATUS again (UIDVALIDITY UIDNEXT MESSAGES)
        S: * STATUS again (UIDVALIDITY <validity> UIDNEXT 1 MESSAGES 0)
        S: e OK ...
        """
    )
    assert int(second["validity"]) > int(first["validity"])


def test_rename_takes_the_children_along(client: Client) -> None:
    client.play(
        r"""
        C: a CREATE old/child
        S: a OK ...
        C: b RENAME old new/name
        S: b OK RENAME completed.
        C: c LIST "" *e*
        S: * LIST (\HasNoChildren \Archive) "/" Archive
        S: * LIST (\HasNoChildren \Sent) "/" Sent
        S: * LIST (\HasChildren) "/" new
        S: * LIST (\HasChildren) "/" new/name
        S: * LIST (\HasNoChildren) "/" new/name/child
        S: c OK ...
        C: d RENAME nothing else
        S: d NO [NONEXISTENT] ...
        C: e RENAME new Trash
        S: e NO [ALREADYEXISTS] ...
        C: f RENAME new new/deeper
        S: f NO ...
        """
    )


def test_renaming_inbox_moves_its_messages_and_leaves_it_empty(client: Client, other: Client) -> None:
    """RFC 9051 section 6.3.6; a session that has INBOX selected is told that the messages are gone."""
    client.append("INBOX", MESSAGE)
    client.append("INBOX", MESSAGE, r"(\Flagged) ")
    other.command("NOOP")
    client.play(
        r"""
        C: a CREATE INBOX/kept
        S: a OK ...
        C: b RENAME INBOX old-mail
        S: * 2 EXPUNGE
        S: * 1 EXPUNGE
        S: b OK RENAME completed.
        C: c STATUS INBOX (MESSAGES)
        S: * STATUS INBOX (MESSAGES 0)
        S: c OK ...
        C: d STATUS INBOX/kept (MESSAGES)
        S: * STATUS INBOX/kept (MESSAGES 0)
        S: d OK ...
        C: e EXAMINE old-mail
        S: * OK [CLOSED] ...
        S: * FLAGS ...
        S: * 2 EXISTS
        S: ...
        S: ...
        S: ...
        S: ...
        S: ...
        S: ...
        S: ...
        S: ...
        S: e OK ...
        C: f FETCH 1:2 FLAGS
        S: * 1 FETCH (FLAGS (\Recent))
        S: * 2 FETCH (FLAGS (\Flagged \Recent))
        S: f OK ...
        """
    )
    other.play(
        """
        C: a NOOP
        S: * 2 EXPUNGE
        S: * 1 EXPUNGE
        S: a OK ...
        """
    )


def test_a_session_keeps_a_mailbox_that_is_renamed(client: Client, other: Client) -> None:
    client.play("C: a CREATE before\nS: a OK ...")
    client.append("before", MESSAGE)
    other.command("SELECT before")
    client.play("C: b RENAME before after\nS: b OK ...")
    other.play(
        """
        C: a FETCH 1 (UID RFC822.SIZE)
        S: * 1 FETCH (UID 1 RFC822.SIZE 44)
        S: a OK ...
        """
    )


@pytest.mark.parametrize("waiting", ["", "C: i IDLE\nS: + ...", "C: n NOOP\nS: n OK ..."])
def test_a_mailbox_deleted_under_a_session(client: Client, other: Client, waiting: str) -> None:
    """RFC 2180 section 3.3: the session ends. It could not go on: NOOP and IDLE have no NO."""
    client.command("CREATE doomed/child")
    client.append("doomed", MESSAGE)
    other.command("SELECT doomed")
    other.play(waiting)
    client.command("DELETE doomed")  # whose name stays, for the child's sake
    assert other.line() == "* BYE The selected mailbox has been deleted."
    assert other.closed()


def test_a_mailbox_deleted_while_a_message_comes(client: Client, other: Client) -> None:
    """The message goes elsewhere, and is kept: whoever sent it must not send it again."""
    client.command("CREATE doomed")
    other.command("SELECT doomed")
    other.play(f"C: a APPEND INBOX {{{len(MESSAGE)}}}\nS: + ...")
    client.command("DELETE doomed")
    other.send(MESSAGE + b"\r\n")
    other.play("S: a OK [APPENDUID ...\nS: * BYE The selected mailbox has been deleted.")
    assert "* 1 EXISTS" in client.command("NOOP")


def test_a_mailbox_deleted_after_a_session_left_it(client: Client, other: Client) -> None:
    client.command("CREATE doomed")
    other.command("SELECT doomed")
    other.command("UNSELECT")
    client.command("DELETE doomed")
    other.command("NOOP")


# --- names in modified UTF-7 --------------------------------------------------------------------------


def test_names_beyond_ascii_travel_in_modified_utf7(client: Client) -> None:
    """RFC 3501 section 5.1.3; a literal may stand wherever an astring may."""
    client.play(
        r"""
        C: a CREATE "Entw&APw-rfe/~peter&-Co"
        S: a OK ...
        C: b LIST "" Entw*
        S: * LIST (\HasChildren) "/" Entw&APw-rfe
        S: * LIST (\HasNoChildren) "/" Entw&APw-rfe/~peter&-Co
        S: b OK ...
        C: c STATUS {12}
        S: + ...
        C: Entw&APw-rfe (MESSAGES)
        S: * STATUS Entw&APw-rfe (MESSAGES 0)
        S: c OK ...
        C: d RENAME {12+}
        C: Entw&APw-rfe {12+}
        C: &ZeVnLIqe-/x
        S: d OK ...
        C: e LIST "" {13+}
        C: &ZeVnLIqe-/x%
        S: * LIST (\HasChildren) "/" &ZeVnLIqe-/x
        S: e OK ...
        """
    )


@pytest.mark.parametrize("name", ["&Jjo!", "&AGE-", "&", "&AAA-", "\u00fc"])
def test_names_that_are_not_modified_utf7(client: Client, name: str) -> None:
    assert client.refused(f'CREATE "{name}"').startswith(("NO [CANNOT]", "BAD"))


# --- STATUS, CLOSE, UNSELECT, EXPUNGE -------------------------------------------------------------------


def test_status_of_another_and_of_the_selected_mailbox(client: Client) -> None:
    client.append("Drafts", MESSAGE, r"(\Draft) ")
    client.append("Drafts", MESSAGE, r"(\Draft \Seen) ")
    client.play(
        """
        C: a STATUS Drafts (UNSEEN MESSAGES RECENT UIDNEXT)
        S: * STATUS Drafts (UNSEEN 1 MESSAGES 2 RECENT 2 UIDNEXT 3)
        S: a OK ...
        C: b STATUS INBOX (MESSAGES)
        S: * STATUS INBOX (MESSAGES 0)
        S: b OK ...
        C: c STATUS Drafts (NOTHING)
        S: c BAD ...
        C: d STATUS Drafts ()
        S: d BAD ...
        """
    )


def test_close_expunges_silently(client: Client) -> None:
    client.append("INBOX", MESSAGE, r"(\Deleted) ")
    client.append("INBOX", MESSAGE)
    client.play(
        """
        C: a CLOSE
        S: a OK CLOSE completed.
        C: b STATUS INBOX (MESSAGES)
        S: * STATUS INBOX (MESSAGES 1)
        S: b OK ...
        """
    )


def test_unselect_expunges_nothing(client: Client) -> None:
    client.append("INBOX", MESSAGE, r"(\Deleted) ")
    client.play(
        """
        C: a UNSELECT
        S: a OK UNSELECT completed.
        C: b STATUS INBOX (MESSAGES)
        S: * STATUS INBOX (MESSAGES 1)
        S: b OK ...
        """
    )


def test_expunge_tells_numbers_that_are_right_one_after_the_other(client: Client) -> None:
    for flags in (r"(\Deleted) ", "", r"(\Deleted) ", ""):
        client.append("INBOX", MESSAGE, flags)
    client.play(
        """
        C: a EXPUNGE
        S: * 3 EXPUNGE
        S: * 1 EXPUNGE
        S: a OK EXPUNGE completed.
        C: b FETCH 1:* (UID)
        S: * 1 FETCH (UID 2)
        S: * 2 FETCH (UID 4)
        S: b OK ...
        """
    )


def test_uid_expunge_removes_only_what_it_names(client: Client) -> None:
    for _ in range(4):
        client.append("INBOX", MESSAGE, r"(\Deleted) ")
    client.play(
        r"""
        C: a UID STORE 3 -FLAGS.SILENT (\Deleted)
        S: a OK ...
        C: b UID EXPUNGE 2:3
        S: * 2 EXPUNGE
        S: b OK EXPUNGE completed.
        C: c UID EXPUNGE 77
        S: c OK ...
        C: d UID FETCH 1:* (UID)
        S: * 1 FETCH (UID 1)
        S: * 2 FETCH (UID 3)
        S: * 3 FETCH (UID 4)
        S: d OK ...
        """
    )

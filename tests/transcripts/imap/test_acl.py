"""Mailboxes that users of one domain share: ACL (RFC 4314), LIST-MYRIGHTS (RFC 8440), their namespace.

What is shared with anyone is shared with the users of all other tests, so it is taken back at the end.
"""

from __future__ import annotations

from contextlib import ExitStack

import pytest
from tests.support.imap_host import Client, ImapHost, Login, Operator, imap_user

MESSAGE = b"Subject: one\r\n\r\nbody\r\n"


@pytest.fixture
def bob(operator: Operator) -> Login:
    """Somebody else of the domain."""
    return imap_user(operator)


@pytest.fixture
def guest(host: ImapHost, bob: Login, exits: ExitStack) -> Client:
    """His session, with nothing selected."""
    return exits.enter_context(host.log_in(bob))


@pytest.fixture
def shared(user: Login) -> str:
    """What bob calls the user's mailboxes: a prefix."""
    return f"Other Users/{user.address}/"


def grant(client: Client, bob: Login, mailbox: str, rights: str) -> None:
    client.command(f"SETACL {mailbox} {bob.address} {rights}")


def test_rights_are_given_shown_and_taken(client: Client, user: Login, bob: Login) -> None:
    client.play(
        f"""
        C: a SETACL Archive {bob.address} lr
        S: a OK ...
        C: b SETACL Archive {bob.address} +cd
        S: b OK ...
        C: c SETACL Archive anyone l
        S: c OK ...
        C: d GETACL archive
        S: d NO [NONEXISTENT] ...
        C: e GETACL Archive
        S: * ACL Archive {user.address} lrswipkxteacd anyone l {bob.address} lrkxtecd
        S: e OK ...
        C: f DELETEACL Archive {bob.address}
        S: f OK ...
        C: g SETACL Archive anyone -l
        S: g OK ...
        C: h GETACL Archive
        S: * ACL Archive {user.address} lrswipkxteacd
        S: h OK ...
        C: i MYRIGHTS Archive
        S: * MYRIGHTS Archive lrswipkxteacd
        S: i OK ...
        C: j LISTRIGHTS Archive {user.address}
        S: * LISTRIGHTS Archive {user.address} lrswipkxteacd
        S: j OK ...
        C: k LISTRIGHTS Archive {bob.address}
        S: * LISTRIGHTS Archive {bob.address} "" l r s w i p k x t e a c d
        S: k OK ...
        """
    )


def test_who_cannot_be_given_rights(client: Client, user: Login) -> None:
    client.play(
        f"""
        C: a SETACL Archive nobody@example.test lr
        S: a NO [NONEXISTENT] ...
        C: b SETACL Archive eve@elsewhere.test lr
        S: b NO [NONEXISTENT] ...
        C: c SETACL Archive -anyone lr
        S: c NO [CANNOT] ...
        C: d SETACL Archive nobody lr
        S: d NO [CANNOT] ...
        C: e SETACL Archive {user.address} lr
        S: e NO [NOPERM] ...
        C: f DELETEACL Archive {user.address}
        S: f NO [NOPERM] ...
        C: g SETACL Archive anyone lq
        S: g BAD ...
        """
    )


def test_what_is_not_shared_is_not_there(guest: Client, shared: str, user: Login) -> None:
    for command in (
        f'SELECT "{shared}INBOX"',
        f'STATUS "{shared}INBOX" (MESSAGES)',
        f'MYRIGHTS "{shared}INBOX"',
        f'GETACL "{shared}INBOX"',
        f'DELETE "{shared}Archive"',
        f'GETMETADATA "{shared}INBOX" /shared/comment',
        f'GETQUOTAROOT "{shared}INBOX"',
        f'SUBSCRIBE "{shared}INBOX"',
        'SELECT "Other Users"',
        f'SELECT "Other Users/{user.address}"',
        'SELECT "Other Users/x/INBOX"',
        'SELECT "Other Users/nobody@example.test/INBOX"',
    ):
        assert guest.refused(command).startswith("NO [NONEXISTENT] "), command
    assert guest.command('LIST "" "Other Users*"') == []
    for command in (f'CREATE "{shared}new"', 'CREATE "Other Users"', 'CREATE "Other Users/x"'):
        assert guest.refused(command).startswith("NO [NOPERM] "), command


def test_the_lists_of_who_sees_them(client: Client, guest: Client, bob: Login, user: Login) -> None:
    client.command("CREATE team/plans")
    grant(client, bob, "team/plans", "l")
    grant(client, bob, "Sent", "lr")
    place = f"Other Users/{user.address}"
    guest.play(
        rf"""
        C: a LIST "" %
        S: * LIST (\HasNoChildren) "/" INBOX
        S: * LIST (\HasNoChildren \Archive) "/" Archive
        S: * LIST (\HasNoChildren \Drafts) "/" Drafts
        S: * LIST (\HasNoChildren \Junk) "/" Junk
        S: * LIST (\HasNoChildren \Sent) "/" Sent
        S: * LIST (\HasNoChildren \Trash) "/" Trash
        S: * LIST (\Noselect \HasChildren) "/" "Other Users"
        S: a OK ...
        C: b LIST "Other Users/" * RETURN (MYRIGHTS STATUS (MESSAGES) SUBSCRIBED)
        S: * LIST (\Noselect \HasChildren) "/" "{place}"
        S: * LIST (\HasNoChildren) "/" "{place}/Sent"
        S: * STATUS "{place}/Sent" (MESSAGES 0)
        S: * MYRIGHTS "{place}/Sent" lr
        S: * LIST (\Noselect \HasChildren) "/" "{place}/team"
        S: * LIST (\HasNoChildren) "/" "{place}/team/plans"
        S: * MYRIGHTS "{place}/team/plans" l
        S: b OK ...
        C: c SUBSCRIBE "{place}/Sent"
        S: c OK ...
        C: d LSUB "" "Other*"
        S: * LSUB () "/" "{place}/Sent"
        S: d OK ...
        C: e LIST (SUBSCRIBED) "" "Other*"
        S: * LIST (\HasNoChildren \Subscribed) "/" "{place}/Sent"
        S: e OK ...
        """
    )
    client.command(f"DELETEACL Sent {bob.address}")
    assert guest.command('LSUB "" "Other*"') == [f'* LSUB (\\Noselect) "/" "{place}/Sent"']
    guest.command(f'UNSUBSCRIBE "{place}/Sent"')


def test_reading_and_nothing_else(client: Client, guest: Client, bob: Login, shared: str) -> None:
    uid = client.append("INBOX", MESSAGE)
    grant(client, bob, "INBOX", "lr")
    guest.play(
        rf"""
        C: a SELECT "{shared}INBOX"
        S: * FLAGS (\Answered \Flagged \Deleted \Seen \Draft)
        S: * 1 EXISTS
        S: * ... RECENT
        S: * OK [UNSEEN 1] ...
        S: * OK [PERMANENTFLAGS ()] ...
        S: * OK [UIDVALIDITY ...] ...
        S: * OK [UIDNEXT {uid + 1}] ...
        S: * OK [HIGHESTMODSEQ ...] ...
        S: * OK [MAILBOXID ...] ...
        S: * OK [URLMECH INTERNAL] ...
        S: a OK [READ-ONLY] ...
        C: b FETCH 1 BODY[TEXT]
        S: * 1 FETCH (BODY[TEXT] {{6}}
        S: body
        S: )
        S: b OK ...
        C: c FETCH 1 FLAGS
        S: * 1 FETCH (FLAGS (...))
        S: c OK ...
        C: d STORE 1 +FLAGS (\Seen)
        S: d NO [READ-ONLY] ...
        C: e EXPUNGE
        S: e NO [READ-ONLY] ...
        C: f MOVE 1 Archive
        S: f NO [READ-ONLY] ...
        C: g COPY 1 Archive
        S: g OK [COPYUID ...] ...
        C: h COPY 1 "{shared}INBOX"
        S: h NO [NOPERM] ...
        C: i APPEND "{shared}INBOX" {{20}}
        S: i NO [NOPERM] ...
        C: j SETACL "{shared}INBOX" anyone lr
        S: j NO [NOPERM] ...
        C: k DELETE "{shared}INBOX"
        S: k NO [NOPERM] ...
        C: l RENAME "{shared}INBOX" "{shared}x"
        S: l NO [NOPERM] ...
        C: m CREATE "{shared}INBOX/x"
        S: m NO [NOPERM] ...
        C: n CLOSE
        S: n OK ...
        """
    )
    assert client.command("FETCH 1 FLAGS")[-1] in ("* 1 FETCH (FLAGS ())", "* 1 FETCH (FLAGS (\\Recent))")


def test_each_flag_has_its_right(client: Client, guest: Client, bob: Login, shared: str) -> None:
    client.append("INBOX", MESSAGE, "(\\Flagged) ")
    grant(client, bob, "INBOX", "lrst")
    assert any(
        r"[PERMANENTFLAGS (\Deleted \Seen)]" in line for line in guest.command(f'SELECT "{shared}INBOX"')
    )
    guest.play(
        r"""
        C: a STORE 1 +FLAGS.SILENT (\Answered work)
        S: a NO [NOPERM] ...
        C: b STORE 1 FLAGS (\Seen \Answered)
        S: * 1 FETCH (FLAGS (...))
        S: b OK ...
        C: c STORE 1 +FLAGS (\Deleted \Draft)
        S: * 1 FETCH (FLAGS (...))
        S: c OK ...
        C: d EXPUNGE
        S: d NO [NOPERM] ...
        C: e MOVE 1 Archive
        S: e NO [NOPERM] ...
        C: f CLOSE
        S: f OK ...
        """
    )
    client.command("NOOP")
    flags = client.command("FETCH 1 FLAGS")[-1]
    for flag in ("\\Flagged", "\\Deleted", "\\Seen"):
        assert flag in flags
    assert "\\Answered" not in flags
    assert "\\Draft" not in flags


def test_putting_messages_in(client: Client, guest: Client, bob: Login, shared: str) -> None:
    grant(client, bob, "Archive", "lris")
    guest.append(f'"{shared}Archive"', MESSAGE, "(\\Seen \\Deleted work) ")
    guest.append("INBOX", MESSAGE, "(\\Seen \\Flagged) ")
    guest.command("SELECT INBOX")
    guest.play(f'C: a MOVE 1 "{shared}Archive"\nS: * OK [COPYUID ... 1 2] ...\nS: * 1 EXPUNGE\nS: a OK ...')
    client.command("SELECT Archive")
    lines = client.command("FETCH 1:2 FLAGS")
    assert [line.replace(" \\Recent", "") for line in lines] == [
        "* 1 FETCH (FLAGS (\\Seen))",
        "* 2 FETCH (FLAGS (\\Seen))",
    ]


def test_expunging_and_moving_out(client: Client, guest: Client, bob: Login, shared: str) -> None:
    for flags in ("", "(\\Deleted) ", "(\\Deleted) "):
        client.append("Archive", MESSAGE, flags)
    grant(client, bob, "Archive", "lrte")
    guest.command(f'SELECT "{shared}Archive"')
    guest.play(
        """
        C: a UID EXPUNGE 2
        S: * 2 EXPUNGE
        S: a OK ...
        C: b UID MOVE 1 INBOX
        S: * OK [COPYUID ... 1 1] ...
        S: * 1 EXPUNGE
        S: b OK ...
        C: c CLOSE
        S: c OK ...
        """
    )
    assert client.command("STATUS Archive (MESSAGES)") == ["* STATUS Archive (MESSAGES 0)"]
    assert guest.command("STATUS INBOX (MESSAGES)") == ["* STATUS INBOX (MESSAGES 1)"]


def test_making_renaming_and_deleting(client: Client, guest: Client, bob: Login, shared: str) -> None:
    client.command("CREATE team")
    grant(client, bob, "team", "lrkx")
    guest.play(
        f"""
        C: a CREATE "{shared}team/a/b"
        S: a OK [MAILBOXID ...] ...
        C: b RENAME "{shared}team/a" "{shared}team/c"
        S: b OK ...
        C: c RENAME "{shared}team/c" c
        S: c NO [NOPERM] ...
        C: d RENAME Archive "{shared}team/d"
        S: d NO [NOPERM] ...
        C: e RENAME "{shared}team/c" "{shared}c"
        S: e NO [NOPERM] ...
        C: f CREATE "{shared}team/s" (USE (\\Sent))
        S: f NO [USEATTR] ...
        C: g DELETE "{shared}team/c/b"
        S: g OK ...
        """
    )
    assert client.command('LIST "" team*') == [
        '* LIST (\\HasChildren) "/" team',
        '* LIST (\\HasNoChildren) "/" team/c',
    ]
    client.command("CREATE team/hidden/deep")
    for name in ("team/hidden", "team/hidden/deep"):
        client.command(f"DELETEACL {name} {bob.address}")
    assert guest.refused(f'CREATE "{shared}team/hidden/x"').startswith("NO [NOPERM] ")
    assert guest.refused(f'CREATE "{shared}team/hidden/deep/x"').startswith("NO [NOPERM] ")


def test_an_inbox_is_renamed_by_its_owner_alone(
    client: Client, guest: Client, bob: Login, shared: str
) -> None:
    client.append("INBOX", MESSAGE)
    grant(client, bob, "INBOX", "lrkx")
    assert guest.refused(f'RENAME "{shared}INBOX" "{shared}INBOX/x"').startswith("NO [NOPERM] ")
    assert guest.refused(f'DELETE "{shared}INBOX"').startswith("NO [NOPERM] ")
    assert client.command("STATUS INBOX (MESSAGES)") == ["* STATUS INBOX (MESSAGES 1)"]


def test_who_administers_gives_rights_further(
    client: Client, guest: Client, bob: Login, user: Login, shared: str
) -> None:
    grant(client, bob, "Archive", "la")
    guest.command(f'SETACL "{shared}Archive" anyone l')
    assert guest.command(f'GETACL "{shared}Archive"') == [
        f'* ACL "{shared}Archive" {user.address} lrswipkxteacd anyone l {bob.address} la'
    ]
    assert guest.refused(f'SELECT "{shared}Archive"').startswith("NO [NOPERM] ")
    guest.command(f'DELETEACL "{shared}Archive" anyone')


# --- changes that others make -----------------------------------------------------------------------


def test_idle_hears_of_the_owners_changes(client: Client, guest: Client, bob: Login, shared: str) -> None:
    grant(client, bob, "INBOX", "lrs")
    guest.command(f'SELECT "{shared}INBOX"')
    guest.play("C: a IDLE\nS: + ...")
    client.append("INBOX", MESSAGE)
    guest.play("S: * 1 EXISTS\nS: * ... RECENT")
    client.command("STORE 1 +FLAGS (\\Answered)")
    guest.play("S: * 1 FETCH (FLAGS (...\\Answered...))\nC: DONE\nS: a OK ...")
    guest.command("STORE 1 +FLAGS.SILENT (\\Seen)")
    client.command("NOOP")
    assert "\\Seen" in client.command("FETCH 1 FLAGS")[-1]


def test_losing_the_right_to_read_ends_the_session(
    client: Client, guest: Client, bob: Login, shared: str
) -> None:
    grant(client, bob, "INBOX", "lr")
    guest.command(f'SELECT "{shared}INBOX"')
    guest.play("C: a IDLE\nS: + ...")
    client.command(f"DELETEACL INBOX {bob.address}")
    guest.play("S: * BYE Your access to this mailbox has ended.")
    assert guest.closed()


def test_losing_another_right_counts_at_once(client: Client, guest: Client, bob: Login, shared: str) -> None:
    client.append("INBOX", MESSAGE)
    grant(client, bob, "INBOX", "lrsw")
    guest.command(f'SELECT "{shared}INBOX"')
    guest.command("STORE 1 +FLAGS.SILENT (\\Flagged)")
    client.command(f"SETACL INBOX {bob.address} -w")
    while not guest.exchange("STORE 1 -FLAGS.SILENT (\\Flagged)")[-1].startswith("NO [NOPERM] "):
        guest.command("STORE 1 +FLAGS.SILENT (\\Seen)")
    client.command("NOOP")
    guest.command("STORE 1 +FLAGS.SILENT (\\Seen)")


def test_a_right_that_is_lost_while_the_message_comes(
    client: Client, guest: Client, bob: Login, shared: str
) -> None:
    grant(client, bob, "Archive", "lriw")
    guest.play(f'C: a APPEND "{shared}Archive" (\\Flagged) {{{len(MESSAGE)}}}\nS: + ...')
    grant(client, bob, "Archive", "-w")
    guest.send(MESSAGE + b"\r\n")
    assert guest.until("a")[-1].startswith("OK ")
    guest.play(f'C: b APPEND "{shared}Archive" {{{len(MESSAGE)}}}\nS: + ...')
    grant(client, bob, "Archive", "-i")
    guest.send(MESSAGE + b"\r\n")
    assert guest.until("b")[-1].startswith("NO [NOPERM] ")
    client.command("SELECT Archive")
    assert client.command("FETCH 1:* FLAGS") == [r"* 1 FETCH (FLAGS (\Recent))"]


def test_a_revoked_key_of_the_owner_leaves_the_guest_alone(
    client: Client, guest: Client, bob: Login, user: Login, operator: Operator, shared: str
) -> None:
    grant(client, bob, "INBOX", "lr")
    guest.command(f'SELECT "{shared}INBOX"')
    operator.revoke(user.key_id)
    client.play("S: * BYE ...")
    operator.deliver(user.address, MESSAGE)
    assert "* 1 EXISTS" in guest.command("NOOP")


def test_a_revoked_key_of_the_guest_ends_his_session(
    client: Client, guest: Client, bob: Login, operator: Operator, shared: str
) -> None:
    grant(client, bob, "INBOX", "lr")
    guest.command(f'SELECT "{shared}INBOX"')
    operator.revoke(bob.key_id)
    guest.play("S: * BYE ...")
    client.command("NOOP")


# --- what lies beside the messages ------------------------------------------------------------------


def test_annotations_are_shared_or_private(client: Client, guest: Client, bob: Login, shared: str) -> None:
    grant(client, bob, "Archive", "lr")
    grant(client, bob, "Sent", "l")
    client.command('SETMETADATA Archive (/shared/comment "ours" /private/comment "mine")')
    guest.play(
        f"""
        C: a GETMETADATA "{shared}Archive" (/shared/comment /private/comment)
        S: * METADATA "{shared}Archive" (/private/comment NIL /shared/comment "ours")
        S: a OK ...
        C: b SETMETADATA "{shared}Archive" (/private/comment "his" /shared/comment "changed")
        S: b OK ...
        C: c GETMETADATA "{shared}Sent" /shared/comment
        S: c NO [NOPERM] ...
        C: d LIST "" "{shared}%" RETURN (METADATA /private/comment)
        S: * LIST (\\HasNoChildren) "/" "{shared}Archive"
        S: * METADATA "{shared}Archive" (/private/comment "his")
        S: * LIST (\\HasNoChildren) "/" "{shared}Sent"
        S: d OK ...
        """
    )
    assert client.command("GETMETADATA Archive (/private/comment /shared/comment)") == [
        '* METADATA Archive (/private/comment "mine" /shared/comment "changed")'
    ]


def test_the_owners_quota_counts(
    client: Client, guest: Client, bob: Login, user: Login, operator: Operator, shared: str
) -> None:
    operator.run(operator.store.quotas.set_limits(user.user_id, 0, 1))
    grant(client, bob, "Archive", "lri")
    place = shared.removesuffix("/")
    guest.play(
        f"""
        C: a GETQUOTAROOT "{shared}Archive"
        S: * QUOTAROOT "{shared}Archive" "{place}"
        S: * QUOTA "{place}" (MESSAGE 0 1)
        S: a OK ...
        C: b GETQUOTA "{place}"
        S: * QUOTA "{place}" (MESSAGE 0 1)
        S: b OK ...
        C: c GETQUOTA "Other Users/nobody@example.test"
        S: c NO [NONEXISTENT] ...
        """
    )
    guest.append(f'"{shared}Archive"', MESSAGE)
    guest.append("INBOX", MESSAGE)
    guest.command("SELECT INBOX")
    assert guest.refused(f'MOVE 1 "{shared}Archive"').startswith("NO [OVERQUOTA] ")

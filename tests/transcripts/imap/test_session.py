"""CAPABILITY, NOOP, LOGOUT, ID, ENABLE, and what may be said in which state: RFC 9051 sections 3 and 6.1."""

from __future__ import annotations

from tests.support.imap_host import Client, ImapHost, Login, Operator, imap_user

HELLO = "* OK [CAPABILITY IMAP4rev1 IMAP4rev2 LITERAL+ SASL-IR ID ENABLE STARTTLS AUTH=PLAIN ..."


def test_any_state(host: ImapHost) -> None:
    with host.connect() as client:
        client.play(
            f"""
            S: {HELLO}
            C: a CAPABILITY
            S: * CAPABILITY IMAP4rev1 ... AUTH=OAUTHBEARER
            S: a OK CAPABILITY completed.
            C: b noop
            S: b OK NOOP completed.
            C: c ID NIL
            S: * ID ("name" "Mailkeep" "version" "...")
            S: c OK ID completed.
            C: d LOGOUT
            S: * BYE ...
            S: d OK LOGOUT completed.
            """
        )
        assert client.closed()


def test_capabilities_change_with_the_state(host: ImapHost, user: Login) -> None:
    with host.connect() as client:
        client.play(
            f"""
            S: {HELLO}
            C: a LOGIN {user.address} {user.key}
            S: a OK [CAPABILITY IMAP4rev1 IMAP4rev2 LITERAL+ SASL-IR ID ENABLE IDLE ...] ...
            C: b CAPABILITY
            S: * CAPABILITY IMAP4rev1 IMAP4rev2 LITERAL+ SASL-IR ID ENABLE IDLE ...
            S: b OK CAPABILITY completed.
            """
        )


def test_commands_out_of_their_state(host: ImapHost, user: Login) -> None:
    with host.connect() as client:
        client.play(
            f"""
            S: {HELLO}
            C: a SELECT INBOX
            S: a BAD Please authenticate first.
            C: b FETCH 1 FLAGS
            S: b BAD Please authenticate first.
            C: c LOGIN {user.address} {user.key}
            S: c OK ...
            C: d LOGIN {user.address} {user.key}
            S: d BAD You are authenticated already.
            C: e STARTTLS
            S: e BAD You are authenticated already.
            C: f FETCH 1 FLAGS
            S: f BAD No mailbox is selected.
            C: g EXPUNGE
            S: g BAD No mailbox is selected.
            C: h SELECT INBOX
            S: * FLAGS ...
            S: * 0 EXISTS
            S: * 0 RECENT
            S: * OK [PERMANENTFLAGS ...] ...
            S: * OK [UIDVALIDITY <v>] ...
            S: * OK [UIDNEXT 1] ...
            S: * OK [HIGHESTMODSEQ ...] ...
            S: * OK [MAILBOXID (...)] ...
            S: * OK [URLMECH INTERNAL] ...
            S: h OK [READ-WRITE] SELECT completed.
            C: i UNSELECT
            S: i OK UNSELECT completed.
            C: j CHECK
            S: j BAD No mailbox is selected.
            """
        )


def test_enable_enables_nothing_that_is_unknown(client: Client) -> None:
    client.play(
        """
        C: a ENABLE X-UNKNOWN UTF9=ACCEPT
        S: * ENABLED
        S: a OK ENABLE completed.
        C: b ENABLE
        S: b BAD ...
        """
    )


def test_id_takes_what_clients_send(client: Client) -> None:
    client.play(
        """
        C: a ID ("name" "Thunderbird" "version" "153.0" "vendor" NIL)
        S: * ID ("name" "Mailkeep" "version" "...")
        S: a OK ID completed.
        C: b ID ()
        S: * ID ("name" "Mailkeep" "version" "...")
        S: b OK ID completed.
        C: c ID ("name")
        S: c BAD ...
        """
    )


def test_after_unauthenticate_another_user_may_log_in(
    client: Client, user: Login, operator: Operator
) -> None:
    """RFC 8437 section 2: nothing of the session before is left."""
    client.command("ENABLE CONDSTORE")
    client.command("SEARCH RETURN (SAVE) ALL")
    client.append("INBOX", b"Subject: mine\r\n\r\n")
    another = imap_user(operator)
    client.play(
        f"""
        C: a UNAUTHENTICATE
        S: a OK [CAPABILITY IMAP4rev1 ... AUTH=PLAIN ...] ...
        C: b LIST "" *
        S: b BAD ...
        C: c LOGIN {another.address} {another.key}
        S: c OK ...
        C: d STATUS INBOX (MESSAGES)
        S: * STATUS INBOX (MESSAGES 0)
        S: d OK ...
        C: e ENABLE CONDSTORE
        S: * ENABLED CONDSTORE
        S: e OK ...
        """
    )
    operator.revoke(user.key_id)
    client.command("NOOP")


def test_pipelined_commands_are_answered_in_order(client: Client) -> None:
    client.send(b"".join(b"p%d NOOP\r\n" % number for number in range(500)))
    for number in range(500):
        assert client.line() == f"p{number} OK NOOP completed."


def test_a_command_in_pieces(client: Client) -> None:
    for octet in b"x NOOP\r\n":
        client.send(bytes([octet]))
    assert client.line() == "x OK NOOP completed."

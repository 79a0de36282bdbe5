"""STARTTLS and the TLS listener: RFC 9051 section 6.2.1."""

from __future__ import annotations

from tests.support.imap_host import ImapHost, Login


def test_starttls_opens_authentication(strict_host: ImapHost, user: Login) -> None:
    with strict_host.connect() as client:
        client.play(
            """
            S: * OK [... STARTTLS LOGINDISABLED] ...
            C: a STARTTLS
            S: a OK Begin TLS now.
            """
        )
        client.start_tls()
        client.play(
            f"""
            C: b CAPABILITY
            S: * CAPABILITY IMAP4rev1 IMAP4rev2 LITERAL+ SASL-IR ID ENABLE AUTH=PLAIN AUTH=LOGIN ...
            S: b OK ...
            C: c STARTTLS
            S: c BAD TLS is on already.
            C: d LOGIN {user.address} {user.key}
            S: d OK [CAPABILITY ...] ...
            C: e SELECT INBOX
            S: * FLAGS ...
            S: * 0 EXISTS
            S: * 0 RECENT
            S: * OK [PERMANENTFLAGS ...] ...
            S: * OK [UIDVALIDITY <v>] ...
            S: * OK [UIDNEXT 1] ...
            S: * OK [HIGHESTMODSEQ ...] ...
            S: * OK [MAILBOXID (...)] ...
            S: * OK [URLMECH INTERNAL] ...
            S: e OK [READ-WRITE] ...
            """
        )
        message = b"Subject: " + b"x" * 200_000 + b"\r\n\r\nbody\r\n"
        assert client.append("INBOX", message) == 1
        client.send(b"f FETCH 1 BODY.PEEK[]\r\n")
        assert client.line() == f"* 1 FETCH (BODY[] {{{len(message)}}}"
        assert client.octets(len(message)) == message
        client.play("S: )\nS: f OK ...")


def test_implicit_tls(strict_host: ImapHost, user: Login) -> None:
    with strict_host.connect_tls() as client:
        client.play(
            f"""
            S: * OK [CAPABILITY IMAP4rev1 IMAP4rev2 LITERAL+ SASL-IR ID ENABLE AUTH=PLAIN ...
            C: a LOGIN {user.address} {user.key}
            S: a OK ...
            C: b LOGOUT
            S: * BYE ...
            S: b OK ...
            """
        )


def test_what_was_pipelined_behind_starttls_is_thrown_away(strict_host: ImapHost, user: Login) -> None:
    """Whoever can write into the plaintext must not have a command carried out under TLS."""
    with strict_host.connect() as client:
        client.line()
        client.send(b"a STARTTLS\r\nb CAPABILITY\r\nc LOGIN ")
        client.play("S: a OK Begin TLS now.")
        client.start_tls()
        client.play(
            f"""
            C: d LOGIN {user.address} {user.key}
            S: d OK [CAPABILITY ...] ...
            """
        )


def test_a_literal_begun_before_starttls_is_forgotten(strict_host: ImapHost) -> None:
    with strict_host.connect() as client:
        client.line()
        client.send(b"a STARTTLS\r\nb LOGIN {10+}\r\nabc")
        client.play("S: a OK Begin TLS now.")
        client.start_tls()
        client.play("C: c NOOP\nS: c OK ...")


def test_tls_holds_back_too(strict_host: ImapHost, user: Login) -> None:
    """A client that reads nothing over TLS costs bounded memory, after STARTTLS and on the TLS listener."""
    message = b"Subject: big\r\n\r\n" + b"x" * 500_000
    for upgraded in (True, False):
        with strict_host.connect() if upgraded else strict_host.connect_tls() as client:
            client.line()
            if upgraded:
                client.play("C: s STARTTLS\nS: s OK ...")
                client.start_tls()
            client.command(f"LOGIN {user.address} {user.key}")
            client.command("SELECT INBOX")
            client.append("INBOX", message)
            for _ in range(3):
                client.command("COPY 1:* INBOX")
            client.command("SEARCH ALL")
            before = strict_host.resident_octets
            client.send(b"".join(b"f%d FETCH 1:8 BODY.PEEK[]\r\n" % number for number in range(20)))
            with strict_host.connect_tls() as another:
                another.line()
                another.command(f"LOGIN {user.address} {user.key}")
                for _ in range(20):
                    another.command("NOOP")
            assert strict_host.resident_octets - before < 32 * 1024 * 1024
            for sequence in range(1, 9):
                assert client.line() == f"* {sequence} FETCH (BODY[] {{{len(message)}}}"
                assert client.octets(len(message)) == message
                assert client.line() == ")"
            assert client.line() == "f0 OK FETCH completed."

"""LOGIN and AUTHENTICATE: RFC 9051 sections 6.2.2 and 6.2.3, RFC 4959, RFC 7628."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable
from contextlib import ExitStack

import pytest
from tests.support.imap_host import Client, ImapHost, Login, Operator

from mailkeep.model.scope import Scope


def base64(text: str) -> str:
    return b64encode(text.encode("utf-8")).decode("ascii")


def plain(user: Login) -> str:
    """The response of SASL PLAIN."""
    return base64(f"\0{user.address}\0{user.key}")


@pytest.fixture
def fresh(host: ImapHost, exits: ExitStack) -> Client:
    """A connection whose greeting has been read."""
    connected = exits.enter_context(host.connect())
    connected.line()
    return connected


def test_login_with_quoted_strings(fresh: Client, user: Login) -> None:
    fresh.play(
        f"""
        C: a LOGIN "{user.address}" "{user.key}"
        S: a OK [CAPABILITY ...] You are logged in.
        """
    )


def test_login_with_synchronizing_literals(fresh: Client, user: Login) -> None:
    fresh.play(
        f"""
        C: a LOGIN {{{len(user.address)}}}
        S: + ...
        C: {user.address} {{{len(user.key)}}}
        S: + ...
        C: {user.key}
        S: a OK [CAPABILITY ...] You are logged in.
        """
    )


def test_login_with_non_synchronizing_literals(fresh: Client, user: Login) -> None:
    fresh.play(
        f"""
        C: a LOGIN {{{len(user.address)}+}}
        C: {user.address} {{{len(user.key)}+}}
        C: {user.key}
        S: a OK [CAPABILITY ...] You are logged in.
        """
    )


def test_a_wrong_key_is_refused_and_the_right_one_taken_afterwards(fresh: Client, user: Login) -> None:
    fresh.play(
        f"""
        C: a LOGIN {user.address} wrong
        S: a NO [AUTHENTICATIONFAILED] ...
        C: b LOGIN nobody@example.test {user.key}
        S: b NO [AUTHENTICATIONFAILED] ...
        C: c LOGIN {user.address} {user.key}
        S: c OK ...
        """
    )


def test_a_key_without_the_scope_is_told_so(fresh: Client, operator: Operator) -> None:
    stranger = operator.user(Scope.POP3)
    fresh.play(
        f"""
        C: a LOGIN {stranger.address} {stranger.key}
        S: a NO [AUTHORIZATIONFAILED] ...
        """
    )


def test_authenticate_plain(fresh: Client, user: Login) -> None:
    fresh.play(
        f"""
        C: a AUTHENTICATE PLAIN
        S: + ...
        C: {plain(user)}
        S: a OK [CAPABILITY ...] You are logged in.
        """
    )


def test_authenticate_plain_with_an_initial_response(fresh: Client, user: Login) -> None:
    fresh.play(
        f"""
        C: a AUTHENTICATE PLAIN {plain(user)}
        S: a OK [CAPABILITY ...] You are logged in.
        """
    )


def test_authenticate_login(fresh: Client, user: Login) -> None:
    fresh.play(
        f"""
        C: a AUTHENTICATE LOGIN
        S: + {base64("Username:")}
        C: {base64(user.address)}
        S: + {base64("Password:")}
        C: {base64(user.key)}
        S: a OK [CAPABILITY ...] You are logged in.
        """
    )


@pytest.mark.parametrize("mechanism", ["XOAUTH2", "oauthbearer"])
def test_authenticate_with_a_bearer(fresh: Client, user: Login, mechanism: str) -> None:
    bearer = f"auth=Bearer {user.key}\x01\x01"
    first = f"user={user.address}\x01" if mechanism == "XOAUTH2" else f"n,a={user.address},\x01"
    fresh.play(
        f"""
        C: a AUTHENTICATE {mechanism}
        S: + ...
        C: {base64(first + bearer)}
        S: a OK [CAPABILITY ...] You are logged in.
        C: b UNAUTHENTICATE
        S: b OK ...
        C: c AUTHENTICATE {mechanism} {base64(first + bearer)}
        S: c OK [CAPABILITY ...] You are logged in.
        """
    )


@pytest.mark.parametrize("initial", [True, False], ids=["initial", "challenged"])
def test_a_token_of_16_kib_is_read(fresh: Client, user: Login, initial: bool) -> None:
    """The token is refused, not the line, and the next command is read as one."""
    response = base64(f"user={user.address}\x01auth=Bearer {'t' * 16 * 1024}\x01\x01")
    if initial:
        fresh.send(f"a AUTHENTICATE XOAUTH2 {response}\r\n".encode())
    else:
        fresh.play(
            """
            C: a AUTHENTICATE XOAUTH2
            S: + ...
            """
        )
        fresh.send(f"{response}\r\n".encode())
    assert fresh.line().startswith("+ ")
    fresh.send(b"\r\n")
    assert fresh.line().startswith("a NO [AUTHENTICATIONFAILED]")
    fresh.play(
        """
        C: b NOOP
        S: b OK ...
        """
    )


@pytest.mark.parametrize("mechanism", ["XOAUTH2", "OAUTHBEARER"])
def test_a_refused_bearer_is_explained_first(fresh: Client, user: Login, mechanism: str) -> None:
    """RFC 7628 section 3.2.3: the client answers the explanation, and only then hears NO."""
    head = f"user={user.address}" if mechanism == "XOAUTH2" else f"n,a={user.address},"
    response = base64(f"{head}\x01auth=Bearer wrong\x01\x01")
    fresh.play(
        f"""
        C: a AUTHENTICATE {mechanism} {response}
        S: + eyJ...
        C: AQ==
        S: a NO [AUTHENTICATIONFAILED] ...
        C: b NOOP
        S: b OK ...
        """
    )


def test_authenticate_can_be_cancelled(fresh: Client, user: Login) -> None:
    fresh.play(
        f"""
        C: a AUTHENTICATE PLAIN
        S: + ...
        C: *
        S: a BAD AUTHENTICATE was cancelled.
        C: b LOGIN {user.address} {user.key}
        S: b OK ...
        """
    )


@pytest.mark.parametrize(
    ("mechanism", "answer"),
    [
        ("CRAM-MD5", "NO [CANNOT] ..."),
        ("PLAIN !!!", "BAD ..."),
        ("PLAIN AAAA AAAA", "BAD ..."),
        (f"PLAIN {base64('no separators')}", "BAD ..."),
    ],
)
def test_what_cannot_be_an_exchange(fresh: Client, mechanism: str, answer: str) -> None:
    fresh.play(
        f"""
        C: a AUTHENTICATE {mechanism}
        S: a {answer}
        """
    )


def test_a_response_that_is_not_base64(fresh: Client) -> None:
    fresh.play(
        """
        C: a AUTHENTICATE PLAIN
        S: + ...
        C: this is not base64
        S: a BAD ...
        C: b NOOP
        S: b OK ...
        """
    )


def test_a_response_beyond_its_limit(fresh: Client) -> None:
    fresh.play("C: a AUTHENTICATE PLAIN\nS: + ...")
    fresh.send(b"A" * 40_000 + b"\r\n")
    fresh.play("S: a BAD The line is too long.\nC: b NOOP\nS: b OK ...")


def test_guessing_ends_the_connection(own_host: Callable[..., ImapHost], user: Login) -> None:
    with own_host(IMAP_MAX_ERRORS="3").connect() as guesser:
        guesser.line()
        for tag in "ab":
            guesser.play(f"C: {tag} LOGIN {user.address} wrong\nS: {tag} NO [AUTHENTICATIONFAILED] ...")
        guesser.play(
            f"""
            C: c LOGIN {user.address} wrong
            S: c NO [AUTHENTICATIONFAILED] ...
            S: * BYE Too many errors.
            """
        )
        assert guesser.closed()


# --- without TLS ------------------------------------------------------------------------------------


def test_secrets_in_the_clear_are_refused(strict_host: ImapHost, user: Login) -> None:
    with strict_host.connect() as client:
        client.play(
            f"""
            S: * OK [CAPABILITY IMAP4rev1 IMAP4rev2 LITERAL+ SASL-IR ID ENABLE STARTTLS LOGINDISABLED] ...
            C: a LOGIN {user.address} {user.key}
            S: a NO [PRIVACYREQUIRED] ...
            C: b AUTHENTICATE PLAIN
            S: b NO [PRIVACYREQUIRED] ...
            """
        )

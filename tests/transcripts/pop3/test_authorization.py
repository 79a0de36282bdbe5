"""The AUTHORIZATION state: RFC 1939 sections 4 and 7, RFC 5034, RFC 7628."""

from __future__ import annotations

from base64 import b64decode, b64encode

import pytest
from tests.support.pop3_host import GREETING, Client, Login, Operator, Pop3Host

from mailkeep.model.scope import Scope

WRONG = "mk_AAAAAAAAA_" + "B" * 43 + "CCCCCC"


def b64(text: str) -> str:
    return b64encode(text.encode()).decode()


def greeted(host: Pop3Host) -> Client:
    client = host.connect()
    assert client.line() == GREETING
    return client


def test_user_and_pass(host: Pop3Host, login: Login) -> None:
    with host.connect() as client:
        client.play(
            f"""
            S: {GREETING}
            C: USER {login.address}
            S: +OK Send PASS.
            C: PASS {login.key}
            S: +OK 0 messages (0 octets).
            C: NOOP
            S: +OK
            C: USER {login.address}
            S: -ERR The session is authenticated already.
            C: QUIT
            S: +OK Bye.
            """
        )
        assert client.ended()


def test_a_wrong_key_and_an_unknown_name_are_refused_alike(host: Pop3Host, login: Login) -> None:
    with greeted(host) as client:
        client.play(
            f"""
            C: USER {login.address}
            S: +OK Send PASS.
            C: PASS {WRONG}
            S: -ERR [AUTH] Authentication failed.
            C: USER nobody@example.test
            S: +OK Send PASS.
            C: PASS {login.key}
            S: -ERR [AUTH] Authentication failed.
            C: PASS {login.key}
            S: -ERR USER comes before PASS.
            C: USER {login.address}
            S: +OK Send PASS.
            C: PASS {login.key}
            S: +OK 0 messages (0 octets).
            """
        )


def test_a_key_without_the_scope_is_refused(host: Pop3Host, operator: Operator) -> None:
    login = operator.user(Scope.IMAP, Scope.SMTP, Scope.API_READ)
    with greeted(host) as client:
        client.play(
            f"""
            C: USER {login.address}
            S: +OK Send PASS.
            C: PASS {login.key}
            S: -ERR [AUTH] This credential does not open POP3.
            """
        )


def test_a_revoked_key_is_refused(host: Pop3Host, operator: Operator, login: Login) -> None:
    operator.revoke(login.key_id)
    with greeted(host) as client:
        client.play(
            f"""
            C: USER {login.address}
            S: +OK Send PASS.
            C: PASS {login.key}
            S: -ERR [AUTH] Authentication failed.
            """
        )


# --- SASL -------------------------------------------------------------------------------------------


def responses(login: Login) -> dict[str, str]:
    return {
        "PLAIN": b64(f"\0{login.address}\0{login.key}"),
        "XOAUTH2": b64(f"user={login.address}\x01auth=Bearer {login.key}\x01\x01"),
        "OAUTHBEARER": b64(f"n,a={login.address},\x01auth=Bearer {login.key}\x01\x01"),
    }


@pytest.mark.parametrize("mechanism", ["PLAIN", "XOAUTH2", "OAUTHBEARER"])
def test_auth_with_an_initial_response(host: Pop3Host, login: Login, mechanism: str) -> None:
    with greeted(host) as client:
        client.play(
            f"""
            C: AUTH {mechanism} {responses(login)[mechanism]}
            S: +OK 0 messages (0 octets).
            """
        )


@pytest.mark.parametrize("mechanism", ["PLAIN", "xoauth2", "OAuthBearer"])
def test_auth_without_an_initial_response(host: Pop3Host, login: Login, mechanism: str) -> None:
    with greeted(host) as client:
        assert client.command(f"AUTH {mechanism}") == "+ "
        assert client.command(responses(login)[mechanism.upper()]) == "+OK 0 messages (0 octets)."


def test_auth_login(host: Pop3Host, login: Login) -> None:
    with greeted(host) as client:
        client.play(
            f"""
            C: AUTH LOGIN
            S: + {b64("Username:")}
            C: {b64(login.address)}
            S: + {b64("Password:")}
            C: {b64(login.key)}
            S: +OK 0 messages (0 octets).
            """
        )


def test_auth_login_with_an_initial_response(host: Pop3Host, login: Login) -> None:
    with greeted(host) as client:
        client.play(
            f"""
            C: AUTH LOGIN {b64(login.address)}
            S: + {b64("Password:")}
            C: {b64(login.key)}
            S: +OK 0 messages (0 octets).
            """
        )


def test_auth_plain_is_refused_with_auth(host: Pop3Host, login: Login) -> None:
    wrong = b64(f"\0{login.address}\0{WRONG}")
    with greeted(host) as client:
        client.play(
            f"""
            C: AUTH PLAIN {wrong}
            S: -ERR [AUTH] Authentication failed.
            C: AUTH PLAIN {responses(login)["PLAIN"]}
            S: +OK 0 messages (0 octets).
            """
        )


@pytest.mark.parametrize("mechanism", ["XOAUTH2", "OAUTHBEARER"])
@pytest.mark.parametrize("dummy", ["", "AQ==", "*"])
def test_a_refused_token_is_told_in_a_challenge_first(
    host: Pop3Host, login: Login, mechanism: str, dummy: str
) -> None:
    """RFC 7628 section 3.2.3: the client answers the challenge, and only then comes the refusal."""
    response = b64decode(responses(login)[mechanism]).decode().replace(login.key, WRONG)
    with greeted(host) as client:
        status = client.command(f"AUTH {mechanism} {b64(response)}")
        assert status.startswith("+ ")
        assert b'"status"' in b64decode(status[2:])
        assert client.command(dummy) == "-ERR [AUTH] Authentication failed."
        assert client.command("QUIT") == "+OK Bye."


def test_a_token_without_the_scope_is_told_what_it_lacks(host: Pop3Host, operator: Operator) -> None:
    login = operator.user(Scope.IMAP)
    with greeted(host) as client:
        status = client.command(f"AUTH OAUTHBEARER {responses(login)['OAUTHBEARER']}")
        assert b"insufficient_scope" in b64decode(status[2:])
        assert client.command("AQ==") == "-ERR [AUTH] This credential does not open POP3."


def test_an_exchange_can_be_given_up(host: Pop3Host) -> None:
    with greeted(host) as client:
        assert client.command("AUTH PLAIN") == "+ "
        assert client.command("*") == "-ERR The authentication was given up."
        assert client.command("QUIT") == "+OK Bye."


@pytest.mark.parametrize("response", ["QUIT!", "AAA", "=", "\x01"])
def test_a_response_that_is_not_base64_ends_the_exchange(host: Pop3Host, response: str) -> None:
    with greeted(host) as client:
        assert client.command("AUTH PLAIN") == "+ "
        assert client.command(response) == "-ERR The response is not base64."
        assert client.command("QUIT") == "+OK Bye."


def test_unknown_mechanisms(host: Pop3Host) -> None:
    with greeted(host) as client:
        client.play(
            """
            C: AUTH CRAM-MD5
            S: -ERR That authentication mechanism is not one of PLAIN, LOGIN, XOAUTH2, OAUTHBEARER.
            C: AUTH ***
            S: -ERR That is not the name of a mechanism.
            """
        )


def test_auth_alone_lists_the_mechanisms(host: Pop3Host) -> None:
    with greeted(host) as client:
        assert client.listing("AUTH") == ["PLAIN", "LOGIN", "XOAUTH2", "OAUTHBEARER"]


def test_a_token_of_16_kib_is_read(host: Pop3Host, login: Login) -> None:
    token = "t" * 16 * 1024
    for opening in ("AUTH XOAUTH2 ", ""):
        with greeted(host) as client:
            if not opening:
                assert client.command("AUTH XOAUTH2") == "+ "
            status = client.command(opening + b64(f"user={login.address}\x01auth=Bearer {token}\x01\x01"))
            assert status.startswith("+ ")
            assert client.command("") == "-ERR [AUTH] Authentication failed."


def test_a_longer_one_is_refused(host: Pop3Host, login: Login) -> None:
    token = "t" * (16 * 1024 + 1)
    with greeted(host) as client:
        status = client.command("AUTH XOAUTH2 " + b64(f"user={login.address}\x01auth=Bearer {token}\x01\x01"))
        assert status == "-ERR The secret is longer than 16384 octets."
        assert client.command("AUTH XOAUTH2 " + "A" * 30_000) == "-ERR The line is too long."
        assert client.command("QUIT") == "+OK Bye."


# --- order and bad input ------------------------------------------------------------------------------


@pytest.mark.parametrize("line", ["NOOP", "STAT", "LIST", "UIDL", "RETR 1", "TOP 1 0", "DELE 1", "RSET"])
def test_nothing_of_the_maildrop_before_authentication(host: Pop3Host, line: str) -> None:
    with greeted(host) as client:
        assert client.command(line) == "-ERR Authenticate first."
        assert client.command("QUIT") == "+OK Bye."


def test_commands_that_are_none(host: Pop3Host) -> None:
    with greeted(host) as client:
        client.play(
            """
            C: XYZZY
            S: -ERR That is not a command of this server.
            C: APOP ann c4c9334bac560ecc979e58001b3e22fb
            S: -ERR That is not a command of this server.
            C: USER
            S: -ERR This command takes one argument of printable UTF-8.
            C: PASS x
            S: -ERR USER comes before PASS.
            """
        )


def test_lines_that_are_none(host: Pop3Host) -> None:
    with greeted(host) as client:
        client.send(b"CAPA\n")
        assert client.line() == "-ERR A line ends with CRLF, and CR stands nowhere else."
        client.send(b"USER " + b"x" * 248 + b"\r\n")
        assert client.line() == "+OK Send PASS."
        client.send(b"USER " + b"x" * 300 + b"\r\n")
        assert client.line() == "-ERR The line is too long."
        client.send(b"USER \xff\xfe\r\n")
        assert client.line() == "-ERR This command takes one argument of printable UTF-8."
        client.send(b"\r\n")
        assert client.line() == "-ERR That is not a command of this server."
        assert client.command("QUIT") == "+OK Bye."


def test_a_name_in_utf_8_is_prepared(host: Pop3Host) -> None:
    """RFC 6856 section 2.2: a private-use character is refused, any other name is heard out."""
    with greeted(host) as client:
        assert client.command("USER zoë@example.test") == "+OK Send PASS."
        assert client.command("USER \u2460\u3042") == "+OK Send PASS."
        refused = client.command("USER \ufffd")
        assert refused == "-ERR The argument holds a character that may not stand there."


def test_too_many_errors_end_the_session(host: Pop3Host) -> None:
    with greeted(host) as client:
        for _ in range(19):
            assert client.command("XYZZY") == "-ERR That is not a command of this server."
        assert client.command("XYZZY") == "-ERR That is not a command of this server."
        assert client.line() == "-ERR Too many errors."
        assert client.ended()


def test_a_line_without_end_costs_the_host_nothing(host: Pop3Host) -> None:
    with greeted(host) as client:
        before = host.resident_octets
        for _ in range(64):
            client.send(b"x" * (1 << 20))
        assert host.resident_octets - before < 16 << 20
        client.send(b"\r\n")
        assert client.line() == "-ERR The line is too long."


def test_capa_and_lang_before_authentication(host: Pop3Host) -> None:
    with greeted(host) as client:
        assert client.listing("CAPA") == [
            "TOP", "UIDL", "RESP-CODES", "AUTH-RESP-CODE", "PIPELINING", "EXPIRE NEVER", "UTF8 USER", "LANG",
            "USER", "SASL PLAIN LOGIN XOAUTH2 OAUTHBEARER", "STLS",
        ]  # fmt: skip
        assert client.listing("LANG") == ["i-default Default language", "en English"]
        assert client.command("LANG en-GB") == "+OK en Replies are in this language."
        assert client.command("LANG *") == "+OK i-default Replies are in this language."
        assert client.command("LANG tlh") == "-ERR There are no replies in that language."
        assert client.command("UTF8") == "+OK UTF-8 mode."

"""The TRANSACTION state, command by command: RFC 1939 sections 5 and 7."""

from __future__ import annotations

import pytest
from tests.support.pop3_host import Login, Operator, Pop3Host

ONE = b"Subject: one\r\n\r\nfirst\r\n"
TWO = b"Subject: two\r\n\r\n.\r\n..dots\r\n.\r\n"
THREE = b"Subject: three\r\n\r\n" + b"".join(b"line %d\r\n" % number for number in range(1, 10))


@pytest.fixture
def filled(operator: Operator, login: Login) -> Login:
    """A maildrop of three messages."""
    operator.append(login, ONE, TWO, THREE)
    return login


def test_stat_list_uidl(host: Pop3Host, filled: Login) -> None:
    total = len(ONE) + len(TWO) + len(THREE)
    with host.log_in(filled) as client:
        found = client.play(
            f"""
            C: STAT
            S: +OK 3 {total}
            C: LIST
            S: +OK 3 messages ({total} octets).
            S: 1 {len(ONE)}
            S: 2 {len(TWO)}
            S: 3 {len(THREE)}
            S: .
            C: LIST 2
            S: +OK 2 {len(TWO)}
            C: UIDL
            S: +OK Unique-ids follow.
            S: 1 <one>
            S: 2 <two>
            S: 3 <three>
            S: .
            """
        )
        assert len(set(found.values())) == 3
        assert client.command("UIDL 3") == f"+OK 3 {found['three']}"


@pytest.mark.parametrize("number", ["0", "4", "4294967296", "9999999999"])
@pytest.mark.parametrize("command", ["LIST {}", "UIDL {}", "RETR {}", "TOP {} 1", "DELE {}"])
def test_messages_that_are_not_there(host: Pop3Host, filled: Login, command: str, number: str) -> None:
    with host.log_in(filled) as client:
        assert client.command(command.format(number)) == "-ERR No such message."
        assert client.command("NOOP") == "+OK"


def test_retr(host: Pop3Host, filled: Login) -> None:
    with host.log_in(filled) as client:
        client.send(b"RETR 2\r\n")
        lines = [client.line() for _ in range(7)]
        assert lines == [f"+OK {len(TWO)} octets", "Subject: two", "", "..", "...dots", "..", "."]
        for number, message in enumerate((ONE, TWO, THREE), 1):
            assert client.retrieve(number) == message


@pytest.mark.parametrize("lines", [0, 1, 2, 9, 10, 9999999999])
def test_top(host: Pop3Host, filled: Login, lines: int) -> None:
    header, _, body = THREE.partition(b"\r\n\r\n")
    expected = header + b"\r\n\r\n" + b"".join(body.splitlines(keepends=True)[:lines])
    with host.log_in(filled) as client:
        assert client.command(f"TOP 3 {lines}").startswith("+OK")
        assert client.multi_line() == expected
        assert client.command("NOOP") == "+OK"


def test_top_stuffs_dots(host: Pop3Host, filled: Login) -> None:
    with host.log_in(filled) as client:
        assert client.command("TOP 2 1").startswith("+OK")
        assert [client.line() for _ in range(4)] == ["Subject: two", "", "..", "."]


def test_dele_and_rset(host: Pop3Host, filled: Login) -> None:
    total = len(ONE) + len(TWO) + len(THREE)
    with host.log_in(filled) as client:
        client.play(
            f"""
            C: DELE 2
            S: +OK Message 2 is deleted.
            C: DELE 2
            S: -ERR No such message.
            C: RETR 2
            S: -ERR No such message.
            C: TOP 2 0
            S: -ERR No such message.
            C: LIST 2
            S: -ERR No such message.
            C: UIDL 2
            S: -ERR No such message.
            C: STAT
            S: +OK 2 {total - len(TWO)}
            C: LIST
            S: +OK 2 messages ({total - len(TWO)} octets).
            S: 1 {len(ONE)}
            S: 3 {len(THREE)}
            S: .
            C: UIDL
            S: +OK Unique-ids follow.
            S: 1 <one>
            S: 3 <three>
            S: .
            C: RSET
            S: +OK 3 messages ({total} octets).
            C: LIST 2
            S: +OK 2 {len(TWO)}
            """
        )
        assert client.retrieve(2) == TWO


@pytest.mark.parametrize("line", ["PASS x", "USER x", "AUTH PLAIN", "STLS", "UTF8"])
def test_what_belongs_to_authorization_is_refused(host: Pop3Host, filled: Login, line: str) -> None:
    with host.log_in(filled) as client:
        assert client.command(line) == "-ERR The session is authenticated already."
        assert client.command("NOOP") == "+OK"


@pytest.mark.parametrize(
    ("line", "reply"),
    [
        ("RETR", "-ERR This command takes one message number."),
        ("RETR one", "-ERR An argument is not a number."),
        ("RETR 1 2", "-ERR This command takes one message number."),
        ("RETR -1", "-ERR An argument is not a number."),
        ("RETR 99999999999999", "-ERR No such message."),
        ("DELE", "-ERR This command takes one message number."),
        ("TOP 1", "-ERR TOP takes a message number and a number of lines."),
        ("TOP 1 -1", "-ERR An argument is not a number."),
        ("LIST 1 2", "-ERR This command takes at most one message number."),
        ("UIDL x", "-ERR An argument is not a number."),
        ("STAT 1", "-ERR This command takes no argument."),
        ("NOOP 1", "-ERR This command takes no argument."),
        ("RSET 1", "-ERR This command takes no argument."),
        ("QUIT 1", "-ERR This command takes no argument."),
        ("LAST", "-ERR That is not a command of this server."),
    ],
)
def test_bad_commands_change_nothing(host: Pop3Host, filled: Login, line: str, reply: str) -> None:
    with host.log_in(filled) as client:
        assert client.command(line) == reply
        assert client.command("STAT") == f"+OK 3 {len(ONE) + len(TWO) + len(THREE)}"


def test_capa_and_lang_after_authentication(host: Pop3Host, filled: Login) -> None:
    with host.log_in(filled) as client:
        assert client.listing("CAPA") == [
            "TOP", "UIDL", "RESP-CODES", "AUTH-RESP-CODE", "PIPELINING", "EXPIRE NEVER", "UTF8 USER", "LANG",
            "USER", "SASL PLAIN LOGIN XOAUTH2 OAUTHBEARER", "IMPLEMENTATION Mailkeep",
        ]  # fmt: skip
        assert client.command("LANG en") == "+OK en Replies are in this language."


def test_an_empty_maildrop(host: Pop3Host, login: Login) -> None:
    with host.log_in(login) as client:
        client.play(
            """
            C: STAT
            S: +OK 0 0
            C: LIST
            S: +OK 0 messages (0 octets).
            S: .
            C: UIDL
            S: +OK Unique-ids follow.
            S: .
            C: RETR 1
            S: -ERR No such message.
            C: RSET
            S: +OK 0 messages (0 octets).
            C: QUIT
            S: +OK Bye.
            """
        )


def test_listings_of_many_messages(host: Pop3Host, operator: Operator, login: Login) -> None:
    operator.append(login, *[b"Subject: %d\r\n\r\n" % number for number in range(2500)])
    with host.log_in(login) as client:
        sizes = client.listing("LIST")
        assert sizes == [f"{n + 1} {len(b'Subject: %d' % n) + 4}" for n in range(2500)]
        assert len({line.split()[1] for line in client.listing("UIDL")}) == 2500
        assert client.command("DELE 1500").startswith("+OK")
        assert len(client.listing("LIST")) == 2499


def test_pipelined_commands_are_answered_in_order(host: Pop3Host, filled: Login) -> None:
    with host.log_in(filled) as client:
        client.send(
            b"NOOP\r\nRETR 1\r\nXYZZY\r\nRETR 2\r\nRETR 3\r\nDELE 1\r\nRETR 1\r\nSTAT\r\nQUIT\r\nNOOP\r\n"
        )
        assert client.line() == "+OK"
        assert client.line() == f"+OK {len(ONE)} octets"
        assert client.multi_line() == ONE
        assert client.line() == "-ERR That is not a command of this server."
        for message in (TWO, THREE):
            assert client.line() == f"+OK {len(message)} octets"
            assert client.multi_line() == message
        assert client.line() == "+OK Message 1 is deleted."
        assert client.line() == "-ERR No such message."
        assert client.line() == f"+OK 2 {len(TWO) + len(THREE)}"
        assert client.line() == "+OK Bye."
        assert client.ended()

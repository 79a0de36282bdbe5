"""A real POP3 host under random sessions: every command is answered, in order, and nothing breaks."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest
from tests.support.pop3_host import IN_THE_CLEAR, Client, Login, Operator, Pop3Host

from mailkeep.net.development import ensure_ca
from mailkeep.settings import StoreSettings

MESSAGES = [b"Subject: %d\r\n\r\n.%s\r\n" % (number, b"x" * (number * 331)) for number in range(12)]
SESSIONS = 60
COMMANDS = 40
KEYWORDS = ("RETR", "RETR", "RETR", "TOP", "DELE", "LIST", "UIDL", "STAT", "RSET", "NOOP", "CAPA", "XYZZY")
MULTI_LINE = ("RETR", "TOP", "CAPA", "AUTH")


@pytest.fixture
def operator(store_settings: StoreSettings) -> Iterator[Operator]:
    """Whoever fills the store."""
    opened = Operator(store_settings)
    yield opened
    opened.close()


@pytest.fixture
def host(
    store_settings: StoreSettings, operator: Operator, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Pop3Host]:
    """Forgives many errors, so that sessions last."""
    options = IN_THE_CLEAR | {"POP3_MAX_ERRORS": "1000"}
    with Pop3Host(store_settings, ensure_ca(tmp_path_factory.mktemp("tls")), options) as started:
        yield started


def random_line(source: random.Random) -> str:
    keyword = source.choice(KEYWORDS)
    words = [str(source.randint(-1, 14)) for _ in range(source.choice([0, 1, 1, 1, 2, 2, 3]))]
    return " ".join([keyword, *words])


def read_answer(client: Client, line: str) -> None:
    """One whole reply to a command, of the kind that the command has."""
    status = client.line()
    assert status.startswith(("+OK", "-ERR")), (line, status)
    keyword, *words = line.split()
    is_long = keyword in MULTI_LINE or (keyword in ("LIST", "UIDL", "LANG") and not words)
    if is_long and status.startswith("+OK"):
        text = client.multi_line()
        if keyword == "RETR":
            assert text == MESSAGES[int(words[0]) - 1]


def test_random_pipelines(host: Pop3Host, operator: Operator) -> None:
    login: Login = operator.user()
    operator.append(login, *MESSAGES)
    source = random.Random(20)
    for _ in range(SESSIONS):
        with host.log_in(login) as client:
            lines = [random_line(source) for _ in range(COMMANDS)] + ["RSET", "QUIT"]
            octets = "".join(f"{line}\r\n" for line in lines).encode()
            for start in range(0, len(octets), step := source.randint(1, 400)):
                client.send(octets[start : start + step])
            for line in lines:
                read_answer(client, line)
            assert client.ended()
    assert len(operator.uids(login)) == len(MESSAGES)
    host.assert_no_fault()


def test_random_octets(host: Pop3Host, operator: Operator) -> None:
    login = operator.user()
    source = random.Random(21)
    for attempt in range(SESSIONS):
        client = host.log_in(login) if attempt % 2 else host.connect()
        with client:
            client.send(source.randbytes(source.randint(1, 5000)).replace(b"\n", b"\r\n") + b"\r\nQUIT\r\n")
            while not (line := client.line()).startswith("+OK Bye."):
                assert line.startswith(("+OK", "-ERR")), line
            assert client.ended()
    host.assert_no_fault()

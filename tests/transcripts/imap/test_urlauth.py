"""URLAUTH (RFC 4467): one message opened to those whom its URL names."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack

import pytest
from tests.support.imap_host import Client, ImapHost, Login, Operator, imap_user

MESSAGE = b"Subject: one\r\n\r\nbody\r\n"


def url(user: Login, access: str, where: str = "INBOX/;UID=1") -> str:
    """A URL that is not signed yet."""
    return f"imap://{user.address.replace('@', '%40')}@mail.test/{where};URLAUTH={access}"


def signed(client: Client, rump: str) -> str:
    """The same with its token."""
    (line,) = client.command(f'GENURLAUTH "{rump}" INTERNAL')
    return line.removeprefix('* GENURLAUTH "').removesuffix('"')


def fetched(client: Client, url: str) -> bytes | None:
    """What a URL opens."""
    client.send(f'fetch URLFETCH "{url}"\r\n'.encode())
    line = client.line()
    assert line.startswith(f'* URLFETCH "{url}" ')
    octets = None if line.endswith(" NIL") else client.octets(int(line.rpartition("{")[2].rstrip("}")))
    assert client.until("fetch")[-1].startswith("OK")
    return octets


@pytest.fixture
def stranger(operator: Operator, host: ImapHost, exits: ExitStack) -> tuple[Login, Client]:
    """Another user, who has nothing selected."""
    login = imap_user(operator)
    return login, exits.enter_context(host.log_in(login))


@pytest.fixture
def mine(client: Client) -> Client:
    """A session with one message."""
    client.append("INBOX", MESSAGE)
    return client


def test_somebody_else_reads_one_message(mine: Client, user: Login, stranger: tuple[Login, Client]) -> None:
    login, other = stranger
    for access in ("authuser", "anonymous", f"user+{login.address.replace('@', '%40')}"):
        good = signed(mine, url(user, access))
        assert good.startswith(url(user, access) + ":internal:01")
        assert fetched(other, good) == MESSAGE
    assert mine.command("SEARCH SEEN") == ["* SEARCH"]


def test_parts_of_it(mine: Client, user: Login, stranger: tuple[Login, Client]) -> None:
    """URL-PARTIAL (RFC 5550 section 4)."""
    where = "INBOX/;UID=1/;SECTION=TEXT/;PARTIAL=1.3"
    assert fetched(stranger[1], signed(mine, url(user, "anonymous", where))) == b"ody"


@pytest.mark.parametrize("access", ["user+nobody%40example.test", "submit+fred"])
def test_whom_it_does_not_mean(
    mine: Client, user: Login, stranger: tuple[Login, Client], access: str
) -> None:
    assert fetched(stranger[1], signed(mine, url(user, access))) is None


def test_servers_that_send_mail(
    own_host: Callable[..., ImapHost], mine: Client, user: Login, operator: Operator
) -> None:
    login = imap_user(operator)
    with own_host(IMAP_SUBMISSION_USERS=login.address).log_in(login) as server:
        assert fetched(server, signed(mine, url(user, "submit+fred"))) == MESSAGE


def test_what_opens_nothing(mine: Client, user: Login, stranger: tuple[Login, Client]) -> None:
    _, other = stranger
    good = signed(mine, url(user, "anonymous"))
    for bad in (
        good[:-1] + ("0" if good[-1] != "0" else "1"),
        good.replace("UID=1", "UID=2"),
        good.replace("anonymous", "authuser"),
        url(user, "anonymous"),
        url(user, "anonymous") + ":internal:" + "0" * 66,
        "nonsense",
        "/INBOX/;UID=1",
        signed(mine, url(user, "anonymous", "INBOX/;UID=7")),
        signed(mine, url(user, "anonymous", "INBOX;UIDVALIDITY=1/;UID=1")),
    ):
        assert fetched(other, bad) is None


def test_its_time_is_over(mine: Client, user: Login, stranger: tuple[Login, Client]) -> None:
    for expire, octets in (("2001-01-01T00:00:00Z", None), ("2099-01-01T00:00:00+01:00", MESSAGE)):
        rump = url(user, "anonymous").replace(";URLAUTH", f";EXPIRE={expire};URLAUTH")
        assert fetched(stranger[1], signed(mine, rump)) == octets


def test_resetkey_takes_them_all_back(mine: Client, user: Login, stranger: tuple[Login, Client]) -> None:
    _, other = stranger
    mine.append("Sent", MESSAGE)
    inbox, sent = signed(mine, url(user, "anonymous")), signed(mine, url(user, "anonymous", "Sent/;UID=1"))
    mine.play("C: a RESETKEY INBOX INTERNAL\nS: a OK [URLMECH INTERNAL] ...")
    assert (fetched(other, inbox), fetched(other, sent)) == (None, MESSAGE)
    assert fetched(other, signed(mine, url(user, "anonymous"))) == MESSAGE
    mine.play("C: b RESETKEY\nS: b OK ...")
    assert fetched(other, sent) is None


def test_several_at_once(mine: Client, user: Login) -> None:
    good = signed(mine, url(user, "authuser"))
    mine.send(f'a URLFETCH "x" "{good}"\r\n'.encode())
    mine.play(f'S: * URLFETCH "x" NIL\nS: * URLFETCH "{good}" {{22}}')
    assert mine.octets(22) == MESSAGE
    mine.play("S:\nS: a OK ...")


def test_what_is_not_signed(mine: Client, user: Login, stranger: tuple[Login, Client]) -> None:
    login, _ = stranger
    assert mine.refused(f'GENURLAUTH "{url(login, "anonymous")}" INTERNAL').startswith("NO [NOPERM]")
    assert mine.refused(f'GENURLAUTH "{url(user, "anonymous", "Nope/;UID=1")}" INTERNAL').startswith(
        "NO [BADURL"
    )
    assert mine.refused(f'GENURLAUTH "{url(user, "anonymous")}" X-OTHER').startswith("BAD")
    assert mine.refused('GENURLAUTH "/INBOX/;UID=1" INTERNAL').startswith("BAD")
    assert mine.refused(f'GENURLAUTH "{signed(mine, url(user, "anonymous"))}" INTERNAL').startswith("BAD")
    assert mine.refused("RESETKEY INBOX X-OTHER").startswith("BAD")
    assert mine.refused("RESETKEY Nope").startswith("NO [NONEXISTENT]")


def test_a_large_message(mine: Client, user: Login, stranger: tuple[Login, Client]) -> None:
    message = b"Subject: x\r\n\r\n" + b"0123456789" * 150_000
    mine.append("INBOX", message)
    assert fetched(stranger[1], signed(mine, url(user, "anonymous", "INBOX/;UID=2"))) == message

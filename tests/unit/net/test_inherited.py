"""Sockets that were bound for this process: which are taken, and which are not."""

from __future__ import annotations

import os
import socket

import pytest

from mailkeep.net.inherited import Inherited

HERE = str(os.getpid())


def given(*sockets: socket.socket, pid: str = HERE, count: str = "") -> tuple[Inherited, dict[str, str]]:
    """Duplicates of these sockets in a row, as if they were 3 and further."""
    first = 200
    for place, one in enumerate(sockets):
        os.dup2(one.fileno(), first + place)
    environ = {"LISTEN_PID": pid, "LISTEN_FDS": count or str(len(sockets)), "LISTEN_FDNAMES": "x", "A": "b"}
    return Inherited(environ, first), environ


def close_left(count: int) -> None:
    for place in range(count):
        os.close(200 + place)


def test_a_socket_is_taken_by_the_address_that_it_is_bound_to_and_once() -> None:
    with socket.create_server(("127.0.0.1", 0)) as one:
        inherited, environ = given(one)
        address = one.getsockname()
        assert environ == {"A": "b"}
        assert inherited.take(socket.AF_INET, ("127.0.0.2", address[1])) is None
        assert inherited.take(socket.AF_INET6, address) is None
        assert inherited.left() == [f"127.0.0.1:{address[1]}"]
        taken = inherited.take(socket.AF_INET, address)
        assert taken is not None
        with taken:
            assert not taken.getblocking()
            assert not os.get_inheritable(taken.fileno())
            assert inherited.take(socket.AF_INET, address) is None
            assert inherited.left() == []


@pytest.mark.parametrize(
    ("pid", "count"),
    [("1", "1"), ("", "1"), (HERE, "many"), (HERE, "-1")],
    ids=["another", "nobody", "many", "negative"],
)
def test_what_was_meant_for_another_process_is_left_alone(pid: str, count: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as one:
        inherited, _ = given(one, pid=pid, count=count)
        assert inherited.left() == []
        close_left(1)


def test_what_does_not_listen_is_closed() -> None:
    with socket.socket() as idle, socket.socket(socket.AF_UNIX) as unix:
        inherited, _ = given(idle, unix)
        assert inherited.left() == []
        with pytest.raises(OSError, match="Bad file descriptor"):
            os.fstat(200)

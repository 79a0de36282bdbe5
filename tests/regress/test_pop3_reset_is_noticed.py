"""A connection that was reset while the host was about to write to it stayed open for ever, maildrop locked:
uvloop had closed its handle, and Twisted never heard of the loss.
"""

from __future__ import annotations

import os
import socket
import struct
import time
from collections.abc import Iterator

import pytest
from tests.support.pop3_host import IN_THE_CLEAR, SECONDS, Operator, Pop3Host

from mailkeep.net.development import ensure_ca
from mailkeep.settings import StoreSettings

BURSTS = 40  # in one of ten a reset meets the write


@pytest.fixture
def operator(sqlite_settings: StoreSettings) -> Iterator[Operator]:
    """Whoever makes the user."""
    opened = Operator(sqlite_settings)
    yield opened
    opened.close()


def open_sockets(host: Pop3Host) -> int:
    assert host.process is not None
    directory = f"/proc/{host.process.pid}/fd"
    found = 0
    for name in os.listdir(directory):
        try:
            found += os.readlink(f"{directory}/{name}").startswith("socket:")
        except FileNotFoundError:  # closed while we look
            continue
    return found


def test_no_connection_stays(
    sqlite_settings: StoreSettings, operator: Operator, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with Pop3Host(sqlite_settings, ensure_ca(tmp_path_factory.mktemp("tls")), IN_THE_CLEAR) as host:
        before = open_sockets(host)
        for _ in range(BURSTS):
            login = operator.user()
            for _ in range(20):
                client = host.connect()
                client.send(f"USER {login.address}\r\nPASS {login.key}\r\n".encode())
                client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                client.close()
        deadline = time.monotonic() + SECONDS
        while open_sockets(host) > before:
            assert time.monotonic() < deadline, "connections that were reset are still open"
            time.sleep(0.05)

"""A connection that was reset while the host was about to write to it stayed open for ever, its locks held:
uvloop had closed its handle, and Twisted never heard of the loss.
"""

from __future__ import annotations

import os
import socket
import struct
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.imap_host import ImapHost
from tests.support.pop3_host import IN_THE_CLEAR, SECONDS, Operator, Pop3Host

from mailkeep.net.development import DevelopmentCa, ensure_ca
from mailkeep.settings import StoreSettings

BURSTS = 40  # in one of ten a reset meets the write


@pytest.fixture
def operator(sqlite_settings: StoreSettings) -> Iterator[Operator]:
    """Whoever makes the user."""
    opened = Operator(sqlite_settings)
    yield opened
    opened.close()


@pytest.fixture
def ca(tmp_path: Path) -> DevelopmentCa:
    """For listeners that this test leaves alone."""
    return ensure_ca(tmp_path / "tls")


def open_sockets(pid: int) -> int:
    """Sockets that a process holds."""
    found = 0
    for name in os.listdir(f"/proc/{pid}/fd"):
        try:
            found += os.readlink(f"/proc/{pid}/fd/{name}").startswith("socket:")
        except FileNotFoundError:  # closed while we look
            continue
    return found


def reset_in_mid_login(port: int, octets: bytes) -> None:
    """Send a login and reset the connection before its answer."""
    client = socket.create_connection(("127.0.0.1", port), SECONDS)
    client.sendall(octets)
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()


def check_none_stays(pid: int, before: int) -> None:
    deadline = time.monotonic() + SECONDS
    while open_sockets(pid) > before:
        assert time.monotonic() < deadline, "connections that were reset are still open"
        time.sleep(0.05)


def test_no_pop3_connection_stays(
    sqlite_settings: StoreSettings, operator: Operator, ca: DevelopmentCa
) -> None:
    with Pop3Host(sqlite_settings, ca, IN_THE_CLEAR) as host:
        assert host.process is not None
        before = open_sockets(host.process.pid)
        for _ in range(BURSTS):
            login = operator.user()
            octets = f"USER {login.address}\r\nPASS {login.key}\r\n".encode()
            for _ in range(20):
                reset_in_mid_login(host.plain_port, octets)
        check_none_stays(host.process.pid, before)


def test_no_imap_connection_stays(
    sqlite_settings: StoreSettings, operator: Operator, ca: DevelopmentCa
) -> None:
    with ImapHost(sqlite_settings, ca, IN_THE_CLEAR) as host:
        assert host.process is not None
        before = open_sockets(host.process.pid)
        for _ in range(BURSTS):
            login = operator.user()
            octets = f"a LOGIN {login.address} {login.key}\r\nb NOOP\r\n".encode()
            for _ in range(20):
                reset_in_mid_login(host.plain_port, octets)
        check_none_stays(host.process.pid, before)

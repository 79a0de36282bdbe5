"""A client that left in the middle of a large FETCH over TLS: Twisted was asked to abort a connection that it
had let go of, and a user who cancelled a download became a fault with a traceback in the log.
"""

from __future__ import annotations

import contextlib
import socket
import struct
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.imap_host import IN_THE_CLEAR, ImapHost, Operator, imap_user

from mailkeep.net.development import ensure_ca
from mailkeep.settings import StoreSettings

BODY = b"A line of a large message.\r\n" * 400_000  # about 11 MB


@pytest.fixture
def operator(sqlite_settings: StoreSettings) -> Iterator[Operator]:
    """Whoever makes the user."""
    opened = Operator(sqlite_settings)
    yield opened
    opened.close()


def test_it_is_no_fault(sqlite_settings: StoreSettings, operator: Operator, tmp_path: Path) -> None:
    login = imap_user(operator)
    message = b"Subject: large\r\n\r\n" + BODY
    with ImapHost(sqlite_settings, ensure_ca(tmp_path / "tls"), IN_THE_CLEAR) as host:
        filling = host.log_in(login)
        filling.append("INBOX", message)
        for attempt in range(6):
            client = host.connect_tls()
            assert client.line().startswith("* OK")
            client.command(f"LOGIN {login.address} {login.key}")
            client.command("SELECT INBOX")
            with contextlib.suppress(OSError):
                client.send(b"".join(b"f%d FETCH 1 BODY.PEEK[]\r\n" % number for number in range(100)))
            time.sleep(0.4)  # until the host waits for this client to read
            if attempt % 2:
                client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            client.socket.close()
        filling.command("NOOP")
        assert "Traceback" not in host.log
        assert "command failed" not in host.log

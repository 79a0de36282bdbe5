"""sd_notify(3), both ends over a real socket."""

from __future__ import annotations

import os
import socket
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from mailkeep.net import sdnotify


def test_readiness_travels_with_the_listeners(tmp_path: Path) -> None:
    address = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as receiver:
        receiver.bind(address)
        sent = sdnotify.ready_fields({"imap": ["127.0.0.1:143", "[::1]:143"], "imaps": []})
        assert sdnotify.notify(sent, {"NOTIFY_SOCKET": address})
        heard = sdnotify.parse(receiver.recv(sdnotify.DATAGRAM_LIMIT))
    assert heard["READY"] == "1"
    assert heard["MAINPID"] == str(os.getpid())
    assert heard["STATUS"] == "Listening: imap on 127.0.0.1:143 [::1]:143"
    assert sdnotify.parse_listeners(heard) == {"imap": ["127.0.0.1:143", "[::1]:143"], "imaps": []}


def test_an_abstract_socket_is_written_with_an_at_sign() -> None:
    name = f"mailkeep-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as receiver:
        receiver.bind(f"\0{name}")
        assert sdnotify.notify({"STOPPING": "1"}, {"NOTIFY_SOCKET": f"@{name}"})
        assert receiver.recv(100) == b"STOPPING=1"


def test_with_nobody_listening_a_host_goes_on(tmp_path: Path) -> None:
    assert not sdnotify.notify({"READY": "1"}, {})
    assert not sdnotify.notify({"READY": "1"}, {"NOTIFY_SOCKET": str(tmp_path / "gone")})
    assert not sdnotify.notify({"READY": "1"}, {"NOTIFY_SOCKET": "relative"})


@given(st.binary(max_size=200))
def test_any_datagram_is_taken(datagram: bytes) -> None:
    sdnotify.parse_listeners(sdnotify.parse(b"X_MAILKEEP_LISTENERS=" + datagram))
    sdnotify.parse(datagram)

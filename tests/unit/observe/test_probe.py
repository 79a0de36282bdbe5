"""The health check of images: 0 for 200, 1 for everything else, and what was wrong in words."""

from __future__ import annotations

import socket
import threading

import pytest

from mailkeep.observe import probe


def answering(answer: bytes) -> tuple[socket.socket, str]:
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        connection, _ = listener.accept()
        with connection:
            connection.recv(4096)
            connection.sendall(answer)

    threading.Thread(target=serve, daemon=True).start()
    return listener, f"http://127.0.0.1:{listener.getsockname()[1]}/health/ready"


@pytest.mark.parametrize(
    ("answer", "code", "said"),
    [
        (b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nok\n", 0, "ok"),
        (b"HTTP/1.1 503 No\r\ncontent-length: 8\r\n\r\nstarting", 1, "starting"),
        (b"+OK POP3\r\n", 1, "It does not answer: BadStatusLine."),
        (b"", 1, "It does not answer: RemoteDisconnected."),
    ],
)
def test_what_is_answered_decides(
    answer: bytes, code: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    listener, url = answering(answer)
    with listener:
        assert probe.main([url]) == code
    assert capsys.readouterr().out.strip() == said


def test_nobody_there_is_a_failure(capsys: pytest.CaptureFixture[str]) -> None:
    assert probe.main(["http://127.0.0.1:1/health/ready"]) == 1
    assert "ConnectionRefusedError" in capsys.readouterr().out
    assert probe.main([]) == 2

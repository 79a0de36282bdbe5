"""Messages to measure with: the same for every server, each with its own Message-ID and subject."""

from __future__ import annotations

_TEXT = (
    b"The keeper counts the letters that came in with the evening boat, and puts each where its "
    b"owner will look for it first.\r\n"
)


def message(
    number: int, size: int, sender: str = "sender@bench.test", to: str = "demo@example.test"
) -> bytes:
    """About `size` octets, CRLF line ends, no line that begins with a dot."""
    head = (
        f"From: Bench Sender <{sender}>\r\n"
        f"To: <{to}>\r\n"
        f"Subject: Benchmark message {number} of the evening post\r\n"
        f"Date: Sun, 22 Nov 2026 10:{number // 60 % 60:02d}:{number % 60:02d} +0000\r\n"
        f"Message-ID: <bench.{number}@bench.test>\r\n"
        "MIME-Version: 1.0\r\n"
        "Content-Type: text/plain; charset=utf-8\r\n"
        "\r\n"
    ).encode()
    lines = max(1, (size - len(head)) // len(_TEXT))
    return head + _TEXT * lines

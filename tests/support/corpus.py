"""Messages to carry unchanged: Python's own test corpus, and what it lacks."""

from __future__ import annotations

import os
import random
import re
from importlib.util import find_spec
from pathlib import Path

import pytest
from tests.support.programs import REQUIRE_CLIENTS

_LINE_END = re.compile(rb"\r\n|\r|\n")


def as_sent(octets: bytes) -> bytes:
    """With CRLF as the only line end, at the end of the last line too: what a client puts on the wire
    (RFC 5321 section 4.1.1.4)."""
    sent = _LINE_END.sub(b"\r\n", octets)
    return sent if sent.endswith(b"\r\n") else sent + b"\r\n"


def python_corpus() -> dict[str, bytes]:
    """File name -> octets of `test.test_email.data`. Debian has it in libpython3.11-testsuite; without it
    the test is skipped, or fails if clients are required."""
    try:
        spec = find_spec("test.test_email")
    except ModuleNotFoundError:
        spec = None
    directory = Path(spec.origin).parent / "data" if spec and spec.origin else Path("/nonexistent")
    found = {path.name: path.read_bytes() for path in sorted(directory.glob("msg_*.txt"))}
    if found:
        return found
    if os.environ.get(REQUIRE_CLIENTS) == "1":
        pytest.fail("Python's test corpus is required and not installed")
    pytest.skip("Python's test corpus is not installed")


def generated() -> dict[str, bytes]:
    """What the corpus lacks. Deterministic."""
    header = b"From: a@remote.example\r\nSubject: generated\r\n"
    chosen = random.Random(20261122)
    octets = bytes(chosen.choice([*range(1, 10), 11, 12, *range(14, 256)]) for _ in range(20_000))
    multipart = header + b'MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary="b"\r\n\r\n'
    return {
        "8-bit": header + b"\r\n" + "Grüße, 日本語 🙂\r\n".encode() * 50,
        "8-bit header": "From: Jürgen <j@remote.example>\r\nSubject: Grüße\r\n\r\nx\r\n".encode(),
        "every octet but NUL, CR and LF": header + b"\r\n" + octets + b"\r\n",
        "long lines": header + b"\r\n" + b"x" * 990 + b"\r\n" + b"y" * 998 + b"\r\n",
        "longer lines than SMTP promises": header + b"\r\n" + b"z" * 5_000 + b"\r\nend\r\n",
        "no final line end": header + b"\r\nthe end",
        "dots": header + b"\r\n.\r\n..\r\n...\r\n.x\r\nx.\r\n. \r\n",
        "only a header": header,
        "only a body": b"\r\nbody\r\n",
        "no header field": b"this is no header\r\nnor this\r\n",
        "empty lines": header + b"\r\n" + b"\r\n" * 100,
        "a long header": header + b"X-Long: " + b"a b c d e f g h\r\n " * 8_000 + b"end\r\n\r\nbody\r\n",
        "many fields": header
        + b"".join(b"X-%d: y\r\n" % number for number in range(3_000))
        + b"\r\nbody\r\n",
        "nested parts": multipart + b"--b\r\n\r\none\r\n" * 300 + b"--b--\r\nepilogue\r\n",
        "starts with a space": b" folded from nowhere\r\n" + header + b"\r\nbody\r\n",
        "starts with From": b"From bob Sun Nov 22 00:00:00 2026\r\n" + header + b"\r\nbody\r\n",
    }


def large(size: int = 20_000_000) -> bytes:
    """A message of about `size` octets, its lines all different."""
    lines = [b"%08d %s\r\n" % (number, b"0123456789abcdef" * 4) for number in range(size // 75)]
    return b"From: a@remote.example\r\nSubject: large\r\n\r\n" + b"".join(lines)

"""What preparing a message costs, in microseconds, as JSON: `python bench/mime_bench.py [--seconds N]`.

Each figure is the best of several rounds, because the machine's other work only ever adds to it.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable

from mailkeep.mime import envelope, parts, structure, summary
from mailkeep.mime.prepare import prepare
from mailkeep.mime.scan import scan

ROUNDS = 7

HEADER = b"""Return-Path: <ann@sender.example>\r
Received: from mx1.sender.example (mx1.sender.example [192.0.2.25])\r
\tby mail.example.test with ESMTPS id 4c7Xk2mQz3; Wed, 18 Nov 2026 10:14:03 +0000\r
Received: from [198.51.100.7] (port=50312 helo=laptop)\r
\tby mx1.sender.example with esmtpsa (TLS1.3) id 1abCDe-0001;\r
\tWed, 18 Nov 2026 11:14:02 +0100\r
DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=sender.example; s=k1;\r
\th=from:to:subject:date:message-id; bh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=;\r
\tb=dGhpcyBpcyBub3QgYSByZWFsIHNpZ25hdHVyZSBidXQgYXMgbG9uZyBhcyBvbmUgdXN1YWxseSBpcyBpbg==\r
Date: Wed, 18 Nov 2026 11:14:01 +0100\r
From: =?utf-8?q?Ann_L=C3=B8vgren?= <ann@sender.example>\r
To: Demo User <demo@example.test>, "Other, Person" <other@example.test>\r
Cc: list@example.test\r
Subject: Re: =?utf-8?q?Minutes_of_last_week=E2=80=99s_meeting?=\r
Message-ID: <20261118101401.0a1b2c@sender.example>\r
In-Reply-To: <20261117090000.9f8e7d@example.test>\r
References: <20261116080000.111111@example.test> <20261117090000.9f8e7d@example.test>\r
User-Agent: Example Mail 1.0\r
MIME-Version: 1.0\r
"""
LINE = b"Here is a line of ordinary text of the length that people's clients fold at.\r\n"
PLAIN = HEADER + b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
BASE64_LINE = b"QUJD" * 19 + b"\r\n"


def plain_4k() -> bytes:
    """4 KB, one part."""
    return (PLAIN + LINE * 60)[:4096]


def alternative_4k() -> bytes:
    """4 KB, text and HTML."""
    opening = b'Content-Type: multipart/alternative; boundary="=_b1"\r\n\r\n'
    text = b"--=_b1\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n" + LINE * 17
    page = b"--=_b1\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<html><body><p>" + LINE * 19 + b"</p>"
    return HEADER + opening + text + page + b"</body></html>\r\n--=_b1--\r\n"


def attached(size: int) -> bytes:
    """A text and an attachment of about `size` octets in base64."""
    opening = b'Content-Type: multipart/mixed; boundary="=_m1"\r\n\r\n--=_m1\r\n\r\n' + LINE * 5
    head = b'--=_m1\r\nContent-Type: application/pdf; name="a.pdf"\r\nContent-Transfer-Encoding: base64\r\n'
    disposition = b'Content-Disposition: attachment; filename="a.pdf"\r\n\r\n'
    return HEADER + opening + head + disposition + BASE64_LINE * (size // 78) + b"--=_m1--\r\n"


def microseconds(work: Callable[[], object], seconds: float) -> float:
    """Best mean time of one call over the rounds."""
    started = time.perf_counter()
    work()
    once = max(time.perf_counter() - started, 1e-7)
    repeats = max(int(seconds / ROUNDS / once), 1)
    best = float("inf")
    for _ in range(ROUNDS):
        started = time.perf_counter()
        for _ in range(repeats):
            work()
        best = min(best, (time.perf_counter() - started) / repeats)
    return round(best * 1e6, 1)


def measure(seconds: float) -> dict[str, dict[str, float]]:
    """Microseconds by message and by step."""
    messages = {
        "plain_4k": plain_4k(),
        "alternative_4k": alternative_4k(),
        "attachment_1m": attached(1 << 20),
        "attachment_20m": attached(20 << 20),
    }
    return {name: _steps(octets, seconds) for name, octets in messages.items()}


def _steps(octets: bytes, seconds: float) -> dict[str, float]:
    entities = scan(octets)
    steps: dict[str, Callable[[], object]] = {
        "prepare": lambda: prepare(octets),
        "scan": lambda: scan(octets),
        "envelope": lambda: envelope.render(entities[0].fields),
        "structure": lambda: structure.render(entities),
        "pack": lambda: parts.pack(entities),
        "summary": lambda: summary.summarise(octets, entities),
    }
    figures = {step: microseconds(work, seconds) for step, work in steps.items()}
    return {"octets": float(len(octets)), **figures}


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=0.5, help="time for each figure (default 0.5)")
    json.dump({"unit": "microseconds", "results": measure(parser.parse_args().seconds)}, sys.stdout, indent=2)
    print()
    return 0


if __name__ == "__main__":
    sys.exit(main())

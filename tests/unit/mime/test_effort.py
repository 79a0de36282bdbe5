"""Which messages an event loop prepares itself, and which it gives up."""

from __future__ import annotations

import pytest

from mailkeep.mime.effort import ENTITY, Effort, EffortSpent
from mailkeep.mime.prepare import prepare, prepare_swiftly

MIXED = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n"
PART = b"--b\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<p>hello</p>\r\n"
WORDS = b"Words that somebody wrote.\r\n" * 4000

ORDINARY = {
    "text": b"From: a@b.example\r\nSubject: hello\r\n\r\n" + WORDS,
    "parts": MIXED + PART * 20 + b"--b--\r\n",
    "an attachment": MIXED
    + PART
    + b"--b\r\nContent-Type: image/png\r\n\r\n"
    + b"QUJD" * 20_000
    + b"\r\n--b--\r\n",
    "much that was added on the way": b"Received: from a by b; today\r\n" * 400 + b"\r\n" + WORDS,
    "an embedded message": MIXED
    + b"--b\r\nContent-Type: message/rfc822\r\n\r\nTo: a@b.example\r\n\r\n"
    + WORDS,
    "dashes": b"\r\n" + b"-----\r\n--\r\n" * 1000,
}
INVOLVED = {
    "fields": b"a:\r\n" * 10_000 + b"\r\n",
    "addresses": b"To: " + b"a," * 2000 + b"\r\n\r\n",
    "addresses within": MIXED + b"--b\r\nContent-Type: message/rfc822\r\n\r\nTo: " + b"a," * 2000,
    "encoded words": b"Subject: " + b"=?utf-8?q?a?= " * 200 + b"\r\n\r\n",
    "beyond ASCII": "".join(f"X-{n}: é\r\n" for n in range(1000)).encode() + b"\r\n",
    "parts": MIXED + b"--b\r\n\r\nx\r\n" * 200,
    "a part's fields": MIXED + b"--b\r\n" + b"a:\r\n" * 10_000 + b"\r\n",
    "messages in messages": b"Content-Type: message/rfc822\r\n\r\n" * 99,
    "all but delimiters": MIXED + b"--a\r\n--bb\r\n" * 1000,
}


@pytest.mark.parametrize("octets", ORDINARY.values(), ids=ORDINARY)
def test_ordinary_messages_are_prepared_as_ever(octets: bytes) -> None:
    assert prepare_swiftly(octets) == prepare(octets)


@pytest.mark.parametrize("octets", INVOLVED.values(), ids=INVOLVED)
def test_what_is_made_to_be_slow_is_given_up(octets: bytes) -> None:
    assert prepare_swiftly(octets) is None
    assert prepare(octets).size == len(octets)


def test_effort_is_spent_to_its_end_and_not_past_it() -> None:
    effort = Effort(ENTITY + 3)
    effort.spend_on(b"abc")
    with pytest.raises(EffortSpent):
        effort.spend(1)

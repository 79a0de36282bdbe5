"""RFC 6409 section 8: what is added, what is taken away, and that nothing else changes."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailkeep.smtp.submitted import Defaults, SubmittedHeader, defaults_for, mend

DEFAULTS = Defaults("1@mx.example.test", datetime(2026, 3, 1, 12, 30, 5, tzinfo=UTC))
DATE = b"Date: Sun, 01 Mar 2026 12:30:05 +0000\r\n"
ID = b"Message-ID: <1@mx.example.test>\r\n"
HAS_BOTH = b"Date: x\r\nMessage-ID: y\r\n"


def passed(message: bytes, split: int = 0, limit: int = 60 * 1024) -> bytes:
    header = SubmittedHeader(DEFAULTS, limit)
    pieces = [message[at : at + split] for at in range(0, len(message), split)] if split else [message]
    return b"".join(map(header.feed, pieces)) + header.finish()


@pytest.mark.parametrize(
    ("header", "mended"),
    [
        (b"From: a@b\r\n\r\n", b"From: a@b\r\n" + DATE + ID + b"\r\n"),
        (b"From: a@b\r\nDate: x\r\n\r\n", b"From: a@b\r\nDate: x\r\n" + ID + b"\r\n"),
        (b"mEssage-iD : x\r\nFrom: a@b\r\n\r\n", b"mEssage-iD : x\r\nFrom: a@b\r\n" + DATE + b"\r\n"),
        (HAS_BOTH + b"\r\n", HAS_BOTH + b"\r\n"),
        (HAS_BOTH + b"Bcc: x@y\r\n\r\n", HAS_BOTH + b"\r\n"),
        (b"BCC : x@y,\r\n\tz@y,\r\n z@w\r\n" + HAS_BOTH + b"\r\n", HAS_BOTH + b"\r\n"),
        (b"Bcc:\r\nResent-Bcc: a@b\r\n" + HAS_BOTH + b"bcc: c@d\r\n\r\n", HAS_BOTH + b"\r\n"),
        (
            b"X-Bcc: x\r\nSubject: Bcc: y\r\n Bcc: z\r\n" + HAS_BOTH,
            b"X-Bcc: x\r\nSubject: Bcc: y\r\n Bcc: z\r\n" + HAS_BOTH,
        ),
        (
            b"Resent-Date: x\r\nResent-Message-ID: y\r\n\r\n",
            b"Resent-Date: x\r\nResent-Message-ID: y\r\n" + DATE + ID + b"\r\n",
        ),
        (b"From: a@b", b"From: a@b\r\n" + DATE + ID),
        (b"\r\n", DATE + ID + b"\r\n"),
        (b"", DATE + ID),
    ],
)
def test_headers(header: bytes, mended: bytes) -> None:
    assert mend(header, DEFAULTS) == mended


@pytest.mark.parametrize("split", [0, 1, 2, 3, 7])
def test_the_body_is_not_touched_wherever_the_pieces_are_cut(split: int) -> None:
    body = b"Bcc: not@a.field\r\n\r\nDate: x\r\n\r\n"
    whole = b"From: a@b\r\nBcc: secret@x\r\n\r\n" + body
    assert passed(whole, split) == b"From: a@b\r\n" + DATE + ID + b"\r\n" + body
    assert passed(b"\r\n" + body, split) == DATE + ID + b"\r\n" + body
    assert passed(b"From: a@b\r\n", split) == b"From: a@b\r\n" + DATE + ID


@pytest.mark.parametrize("split", [0, 1, 9])
def test_a_header_past_the_limit_goes_through_for_whoever_refuses_it(split: int) -> None:
    fits = b"X: " + b"y" * 43 + b"\r\n\r\n"
    assert len(fits) == 50
    assert passed(fits + b"body", split, 50).startswith(fits[:-2] + DATE)
    longer = b"X: " + b"y" * 44 + b"\r\nBcc: z\r\n\r\nbody"
    assert passed(longer, split, 50) == longer


def test_nothing_is_held_once_the_header_has_gone() -> None:
    header = SubmittedHeader(DEFAULTS)
    assert header.feed(b"From: a@b\r\n\r") == b""
    assert header.feed(b"\nbody").endswith(b"\r\n\r\nbody")
    assert header.feed(b"more") == b"more"
    assert header.finish() == b""


FIELDS = st.lists(
    st.tuples(
        st.sampled_from(
            [b"From", b"Bcc", b"RESENT-BCC", b"date", b"Message-Id", b"Subject", b"X-Bcc", b"Bccc"]
        ),
        st.binary(max_size=12).map(lambda raw: raw.replace(b"\r", b"").replace(b"\n", b"")),
        st.sampled_from([b"", b"\r\n folded", b"\r\n\tBcc: x", b"\r\n \r\n  more"]),
    ),
    max_size=8,
)


@given(FIELDS, st.binary(max_size=60), st.integers(0, 9))
def test_every_other_octet_stays_in_its_place(
    fields: list[tuple[bytes, bytes, bytes]], body: bytes, split: int
) -> None:
    raws = [(name.lower(), name + b": " + value + fold + b"\r\n") for name, value, fold in fields]
    names = {name for name, _ in raws}
    kept = b"".join(raw for name, raw in raws if name not in (b"bcc", b"resent-bcc"))
    kept += b"" if b"date" in names else DATE
    kept += b"" if b"message-id" in names else ID
    message = b"".join(raw for _, raw in raws) + b"\r\n" + body
    assert passed(message, split) == kept + b"\r\n" + body


def test_ids_are_of_our_name_and_time() -> None:
    made = defaults_for("00ff", "mx.example.test", DEFAULTS.date)
    assert made.message_id == "20260301123005.00ff@mx.example.test"
    assert made.date == DEFAULTS.date

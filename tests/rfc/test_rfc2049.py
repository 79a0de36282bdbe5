"""RFC 2049 appendix A: the complex multipart example, through everything that is rendered at delivery."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from mailkeep.mime import parts
from mailkeep.mime.prepare import prepare

MESSAGE = b"""\
MIME-Version: 1.0
From: Nathaniel Borenstein <nsb@nsb.fv.com>
To: Ned Freed <ned@innosoft.com>
Date: Fri, 07 Oct 1994 16:15:05 -0700 (PDT)
Subject: A multipart example
Content-Type: multipart/mixed;
              boundary=unique-boundary-1

This is the preamble area of a multipart message.
Mail readers that understand multipart format
should ignore this preamble.

If you are reading this text, you might want to
consider changing to a mail reader that understands
how to properly display multipart messages.

--unique-boundary-1

  ... Some text appears here ...

[Note that the blank between the boundary and the start
 of the text in this part means no header fields were
 given and this is text in the US-ASCII character set.
 It could have been done with explicit typing as in the
 next part.]

--unique-boundary-1
Content-type: text/plain; charset=US-ASCII

This could have been part of the previous part, but
illustrates explicit versus implicit typing of body
parts.

--unique-boundary-1
Content-Type: multipart/parallel; boundary=unique-boundary-2

--unique-boundary-2
Content-Type: audio/basic
Content-Transfer-Encoding: base64

  ... base64-encoded 8000 Hz single-channel
      mu-law-format audio data goes here ...

--unique-boundary-2
Content-Type: image/jpeg
Content-Transfer-Encoding: base64

  ... base64-encoded image data goes here ...

--unique-boundary-2--

--unique-boundary-1
Content-type: text/enriched

This is <bold><italic>enriched.</italic></bold>
<smaller>as defined in RFC 1896</smaller>

Isn't it
<bigger><bigger>cool?</bigger></bigger>

--unique-boundary-1
Content-Type: message/rfc822

From: (mailbox in US-ASCII)
To: (address in US-ASCII)
Subject: (subject in US-ASCII)
Content-Type: Text/plain; charset=ISO-8859-1
Content-Transfer-Encoding: Quoted-printable

  ... Additional text in ISO-8859-1 goes here ...

--unique-boundary-1--
""".replace(b"\n", b"\r\n")

PREPARED = prepare(MESSAGE)
INDEX = parts.unpack(PREPARED.parts)


@pytest.mark.parametrize(
    ("section", "media_type", "body"),
    [
        ((1,), "text/plain", b"  ... Some text appears here ..."),
        ((2,), "text/plain", b"This could have been part of the previous part"),
        ((3,), "multipart/parallel", b"--unique-boundary-2"),
        ((3, 1), "audio/basic", b"  ... base64-encoded 8000 Hz"),
        ((3, 2), "image/jpeg", b"  ... base64-encoded image data"),
        ((4,), "text/enriched", b"This is <bold>"),
        ((5,), "message/rfc822", b"From: (mailbox in US-ASCII)"),
        ((5, 1), "text/plain", b"  ... Additional text in ISO-8859-1"),
    ],
)
def test_parts(section: tuple[int, ...], media_type: str, body: bytes) -> None:
    part = INDEX.find(section)
    assert part is not None
    assert part.media_type == media_type
    assert MESSAGE[part.body_start : part.body_end].startswith(body)


def test_there_are_five_parts() -> None:
    assert INDEX.find((6,)) is None
    assert INDEX.find((3, 3)) is None
    assert INDEX.find((5, 2)) is None


def test_envelope() -> None:
    sender = b'(("Nathaniel Borenstein" NIL "nsb" "nsb.fv.com"))'
    assert PREPARED.envelope == (
        b'("Fri, 07 Oct 1994 16:15:05 -0700 (PDT)" "A multipart example" %b %b %b '
        b'(("Ned Freed" NIL "ned" "innosoft.com")) NIL NIL NIL NIL)' % (sender, sender, sender)
    )


def test_body() -> None:
    # The embedded message's From and To hold comments alone: no addresses.
    assert PREPARED.body == (
        b'(("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 275 7)'
        b'("text" "plain" ("charset" "US-ASCII") NIL NIL "7bit" 114 3)'
        b'(("audio" "basic" NIL NIL NIL "base64" 91)("image" "jpeg" NIL NIL NIL "base64" 47) "parallel")'
        b'("text" "enriched" ("charset" "us-ascii") NIL NIL "7bit" 145 5)'
        b'("message" "rfc822" NIL NIL NIL "7bit" 232 '
        b'(NIL "(subject in US-ASCII)" NIL NIL NIL NIL NIL NIL NIL NIL) '
        b'("Text" "plain" ("charset" "ISO-8859-1") NIL NIL "Quoted-printable" 51 1) 7) "mixed")'
    )


def test_summary() -> None:
    summary = PREPARED.summary
    assert summary.subject == "A multipart example"
    assert summary.sent_at == datetime(1994, 10, 7, 23, 15, 5, tzinfo=UTC)
    assert summary.attachment_count == 0
    assert summary.preview.startswith("... Some text appears here ... [Note that the blank")

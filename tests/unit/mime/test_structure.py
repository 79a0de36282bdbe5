"""BODY and BODYSTRUCTURE: RFC 9051 section 7.5.2, RFC 2046, and broken mail as established servers see it."""

from __future__ import annotations

import pytest

from mailkeep.mime import structure
from mailkeep.mime.scan import DEPTH_LIMIT, PART_LIMIT, scan

EMPTY_TEXT = b'("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 0 0)'


def crlf(text: str) -> bytes:
    return text.replace("\n", "\r\n").encode("utf-8")


def body(message: str | bytes) -> bytes:
    return structure.render(scan(crlf(message) if isinstance(message, str) else message))[0]


def body_structure(message: str | bytes) -> bytes:
    return structure.render(scan(crlf(message) if isinstance(message, str) else message))[1]


def test_a_text_has_octets_and_lines() -> None:
    # RFC 3501 section 7.4.2: BODY ("TEXT" "PLAIN" ("CHARSET" "US-ASCII") NIL NIL "7BIT" 3028 92)
    message = "Content-Type: TEXT/PLAIN; CHARSET=US-ASCII\nContent-Transfer-Encoding: 7BIT\n\none\ntwo\n"
    assert body(message) == b'("TEXT" "PLAIN" ("CHARSET" "US-ASCII") NIL NIL "7BIT" 10 2)'
    assert body_structure(message).endswith(b'"7BIT" 10 2 NIL NIL NIL NIL)')


def test_a_message_without_content_type_is_plain_us_ascii() -> None:
    # RFC 2045 section 5.2
    assert body("Subject: x\n\nhello\n") == b'("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 7 1)'


@pytest.mark.parametrize(
    "value",
    ["", "text", "/plain", "text/", "text plain", "a/b/c", ";charset=x", "\u00e9/x", "x" * 128 + "/y"],
)
def test_what_is_no_media_type_is_plain_us_ascii(value: str) -> None:
    assert body(f"Content-Type: {value}\n\nhi").startswith(b'("text" "plain" ("charset" "us-ascii")')


def test_the_example_with_two_parts() -> None:
    # RFC 3501 section 7.4.2; sizes are ours.
    message = """\
Content-Type: multipart/mixed; boundary=b

--b
Content-Type: TEXT/PLAIN; CHARSET=US-ASCII

text
--b
Content-Type: TEXT/PLAIN; CHARSET=US-ASCII; NAME="cc.diff"
Content-ID: <960723163407.20117h@cac.washington.edu>
Content-Description: Compiler diff
Content-Transfer-Encoding: BASE64

dGV4dA==

--b--
"""
    assert body(message) == (
        b'(("TEXT" "PLAIN" ("CHARSET" "US-ASCII") NIL NIL "7bit" 4 0)'
        b'("TEXT" "PLAIN" ("CHARSET" "US-ASCII" "NAME" "cc.diff") '
        b'"<960723163407.20117h@cac.washington.edu>" "Compiler diff" "BASE64" 10 1) "mixed")'
    )


def test_extension_data_stands_in_its_order() -> None:
    message = """\
Content-Type: image/png; name=a.png
Content-MD5: Q2hlY2sgSW50ZWdyaXR5IQ==
Content-Disposition: attachment; filename="a b.png"; size=4
Content-Language: en, de (German)
Content-Location: http://example.org/a.png

xxxx"""
    assert body_structure(message) == (
        b'("image" "png" ("name" "a.png") NIL NIL "7bit" 4 "Q2hlY2sgSW50ZWdyaXR5IQ==" '
        b'("attachment" ("filename" "a b.png" "size" "4")) ("en" "de") "http://example.org/a.png")'
    )


def test_one_language_is_a_string_and_a_bare_disposition_has_no_list() -> None:
    message = "Content-Type: text/html\nContent-Disposition: inline\nContent-Language: en\n\nx"
    assert body_structure(message) == (
        b'("text" "html" ("charset" "us-ascii") NIL NIL "7bit" 1 0 NIL ("inline" NIL) "en" NIL)'
    )


def test_a_multipart_has_its_own_extension_data() -> None:
    message = """\
Content-Type: multipart/related; boundary="b"; type="text/html"
Content-Disposition: inline
Content-Language: fr
Content-Location: x

--b

x
--b--"""
    assert body_structure(message) == (
        b'(("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 1 0 NIL NIL NIL NIL) '
        b'"related" ("boundary" "b" "type" "text/html") ("inline" NIL) "fr" "x")'
    )


@pytest.mark.parametrize("media_type", ["message/rfc822", "MESSAGE/RFC822", "message/global"])
def test_an_embedded_message_has_envelope_structure_and_lines(media_type: str) -> None:
    # RFC 9051 section 7.5.2; RFC 6532 section 3.7 for message/global
    message = f"Content-Type: {media_type}\n\nSubject: in\n\nhello\nyou\n"
    type_, subtype = media_type.encode().split(b"/")
    inner = b'("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 12 2)'
    assert body(message) == (
        b'("%b" "%b" NIL NIL NIL "7bit" 27 (NIL "in" NIL NIL NIL NIL NIL NIL NIL NIL) %b 4)'
        % (type_, subtype, inner)
    )


def test_messages_within_messages() -> None:
    opening = "Content-Type: message/rfc822\n\n"
    rendered = body(opening + opening + "Subject: deep\n\nx")
    assert rendered.count(b'"message" "rfc822"') == 2
    assert rendered.count(b'"deep"') == 1


def test_parts_of_a_digest_are_messages_unless_they_say_otherwise() -> None:
    # RFC 2046 section 5.1.5
    message = """\
Content-Type: multipart/digest; boundary=b

--b

Subject: one

x
--b
Content-Type: text/plain

y
--b--
"""
    rendered = body(message)
    assert rendered.startswith(b'(("message" "rfc822" NIL NIL NIL "7bit" 17 (NIL "one" ')
    assert b'("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 1 0) "digest")' in rendered


@pytest.mark.parametrize("content", ["", "no delimiter\n", "--c\n\nanother one's\n", "--b--\n"])
def test_a_multipart_without_parts_gets_an_empty_one(content: str) -> None:
    message = "Content-Type: multipart/mixed; boundary=b\n\n" + content
    assert body(message) == b'(%b "mixed")' % EMPTY_TEXT


@pytest.mark.parametrize("parameters", ["", "; boundary", "; boundary=", '; boundary=""', "; x=y"])
def test_a_multipart_without_boundary_is_plain_text(parameters: str) -> None:
    message = f"Content-Type: multipart/mixed{parameters}\n\n--\nx\n"
    assert body(message) == b'("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 7 2)'


def test_continued_parameters_are_one() -> None:
    # RFC 2231 section 3 and 4.1
    message = "Content-Type: application/x; name*1*=b%20c; name*0*=utf-8'en'a; url*0=x; url*1=\"y z\"\n\nx"
    assert b'("name*" "utf-8\'en\'ab%20c" "url" "xy z")' in body(message)


def test_comments_are_no_part_of_values() -> None:
    # RFC 2045 section 5.1
    message = (
        "Content-Type: text/plain; charset=us-ascii (Plain text)\nContent-Transfer-Encoding: 8bit (x)\n\n"
    )
    assert body(message) == b'("text" "plain" ("charset" "us-ascii") NIL NIL "8bit" 0 0)'


def test_eight_bit_and_nul_in_values_stay_within_the_grammar() -> None:
    message = b'Content-Type: a/b; name="\xe9\\"\0"\nContent-Description: \xff\n\n'
    assert body(message) == b'("a" "b" ("name" {3}\r\n\xe9"?) NIL {1}\r\n\xff "7bit" 0)'


def test_what_lies_deeper_than_the_limit_is_opaque() -> None:
    rendered = body("Content-Type: message/rfc822\n\n" * (DEPTH_LIMIT + 20))
    assert rendered.count(b'"message" "rfc822"') == DEPTH_LIMIT
    assert rendered.count(b'"application" "octet-stream"') == 1


def test_parts_past_the_limit_belong_to_the_last_one() -> None:
    message = b"Content-Type: multipart/mixed; boundary=b\n\n" + b"--b\n\nx\n" * (PART_LIMIT + 10)
    assert body(message).count(b'("text" "plain"') == PART_LIMIT - 1

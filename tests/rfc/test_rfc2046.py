"""RFC 2046: composite media types, by section."""

from __future__ import annotations

import pytest

from mailkeep.mime import parts
from mailkeep.mime.prepare import prepare


def texts(message: bytes) -> list[bytes]:
    """Bodies of the parts that hold no others."""
    index = parts.unpack(prepare(message).parts)
    return [message[part.body_start : part.body_end] for part in index.walk() if not part.children]


def multipart(content: bytes, boundary: bytes = b"gc0pJq0M:08jU534c0p", subtype: bytes = b"mixed") -> bytes:
    return b'Content-Type: multipart/%b; boundary="%b"\r\n\r\n%b' % (subtype, boundary, content)


class TestSection51Multipart:
    def test_5_1_the_boundary_of_the_example_needs_quotes(self) -> None:
        # "Content-Type: multipart/mixed; boundary=gc0pJq0M:08jU534c0p" is not legal, and read all the same.
        boundary = b"gc0pJq0M:08jU534c0p"
        content = b"--%b\r\n\r\none\r\n--%b--\r\n" % (boundary, boundary)
        assert texts(multipart(content)) == [b"one"]
        assert texts(multipart(content).replace(b'"', b"")) == [b"one"]

    def test_5_1_1_the_line_end_before_a_delimiter_is_the_delimiters(self) -> None:
        content = b"--b\r\n\r\nno line end\r\n--b\r\n\r\nline end\r\n\r\n--b--"
        assert texts(multipart(content, b"b")) == [b"no line end", b"line end\r\n"]

    def test_5_1_1_padding_after_a_delimiter(self) -> None:
        assert texts(multipart(b"--b \t\r\n\r\none\r\n--b-- \r\n", b"b")) == [b"one"]

    def test_5_1_1_preamble_and_epilogue_are_no_parts(self) -> None:
        content = b"preamble\r\n--b\r\n\r\none\r\n--b--\r\nepilogue\r\n--b\r\n\r\nno part\r\n"
        assert texts(multipart(content, b"b")) == [b"one"]

    def test_5_1_1_a_part_without_header_begins_with_a_blank_line(self) -> None:
        (first,) = texts(multipart(b"--b\r\n\r\nContent-Type: text/html\r\n--b--", b"b"))
        assert first == b"Content-Type: text/html"

    def test_5_1_2_an_outer_delimiter_ends_all_within(self) -> None:
        inner = b"--o\r\n" + multipart(b"--i\r\n\r\none\r\n", b"i", b"alternative")
        assert texts(multipart(inner + b"--o\r\n\r\ntwo\r\n--o--\r\n", b"o")) == [b"one", b"two"]

    def test_5_1_5_a_digest_is_of_messages(self) -> None:
        # The example of the section.
        message = multipart(
            b"------ next message ----\r\n\r\nFrom: someone-else@somewhere\r\nSubject: my opinion\r\n\r\n"
            b"...body goes here ...\r\n"
            b"------ next message ----\r\n\r\nFrom: someone-else-again@somewhere\r\n"
            b"Subject: my different opinion\r\n\r\n... another body goes here ...\r\n"
            b"------ next message ------\r\n",
            b"---- next message ----",
            b"digest",
        )
        rendered = prepare(message).body
        assert rendered.count(b'("message" "rfc822"') == 2
        assert b'"my opinion"' in rendered
        assert b'"my different opinion"' in rendered
        assert texts(message) == [b"...body goes here ...", b"... another body goes here ..."]

    @pytest.mark.parametrize("subtype", [b"parallel", b"x-unknown", b"signed", b"form-data"])
    def test_5_1_7_unknown_subtypes_are_taken_apart_like_mixed(self, subtype: bytes) -> None:
        assert texts(multipart(b"--b\r\n\r\none\r\n--b--", b"b", subtype)) == [b"one"]


class TestSection52Message:
    def test_5_2_1_an_embedded_message_needs_no_fields(self) -> None:
        rendered = prepare(b"Content-Type: message/rfc822\r\n\r\n\r\nonly a body").body
        assert b'(NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL) ("text" "plain"' in rendered

    @pytest.mark.parametrize("subtype", [b"partial", b"external-body", b"delivery-status"])
    def test_5_2_2_and_5_2_3_other_messages_are_not_taken_apart(self, subtype: bytes) -> None:
        rendered = prepare(b"Content-Type: message/%b; x=y\r\n\r\nSubject: x\r\n\r\nbody" % subtype).body
        assert rendered == b'("message" "%b" ("x" "y") NIL NIL "7bit" 18)' % subtype

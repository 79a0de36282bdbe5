"""RFC 2045: fields and transfer encodings, by section."""

from __future__ import annotations

import pytest

from mailkeep.mime import transfer
from mailkeep.mime.prepare import prepare


def body(header: bytes, content: bytes = b"x") -> bytes:
    return prepare(header + b"\r\n\r\n" + content).body


class TestSection5ContentType:
    def test_5_1_quoting_and_comments_do_not_matter(self) -> None:
        # The three forms that the section calls equivalent.
        plain = body(b"Content-type: text/plain; charset=us-ascii (Plain text)")
        assert plain == body(b'Content-type: text/plain; charset="us-ascii"')
        assert plain == b'("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 1 0)'

    def test_5_1_names_are_matched_without_case_and_kept_as_written(self) -> None:
        assert body(b"CONTENT-TYPE: TEXT/Plain; ChArSeT=x").startswith(b'("TEXT" "Plain" ("ChArSeT" "x")')

    @pytest.mark.parametrize("header", [b"Subject: x", b"Content-Type: what is this", b"Content-Type:"])
    def test_5_2_the_default_is_plain_us_ascii(self, header: bytes) -> None:
        assert body(header).startswith(b'("text" "plain" ("charset" "us-ascii")')


class TestSection6TransferEncoding:
    def test_6_1_the_default_is_7bit(self) -> None:
        assert b'"7bit"' in body(b"Content-Type: image/png")

    def test_6_1_names_are_matched_without_case_and_kept_as_written(self) -> None:
        assert b'"BaSe64"' in body(b"Content-Transfer-Encoding: BaSe64")
        assert transfer.decode(b"eA==", "BaSe64") == b"x"

    def test_6_7_the_example(self) -> None:
        encoded = (
            b"Now's the time =\r\nfor all folk to come=\r\n to the aid of their country.\r\n"
        )  # fmt: skip
        decoded = b"Now's the time for all folk to come to the aid of their country.\r\n"
        assert transfer.decode(encoded, "quoted-printable") == decoded

    def test_6_7_rule_1_lower_case_digits_are_taken(self) -> None:
        assert transfer.decode(b"=0c=3d=3D", "quoted-printable") == b"\x0c=="

    def test_6_7_rule_3_white_space_at_the_end_of_a_line_was_added_on_the_way(self) -> None:
        assert transfer.decode(b"a \t\r\nb=20\r\n", "quoted-printable") == b"a\r\nb \r\n"

    @pytest.mark.parametrize("damaged", [b"=", b"=X", b"=4", b"a=\xff"])
    def test_6_7_notes_what_is_no_escape_does_not_raise(self, damaged: bytes) -> None:
        transfer.decode(damaged, "quoted-printable")

    @pytest.mark.parametrize(
        ("encoded", "decoded"),
        [(b"AAECAwQF", bytes(range(6))), (b"AAECAwQ=", bytes(range(5))), (b"AAECAw==", bytes(range(4)))],
    )
    def test_6_8_three_ends(self, encoded: bytes, decoded: bytes) -> None:
        assert transfer.decode(encoded, "base64") == decoded

    def test_6_8_line_breaks_and_other_characters_are_ignored(self) -> None:
        assert transfer.decode(b"AA\r\nEC*Aw \tQF-\r\n", "base64") == bytes(range(6))


def test_7_and_8_id_and_description() -> None:
    header = b"Content-ID: <unique@example.org>\r\nContent-Description: a picture of the\r\n Space Shuttle"
    assert b'"<unique@example.org>" "a picture of the Space Shuttle"' in body(header)

"""Text of messages, for searching and for readers."""

from __future__ import annotations

import pytest

from mailkeep.mime import parts, text
from mailkeep.mime.scan import scan


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("plain", "plain"),
        ("<p>one</p><p>two</p>", "one two"),
        ("one<br>two", "one two"),
        ("<b>o</b><i>ne</i>", "one"),
        ("a &amp; b &lt;c&gt; &#233; &eacute; &nbsp;d", "a & b <c> \xe9 \xe9 d"),
        ("<style>p { color: red }</style>x<SCRIPT type=a>alert('<b>')</SCRIPT >y", "x y"),
        ("<title>t</title><body>x", "x"),
        ("x<!-- <b>hidden</b> -->y", "xy"),
        ("<!DOCTYPE html><?xml?><html>x</html>", "x"),
        ("1 < 2 <3 & 4", "1 < 2 <3 & 4"),
        ('<img alt="a" src="x">y', "y"),
        ("x<!-- never closed", "x"),
        ("x<script>never closed", "x"),
        ("x<a href='never closed", "x"),
        ("</style>x", "x"),
        ("", ""),
    ],
)
def test_html_becomes_text(source: str, words: str) -> None:
    assert " ".join(text.html_to_text(source).split()) == words


def test_reduction_stops_when_there_is_enough() -> None:
    assert len(text.html_to_text("<p>word</p>" * 10_000, enough=100)) < 300


@pytest.mark.parametrize("piece", ["<b>", "<!-- -->", "<br>", "<"])
def test_reduction_stops_where_markup_goes_on_and_on(piece: str) -> None:
    assert text.html_to_text(piece * 100_000 + "late", enough=100).strip("\n<") == ""


def test_references_are_resolved_only_as_far_as_they_are_wanted() -> None:
    assert text.html_to_text("&amp;" * 100_000, enough=100) == "&" * 160


MESSAGE = """\
Content-Type: multipart/mixed; boundary=m

--m
Content-Type: multipart/alternative; boundary=a

--a
Content-Type: text/plain; charset=iso-8859-1
Content-Transfer-Encoding: quoted-printable

caf=E9 plain
--a
Content-Type: text/html; charset=utf-8
Content-Transfer-Encoding: base64

PGI+Y2Fmw6k8L2I+IGh0bWw=
--a--
--m
Content-Type: text/csv
Content-Disposition: attachment; filename=t.csv

column
--m
Content-Type: image/png
Content-Transfer-Encoding: base64

AAAA
--m
Content-Type: message/rfc822

Subject: inner

embedded words
--m--
""".replace("\n", "\r\n").encode()


def test_all_text_is_searchable_also_that_of_embedded_messages() -> None:
    index = parts.unpack(parts.pack(scan(MESSAGE)))
    assert text.text_of(MESSAGE, index).split() == [
        "caf\xe9", "plain", "caf\xe9", "html", "column", "embedded", "words",
    ]  # fmt: skip


def test_a_reader_is_shown_the_bodies_and_no_attachment() -> None:
    index = parts.unpack(parts.pack(scan(MESSAGE)))
    assert text.html_and_plain(MESSAGE, index) == ("<b>caf\xe9</b> html", "caf\xe9 plain")


def test_a_message_without_text_shows_none() -> None:
    message = b"Content-Type: image/png\r\n\r\nx"
    index = parts.unpack(parts.pack(scan(message)))
    assert text.html_and_plain(message, index) == (None, None)
    assert text.text_of(message, index) == ""


def test_text_holds_no_nul_and_no_surrogate() -> None:
    message = b"Content-Type: text/plain; charset=utf-7\r\n\r\na\0b+2AA-c"
    index = parts.unpack(parts.pack(scan(message)))
    found = text.text_of(message, index)
    assert found == "a\ufffdb\ufffdc"

"""New messages: what is written can be read back, by our scanner and by the standard library."""

from __future__ import annotations

import email
from dataclasses import replace
from datetime import UTC, datetime
from email import policy
from email.message import EmailMessage

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailkeep.errors import InvalidName
from mailkeep.mime.compose import REFERENCES_LIMIT, Draft, File, Named, compose, thread
from mailkeep.mime.prepare import prepare
from mailkeep.model.address import Address

ANN, BOB = Address.parse("ann@example.test"), Address.parse("bob@other.test")
DRAFT = Draft(
    author=Named(ANN, 'Ann \u00c4, of "X"'),
    message_id="1@example.test",
    date=datetime(2026, 3, 1, 12, tzinfo=UTC),
    to=(Named(BOB, "Bob"),),
    subject="Gr\u00fc\u00dfe",
    text="Hello.\n",
)


def read(draft: Draft) -> EmailMessage:
    octets = compose(draft)
    assert b"\n" not in octets.replace(b"\r\n", b"")
    found = email.message_from_bytes(octets, policy=policy.default)
    assert isinstance(found, EmailMessage)
    return found


def test_a_text_with_its_head() -> None:
    found = read(DRAFT)
    assert (found["Subject"], found["Message-ID"]) == ("Gr\u00fc\u00dfe", "<1@example.test>")
    assert found["From"].addresses[0].display_name == 'Ann \u00c4, of "X"'
    assert found["From"].addresses[0].addr_spec == "ann@example.test"
    assert found["Date"].datetime == DRAFT.date
    assert found.get_content() == "Hello.\r\n"
    summary = prepare(compose(DRAFT)).summary
    assert (summary.subject, summary.from_address) == ("Gr\u00fc\u00dfe", "ann@example.test")


def test_text_and_html_are_alternatives_and_files_come_beside_them() -> None:
    files = (File("\u00dc.pdf", "application/pdf", b"%PDF\x00"), File("x", "multipart/mixed", b"--a"))
    found = read(replace(DRAFT, html="<p>Hello</p>", files=files))
    body = found.get_body(("html",))
    assert body is not None
    assert body.get_content() == "<p>Hello</p>\r\n"
    attached = list(found.iter_attachments())
    assert [part.get_content_type() for part in attached] == ["application/pdf", "application/octet-stream"]
    assert [part.get_filename() for part in attached] == ["\u00dc.pdf", "x"]
    assert attached[0].get_content() == b"%PDF\x00"
    assert prepare(compose(replace(DRAFT, files=files))).summary.attachment_count == 2


def test_html_alone_and_nothing_at_all() -> None:
    assert read(replace(DRAFT, text=None, html="<p>x</p>")).get_content_type() == "text/html"
    assert read(replace(DRAFT, text=None)).get_content() == "\r\n"


def test_an_answer_names_its_parents() -> None:
    in_reply_to, references = thread("3@x", ["1@x", "2@x"])
    found = read(replace(DRAFT, in_reply_to=in_reply_to, references=references))
    assert (found["In-Reply-To"], found["References"]) == ("<3@x>", "<1@x> <2@x> <3@x>")


def test_parents_that_could_be_more_than_ids_are_left_out_and_many_are_cut() -> None:
    assert thread("a> <b", ["x\r\nBcc: y", ""]) == ("", ())
    _, references = thread("last@x", [f"{n}@x" for n in range(100)])
    assert (len(references), references[0], references[-1]) == (REFERENCES_LIMIT, "0@x", "last@x")


@pytest.mark.parametrize(
    "draft",
    [
        replace(DRAFT, subject="a\r\nBcc: eve@x.test"),
        replace(DRAFT, author=Named(ANN, "a\nb")),
        replace(DRAFT, in_reply_to="x\r\nBcc: y"),
    ],
)
def test_nothing_adds_a_field(draft: Draft) -> None:
    with pytest.raises(InvalidName):
        compose(draft)


def test_a_local_part_beyond_ascii_is_written_as_it_is() -> None:
    unicode = Named(Address.parse("j\u00fcrgen@example.test"))
    assert "j\u00fcrgen@example.test".encode() in compose(replace(DRAFT, to=(unicode,)))


@given(st.text(max_size=300), st.text(max_size=60), st.binary(max_size=300))
def test_whatever_is_given_is_written_or_refused(text: str, name: str, octets: bytes) -> None:
    draft = replace(DRAFT, subject=name, text=text, files=(File(name or "x", "text/plain", octets),))
    try:
        written = compose(draft)
    except InvalidName:
        return
    head, _, _ = written.partition(b"\r\n\r\n")
    assert head.lower().count(b"\r\nsubject:") == 1
    assert prepare(written).summary.attachment_count == 1


# --- forwarded whole (RFC 2046 section 5.2.1) ------------------------------------------------------

ODD = b"From:  odd@other.test\r\nSubject: kept   as it is\r\n\r\n-- \r\n.dot\r\n"


@pytest.mark.parametrize("original", [ODD, ODD.removesuffix(b"\r\n"), ODD + "Gr\u00fc\u00dfe\r\n".encode()])
def test_a_message_is_forwarded_octet_for_octet(original: bytes) -> None:
    octets = compose(replace(DRAFT, messages=(original,)))
    ended = original if original.endswith(b"\r\n") else original + b"\r\n"
    assert octets.count(ended) == 1
    found = email.message_from_bytes(octets, policy=policy.default)
    (attached,) = found.iter_attachments()
    assert (attached.get_content_type(), attached.get_filename()) == ("message/rfc822", "message.eml")
    assert attached["Content-Transfer-Encoding"] == ("7bit" if original.isascii() else "8bit")
    assert attached.get_content()["Subject"] == "kept   as it is"


@pytest.mark.parametrize("original", [ODD + b"\0", ODD + b"bare\n", ODD + b"x" * 999])
def test_what_cannot_travel_in_lines_is_forwarded_as_a_file(original: bytes) -> None:
    (attached,) = read(replace(DRAFT, messages=(original,))).iter_attachments()
    assert attached.get_content_type() == "application/octet-stream"
    assert attached.get_content() == original


@pytest.mark.parametrize(
    ("given", "sent"), [("../../etc/passwd", "passwd"), ("C:\\x\\y.txt", "y.txt"), ("...", "file")]
)
def test_a_file_name_is_no_path(given: str, sent: str) -> None:
    (attached,) = read(replace(DRAFT, files=(File(given, "text/plain", b"x"),))).iter_attachments()
    assert attached.get_filename() == sent

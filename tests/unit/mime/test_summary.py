"""What lists and threads show of a message."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from mailkeep.mime import summary
from mailkeep.mime.scan import scan
from mailkeep.model.message import PREVIEW_LIMIT, MessageSummary


def summarise(message: str | bytes) -> MessageSummary:
    octets = message.replace("\n", "\r\n").encode("utf-8") if isinstance(message, str) else message
    return summary.summarise(octets, scan(octets))


def test_an_ordinary_message() -> None:
    found = summarise("""\
Date: Fri, 21 Nov 1997 09:55:06 -0600
From: =?utf-8?q?J=C3=B6?= Doe <jo@example.org>, Other <o@example.org>
Subject: Re: [list] =?utf-8?q?caf=C3=A9?=
 opens
Message-ID: <2@example.org>
In-Reply-To: <1@example.org>
References: <0@example.org>
 <1@example.org>

Hello,

  this is it.
""")
    assert found == MessageSummary(
        subject="Re: [list] caf\xe9 opens",
        base_subject="caf\xe9 opens",
        from_address="jo@example.org",
        from_name="J\xf6 Doe",
        message_id="2@example.org",
        references=("0@example.org", "1@example.org"),
        sent_at=datetime(1997, 11, 21, 15, 55, 6, tzinfo=UTC),
        attachment_count=0,
        preview="Hello, this is it.",
    )


def test_nothing_gives_nothing() -> None:
    assert summarise("") == MessageSummary()


@pytest.mark.parametrize(
    ("fields", "references"),
    [
        ("References: <a@x> <b@x>", ("a@x", "b@x")),
        ("References: <a@x>,<b@x>, junk <b@x>", ("a@x", "b@x")),
        ("References: <a@x> <b@x> <a@x>", ("a@x", "b@x", "a@x")),
        ("References: junk\nIn-Reply-To: <c@x>", ("c@x",)),
        ("In-Reply-To: Your mail of <1 Jan> <c@x>", ("1Jan",)),
        ("In-Reply-To: words only", ()),
        ("References: <a@\n x>", ("a@x",)),
        ("References: <unclosed", ()),
        ("References: <>", ()),
    ],
)
def test_references(fields: str, references: tuple[str, ...]) -> None:
    # RFC 5256 section 3; RFC 5322 section 3.6.4
    assert summarise(fields + "\n\n").references == references


def test_of_many_references_the_first_and_the_latest_are_kept() -> None:
    ids = " ".join(f"<{number}@x>" for number in range(500))
    kept = summarise(f"References: {ids}\n\n").references
    assert len(kept) == summary.REFERENCES_LIMIT
    assert (kept[0], kept[1], kept[-1]) == ("0@x", "401@x", "499@x")


@pytest.mark.parametrize(
    ("value", "message_id"),
    [("<a@b>", "a@b"), ("a@b", "a@b"), ("(x) <a@b> y", "a@b"), ("", ""), ("<>", "<>")],
)
def test_message_ids(value: str, message_id: str) -> None:
    assert summarise(f"Message-ID: {value}\n\n").message_id == message_id


@pytest.mark.parametrize(
    ("value", "address", "name"),
    [
        ("a@b", "a@b", ""),
        ('"Doe, Jo" <a@b>', "a@b", "Doe, Jo"),
        ("g: x <a@b>;", "a@b", "x"),
        ("nobody", "", ""),
        ("Name <>", "", "Name"),
        ("", "", ""),
    ],
)
def test_the_author(value: str, address: str, name: str) -> None:
    found = summarise(f"From: {value}\n\n")
    assert (found.from_address, found.from_name) == (address, name)


def test_every_value_has_a_limit() -> None:
    long = "x" * 5000
    found = summarise(
        f"Subject: {long}\nFrom: {long} <{long}@x>\nMessage-ID: <{long}>\n"
        f"References: <{long[:990]}>\n\n{long}"
    )
    assert len(found.subject) == summary.SUBJECT_LIMIT
    assert len(found.from_name) == summary.NAME_LIMIT
    assert len(found.from_address) == summary.ADDRESS_TEXT_LIMIT
    assert len(found.message_id) <= summary.MESSAGE_ID_LIMIT
    assert all(len(reference) <= summary.MESSAGE_ID_LIMIT for reference in found.references)
    assert len(found.preview) == PREVIEW_LIMIT


def test_no_nul_and_no_surrogate_reaches_the_store() -> None:
    found = summarise(b"Subject: a\0=?utf-7?q?+2AA-?=\r\nFrom: x\0y <a\0@b>\r\n\r\n\0text")
    assert found.subject == "a\ufffd\ufffd"
    assert "\0" not in found.from_name + found.from_address + found.preview


def parts_message(*parts: str) -> str:
    return (
        "Content-Type: multipart/mixed; boundary=b\n\n"
        + "".join(f"--b\n{part}\n" for part in parts)
        + "--b--\n"
    )


@pytest.mark.parametrize(
    ("parts", "preview"),
    [
        (["\nplain", "\nsecond"], "plain"),
        (["Content-Type: text/html\n\n<style>x</style><p>from <b>page</b></p>"], "from page"),
        (["\n  ", "Content-Type: text/html\n\n<p>shown</p>"], "shown"),
        (["Content-Disposition: attachment\n\nfile", "\nbody"], "body"),
        (["Content-Type: text/csv\n\n1;2", "\nbody"], "body"),
        (["Content-Type: image/png\n\nxxxx"], ""),
        (["Content-Type: message/rfc822\n\nSubject: x\n\ninner"], ""),
        (["Content-Transfer-Encoding: base64\n\nw6kh"], "\xe9!"),
        (["\n\u200b\ufeffa\u00adb \u034f \u200c \u034f c"], "ab c"),
        (["\n\U0001f469\u200d\U0001f4bb x"], "\U0001f469\u200d\U0001f4bb x"),
    ],
)
def test_previews(parts: list[str], preview: str) -> None:
    assert summarise(parts_message(*parts)).preview == preview


def test_a_preview_is_at_most_200_characters_of_collapsed_text() -> None:
    found = summarise("\n" + "word \n\t " * 1000).preview
    assert found == ("word " * 40).strip()


def test_a_preview_of_a_page_that_opens_with_styles() -> None:
    page = "<html><head><style>" + "p { margin: 0 }\n" * 2000 + "</style></head><body>Hello</body>"
    assert summarise("Content-Type: text/html\n\n" + page).preview == "Hello"

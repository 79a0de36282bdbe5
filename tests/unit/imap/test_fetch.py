"""FETCH: attributes, sections, partials, modifiers, and the labels of the answer."""

from __future__ import annotations

import pytest
from tests.support.imap_parsing import parsed, refused

from mailkeep.imap.commands.fetch import (
    BinarySection,
    BinarySize,
    BodySection,
    Fetch,
    FetchAttribute,
    FetchItem,
    Partial,
    PartialRange,
    Section,
    SectionText,
    label,
)
from mailkeep.imap.errors import ImapLimitExceeded
from mailkeep.imap.sequence import SAVED_RESULT, SequenceSet

ONE = SequenceSet(((1, 1),))
FAST = (FetchItem.FLAGS, FetchItem.INTERNALDATE, FetchItem.RFC822_SIZE)


def attributes(text: str) -> tuple[FetchAttribute, ...]:
    command = parsed(f"FETCH 1 {text}")
    assert isinstance(command, Fetch)
    return command.attributes


def test_fetch_and_uid_fetch_rfc9051_6_4_5() -> None:
    assert parsed("FETCH 1 FLAGS") == Fetch("A", ONE, (FetchItem.FLAGS,))
    assert parsed("UID FETCH 2:4 (flags Uid)") == Fetch(
        "A", SequenceSet(((2, 4),)), (FetchItem.FLAGS, FetchItem.UID), uid=True
    )
    assert parsed("FETCH $ FLAGS") == Fetch("A", SAVED_RESULT, (FetchItem.FLAGS,))


def test_macros_stand_alone() -> None:
    assert attributes("FAST") == FAST
    assert attributes("all") == (*FAST, FetchItem.ENVELOPE)
    assert attributes("FULL") == (*FAST, FetchItem.ENVELOPE, FetchItem.BODY)
    refused("FETCH 1 (FAST)")
    refused("FETCH 1 (UID ALL)")
    refused("FETCH 1 FAST UID")


@pytest.mark.parametrize("item", [item for item in FetchItem if item is not FetchItem.PREVIEW_LAZY])
def test_every_attribute_has_its_word(item: FetchItem) -> None:
    assert attributes(item.value) == (item,)
    assert attributes(f"({item.value.lower()})") == (item,)
    assert label(item) == item.value.encode()


def test_preview_may_be_lazy_rfc8970_3_2() -> None:
    assert attributes("PREVIEW (LAZY)") == (FetchItem.PREVIEW_LAZY,)
    assert attributes("(PREVIEW (lazy) UID)") == (FetchItem.PREVIEW_LAZY, FetchItem.UID)
    assert label(FetchItem.PREVIEW_LAZY) == b"PREVIEW"
    refused("FETCH 1 PREVIEW (EAGER)")


def test_an_attribute_asked_twice_is_answered_once() -> None:
    assert attributes("(UID FLAGS UID BODY[] BODY[])") == (FetchItem.UID, FetchItem.FLAGS, BodySection())


@pytest.mark.parametrize(
    ("text", "section"),
    [
        ("", Section()),
        ("HEADER", Section((), SectionText.HEADER)),
        ("TEXT", Section((), SectionText.TEXT)),
        ("1", Section((1,))),
        ("3.2", Section((3, 2))),
        ("4.1.mime", Section((4, 1), SectionText.MIME)),
        ("4.2.HEADER", Section((4, 2), SectionText.HEADER)),
        ("4.2.TEXT", Section((4, 2), SectionText.TEXT)),
        ("HEADER.FIELDS (DATE From)", Section((), SectionText.HEADER_FIELDS, (b"DATE", b"From"))),
        ('HEADER.FIELDS.NOT ("X-a]b")', Section((), SectionText.HEADER_FIELDS_NOT, (b"X-a]b",))),
        ("3.HEADER.FIELDS ({4+}\r\nDATE)", Section((3,), SectionText.HEADER_FIELDS, (b"DATE",))),
    ],
)
def test_sections_rfc9051_6_4_5_1(text: str, section: Section) -> None:
    assert attributes(f"BODY[{text}]") == (BodySection(section),)
    assert attributes(f"(body.peek[{text}])") == (BodySection(section, peek=True),)


@pytest.mark.parametrize(
    "section",
    [
        "0",
        "1.0",
        "1.",
        ".1",
        "1..2",
        "MIME",
        "HEADER.1",
        "1HEADER",
        "HEADER.FIELDS",
        "HEADER.FIELDS ()",
        "HEADER.FIELDS DATE",
        "HEADER.FIELDS (Ümläut)",
        'HEADER.FIELDS ("")',
        "HEADER (DATE)",
        "BEAUTY",
        "4294967296.x",
        " ",
    ],
)
def test_what_is_no_section(section: str) -> None:
    refused(f"FETCH 1 BODY[{section}]")


def test_partials_rfc9051_6_4_5() -> None:
    assert attributes("BODY[]<0.2048>") == (BodySection(partial=Partial(0, 2048)),)
    assert attributes("BODY.PEEK[1]<100.5>") == (BodySection(Section((1,)), True, Partial(100, 5)),)


@pytest.mark.parametrize(
    "partial", ["<0>", "<0.0>", "<.5>", "<1.2", "<-1.5>", "<0.9223372036854775808>", "<>"]
)
def test_what_is_no_partial(partial: str) -> None:
    refused(f"FETCH 1 BODY[]{partial}")


def test_binary_rfc9051_6_4_5_2() -> None:
    assert attributes("BINARY[1.2]<0.5>") == (BinarySection((1, 2), partial=Partial(0, 5)),)
    assert attributes("BINARY.PEEK[]") == (BinarySection(peek=True),)
    assert attributes("BINARY.SIZE[3]") == (BinarySize((3,)),)
    refused("FETCH 1 BINARY[TEXT]")
    refused("FETCH 1 BINARY")
    refused("FETCH 1 BINARY.SIZE[1]<0.5>")


def test_the_answer_names_what_was_asked_without_peek_and_length_rfc9051_7_5_2() -> None:
    assert label(*attributes("BODY.PEEK[]")) == b"BODY[]"
    assert label(*attributes("BODY[1.2.MIME]<10.20>")) == b"BODY[1.2.MIME]<10>"
    assert label(*attributes("body.peek[header.fields (subject to)]")) == b"BODY[HEADER.FIELDS (subject to)]"
    assert label(*attributes('BODY[HEADER.FIELDS ("a b" "c]d")]')) == b'BODY[HEADER.FIELDS ("a b" "c]d")]'
    assert label(*attributes("BINARY.PEEK[1]<0.5>")) == b"BINARY[1]<0>"
    assert label(*attributes("BINARY.SIZE[1]")) == b"BINARY.SIZE[1]"


def test_modifiers_rfc7162_3_1_4() -> None:
    assert parsed("FETCH 1 FLAGS (CHANGEDSINCE 12345)") == Fetch(
        "A", ONE, (FetchItem.FLAGS,), changed_since=12345
    )
    assert parsed("UID FETCH 1 (FLAGS) (changedsince 12345 vanished)") == Fetch(
        "A", ONE, (FetchItem.FLAGS,), True, 12345, True
    )


def test_vanished_needs_uids_and_changedsince_rfc7162_3_2_6() -> None:
    refused("FETCH 1 FLAGS (CHANGEDSINCE 1 VANISHED)")
    refused("UID FETCH 1 FLAGS (VANISHED)")


def test_partial_windows_rfc9394_3_3() -> None:
    assert parsed("UID FETCH 1 FLAGS (PARTIAL -1:-30)") == Fetch(
        "A", ONE, (FetchItem.FLAGS,), True, partial=PartialRange(-1, -30)
    )
    refused("UID FETCH 1 FLAGS (PARTIAL -1:30)")
    refused("UID FETCH 1 FLAGS (PARTIAL 0:30)")


@pytest.mark.parametrize(
    "arguments", ["", "1", "1 ", "1 ()", "1 (UID", "1 (UID,FLAGS)", "1 BEAUTY", "1 FLAGS ()", "1 UID[]"]
)
def test_what_is_no_fetch(arguments: str) -> None:
    refused(f"FETCH {arguments}")


def test_the_depth_of_a_part_is_limited() -> None:
    assert attributes("BODY[" + ".".join(["1"] * 100) + "]")
    refused("FETCH 1 BODY[" + ".".join(["1"] * 101) + "]", ImapLimitExceeded)

"""SEARCH: the tree of keys, charsets, return options."""

from __future__ import annotations

from datetime import date

import pytest
from tests.support.imap_parsing import parsed, refused

from mailkeep.imap.commands.search import (
    AndKey,
    DateKey,
    DateTest,
    FuzzyKey,
    HeaderKey,
    KeywordKey,
    KeywordTest,
    ModseqKey,
    NotKey,
    NumberKey,
    NumberTest,
    ObjectIdKey,
    ObjectIdTest,
    OrKey,
    PartialRange,
    PlainKey,
    Search,
    SearchKey,
    SearchOptions,
    SearchReturn,
    SequenceKey,
    TextField,
    TextKey,
    UidKey,
)
from mailkeep.imap.errors import BadCharset, ImapLimitExceeded
from mailkeep.imap.sequence import SAVED_RESULT, SequenceSet


def keys(text: str | bytes) -> tuple[SearchKey, ...]:
    octets = text.encode() if isinstance(text, str) else text
    command = parsed(b"SEARCH " + octets)
    assert isinstance(command, Search)
    return command.keys


def test_keys_are_anded_rfc9051_6_4_4() -> None:
    assert keys('FLAGGED SINCE 1-Feb-1994 NOT FROM "Smith"') == (
        PlainKey.FLAGGED,
        DateKey(DateTest.SINCE, date(1994, 2, 1)),
        NotKey(TextKey(TextField.FROM, "Smith")),
    )


@pytest.mark.parametrize("key", list(PlainKey))
def test_keys_without_arguments(key: PlainKey) -> None:
    assert keys(key.value.lower()) == (key,)


@pytest.mark.parametrize("field", list(TextField))
def test_texts_are_astrings(field: TextField) -> None:
    expected = (TextKey(field, "a b"),)
    assert keys(f'{field.value} "a b"') == expected
    assert keys(f"{field.value} {{3+}}\r\na b") == expected


@pytest.mark.parametrize("test", list(DateTest))
def test_dates(test: DateTest) -> None:
    assert keys(f'{test.value} "1-Feb-1994"') == (DateKey(test, date(1994, 2, 1)),)


@pytest.mark.parametrize("test", list(NumberTest))
def test_numbers(test: NumberTest) -> None:
    assert keys(f"{test.value} 4096") == (NumberKey(test, 4096),)


def test_within_takes_a_positive_interval_rfc5032_2() -> None:
    refused("SEARCH OLDER 0")
    refused("SEARCH YOUNGER 4294967296")
    assert keys("LARGER 0") == (NumberKey(NumberTest.LARGER, 0),)


def test_header_keyword_uid_and_sequences() -> None:
    assert keys('HEADER "Message-ID" ""') == (HeaderKey("Message-ID", ""),)
    assert keys("KEYWORD $Work UNKEYWORD Junk") == (
        KeywordKey(KeywordTest.KEYWORD, "$Work"),
        KeywordKey(KeywordTest.UNKEYWORD, "Junk"),
    )
    assert keys("2,4:* UID 1:3 $") == (
        SequenceKey(SequenceSet(((2, 2), (4, 0)))),
        UidKey(SequenceSet(((1, 3),))),
        SequenceKey(SAVED_RESULT),
    )
    refused("SEARCH KEYWORD \\Seen")


def test_or_not_and_parentheses_nest() -> None:
    assert keys("OR (SEEN FLAGGED) NOT OR DRAFT 1") == (
        OrKey(
            AndKey((PlainKey.SEEN, PlainKey.FLAGGED)),
            NotKey(OrKey(PlainKey.DRAFT, SequenceKey(SequenceSet(((1, 1),))))),
        ),
    )
    assert keys("((SEEN))") == (AndKey((AndKey((PlainKey.SEEN,)),)),)


def test_keys_of_extensions() -> None:
    assert keys("MODSEQ 620162338") == (ModseqKey(620162338),)
    assert keys('MODSEQ "/flags/\\\\draft" all 620162338') == (
        ModseqKey(620162338, "/flags/\\draft", "all"),
    )  # RFC 7162 section 3.1.5
    assert keys("EMAILID M00000001 THREADID T1") == (
        ObjectIdKey(ObjectIdTest.EMAILID, "M00000001"),
        ObjectIdKey(ObjectIdTest.THREADID, "T1"),
    )  # RFC 8474 section 5.3
    assert keys('FUZZY (SUBJECT "IMAP brekingrule")') == (
        FuzzyKey(AndKey((TextKey(TextField.SUBJECT, "IMAP brekingrule"),))),
    )  # RFC 6203 section 4


@pytest.mark.parametrize(
    "key",
    [
        "",
        "BEAUTY",
        "SEEN ",
        "SEEN  DRAFT",
        "(SEEN",
        "()",
        "NOT",
        "OR SEEN",
        "FROM",
        "FROM (x)",
        "HEADER x",
        "ON yesterday",
        "LARGER -1",
        "UID",
        "UID x",
        "0",
        'MODSEQ "/flags/x" some 5',
        "SEEN)",
        "RETURN (ALL)",
    ],
)
def test_what_is_no_key(key: str) -> None:
    refused(f"SEARCH {key}")


def test_charsets_rfc9051_6_4_4() -> None:
    assert parsed('SEARCH CHARSET utf-8 TEXT "täxt"') == Search(
        "A", (TextKey(TextField.TEXT, "täxt"),), charset="UTF-8"
    )
    assert keys(b"CHARSET ISO-8859-1 TEXT {1+}\r\n\xe4") == (TextKey(TextField.TEXT, "ä"),)
    assert keys('CHARSET "US-ASCII" TEXT x') == (TextKey(TextField.TEXT, "x"),)
    refused("SEARCH CHARSET KOI-9 ALL", BadCharset)
    refused("SEARCH CHARSET US-ASCII TEXT {2+}\r\nä")
    refused(b"SEARCH CHARSET UTF-8 TEXT {1+}\r\n\xe4")


def test_without_a_charset_utf8_is_understood_and_nothing_else() -> None:
    assert keys("TEXT {2+}\r\nä") == (TextKey(TextField.TEXT, "ä"),)
    refused(b"SEARCH TEXT {1+}\r\n\xe4")


def test_return_options_rfc9051_6_4_4_1() -> None:
    assert parsed("UID SEARCH RETURN (MIN count) ALL") == Search(
        "A",
        (PlainKey.ALL,),
        uid=True,
        options=SearchOptions((SearchReturn.MIN, SearchReturn.COUNT)),
    )
    assert parsed("SEARCH RETURN () CHARSET UTF-8 ALL") == Search(
        "A", (PlainKey.ALL,), charset="UTF-8", options=SearchOptions()
    )
    assert parsed("SEARCH RETURN (SAVE PARTIAL -1:-100) ALL") == Search(
        "A",
        (PlainKey.ALL,),
        options=SearchOptions((SearchReturn.SAVE,), PartialRange(-1, -100)),
    )


@pytest.mark.parametrize(
    "options", ["(BEST)", "(MIN", "MIN", "(PARTIAL)", "(PARTIAL 1)", "(PARTIAL 1:2 PARTIAL 3:4)"]
)
def test_what_is_no_return_option(options: str) -> None:
    refused(f"SEARCH RETURN {options} ALL")


def test_depth_and_number_of_keys_have_limits() -> None:
    assert keys("NOT " * 100 + "ALL")
    refused("SEARCH " + "NOT " * 101 + "ALL", ImapLimitExceeded)
    assert len(keys("ALL " * 1999 + "ALL")) == 2000
    refused("SEARCH " + "ALL " * 2000 + "ALL", ImapLimitExceeded)


def test_a_depth_that_was_left_does_not_count() -> None:
    assert keys("NOT ALL " * 200 + "ALL")

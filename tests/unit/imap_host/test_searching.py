"""Search plans give what looking at every message would: RFC 9051 section 6.4.4."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailkeep.imap.commands.search_keys import (
    AndKey,
    DateKey,
    DateTest,
    HeaderKey,
    KeywordKey,
    KeywordTest,
    NotKey,
    NumberKey,
    NumberTest,
    OrKey,
    PlainKey,
    SearchKey,
    TextField,
    TextKey,
    UidKey,
)
from mailkeep.imap.sequence import SequenceSet
from mailkeep.mime.prepare import prepare
from mailkeep.model.casemap import fold
from mailkeep.model.flags import Flags, SystemFlag
from mailkeep.storage.interface import Column, Containing, Field, JoinedHeaders
from mailkeep.storage.snapshot import Snapshot, SnapshotEntry
from mailkeep_imap.recent import RecentLedger
from mailkeep_imap.searching.columns import Columns
from mailkeep_imap.searching.evaluate import find
from mailkeep_imap.searching.plan import Cost, make_plan
from mailkeep_imap.searching.texts import header_sieve, header_test
from mailkeep_imap.selected import Selected

DAY = timedelta(days=1)
FIRST = datetime(2026, 1, 1, tzinfo=UTC)
NOW = (FIRST + 10 * DAY).timestamp()
SUBJECTS = ("alpha", "Beta", "gamma alpha")


class Message:
    """What one message has; `number` decides everything."""

    def __init__(self, number: int) -> None:
        self.uid = number * 2
        self.subject = SUBJECTS[number % 3]
        self.body = f"body {number % 4}"
        self.flags = Flags(SystemFlag(number % 32), ("word",) if number % 5 == 0 else ())
        self.date = FIRST + number * DAY
        self.octets = f"Subject: {self.subject}\r\n\r\n{self.body}\r\n".encode()


MESSAGES = [Message(number) for number in range(1, 13)]


class Rows:
    """The store's rows and bodies, and how many were read."""

    def __init__(self) -> None:
        self.read: dict[Column | str, int] = {}

    async def rows(
        self, message_ids: Sequence[int], columns: Sequence[Column]
    ) -> AsyncIterator[Sequence[tuple[Any, ...]]]:
        (column,) = columns
        self.read[column] = self.read.get(column, 0) + len(message_ids)
        found = []
        for message_id in message_ids:
            prepared = prepare(MESSAGES[message_id - 1].octets)
            value = {
                Column.HEADER: prepared.header,
                Column.PARTS: prepared.parts,
            }
            found.append((message_id, value[column]))
        yield found

    async def headers(self, message_ids: Sequence[int]) -> AsyncIterator[JoinedHeaders]:
        async for rows in self.rows(message_ids, (Column.HEADER,)):
            yield JoinedHeaders([row[0] for row in rows], b"\0".join(row[1] for row in rows))

    async def containing(self, mailbox_id: int, fields: Collection[Field], needle: str) -> Containing:
        """Nothing is indexed: see test_indexing."""
        return Containing()

    async def bodies(self, message_ids: Sequence[int]) -> AsyncIterator[tuple[int, bytes]]:
        self.read["octets"] = self.read.get("octets", 0) + len(message_ids)
        for message_id in message_ids:
            yield message_id, MESSAGES[message_id - 1].octets


def view() -> Selected:
    snapshot = Snapshot(1, 1, 1, 1)
    for number, message in enumerate(MESSAGES, 1):
        seconds = int(message.date.timestamp())
        snapshot.append(SnapshotEntry(message.uid, number, message.flags, 1, len(message.octets), seconds))
    return Selected(snapshot, "INBOX", read_only=True, ledger=RecentLedger())


async def search(rows: Rows, *keys: SearchKey) -> list[int]:
    selected = view()
    columns = Columns(selected, NOW)
    plan = make_plan(keys, lambda key: selected.places_of_uids(key.uids.resolve_uids(24).ranges))  # type: ignore[union-attr]
    return [columns.uids[place] for place in await find(plan, columns, rows, rows)]  # type: ignore[arg-type]


def holds(key: SearchKey, message: Message) -> bool:
    """The meaning of a key, one message at a time."""
    match key:
        case PlainKey.ALL:
            return True
        case PlainKey.SEEN | PlainKey.UNSEEN:
            return bool(message.flags.system & SystemFlag.SEEN) is (key is PlainKey.SEEN)
        case KeywordKey(test, _):
            return bool(message.flags.keywords) is (test is KeywordTest.KEYWORD)
        case DateKey(test, day):
            own = message.date.date()
            return {DateTest.BEFORE: own < day, DateTest.ON: own == day, DateTest.SINCE: own >= day}[test]
        case NumberKey(NumberTest.LARGER, number):
            return len(message.octets) > number
        case NumberKey(NumberTest.OLDER, number):
            return message.date.timestamp() <= NOW - number
        case TextKey(TextField.SUBJECT, text):
            return text.lower() in message.subject.lower()
        case TextKey(TextField.BODY, text):
            return text in message.body
        case UidKey(uids):
            return message.uid in uids.resolve_uids(24)
        case NotKey(inner):
            return not holds(inner, message)
        case OrKey(left, right):
            return holds(left, message) or holds(right, message)
        case AndKey(keys):
            return all(holds(inner, message) for inner in keys)
    raise AssertionError(key)


days = st.integers(0, 14).map(lambda after: (FIRST + after * DAY).date())
leaves: st.SearchStrategy[SearchKey] = st.one_of(
    st.sampled_from([PlainKey.ALL, PlainKey.SEEN, PlainKey.UNSEEN]),
    st.sampled_from(KeywordTest).map(lambda test: KeywordKey(test, "WORD")),
    st.builds(DateKey, st.sampled_from([DateTest.BEFORE, DateTest.ON, DateTest.SINCE]), days),
    st.builds(NumberKey, st.just(NumberTest.LARGER), st.integers(20, 40)),
    st.builds(NumberKey, st.just(NumberTest.OLDER), st.integers(0, 10 * 86400)),
    st.builds(TextKey, st.just(TextField.SUBJECT), st.sampled_from(["ALPHA", "eta", "none"])),
    st.builds(TextKey, st.just(TextField.BODY), st.sampled_from(["body 1", "2", "none"])),
    st.sampled_from([UidKey(SequenceSet(((2, 9),))), UidKey(SequenceSet(((20, 0),)))]),
)
trees = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.builds(NotKey, inner),
        st.builds(OrKey, inner, inner),
        st.lists(inner, min_size=1, max_size=3).map(lambda keys: AndKey(tuple(keys))),
    ),
    max_leaves=6,
)


@given(st.lists(trees, min_size=1, max_size=3))
def test_a_plan_finds_what_looking_at_each_message_finds(keys: list[SearchKey]) -> None:
    import asyncio  # noqa: PLC0415  hypothesis runs many loops within one test

    expected = [message.uid for message in MESSAGES if all(holds(key, message) for key in keys)]
    assert asyncio.run(search(Rows(), *keys)) == expected


async def test_text_is_read_only_of_what_cheap_keys_leave() -> None:
    rows = Rows()
    keys = (
        TextKey(TextField.BODY, "body"),
        TextKey(TextField.SUBJECT, "alpha"),
        UidKey(SequenceSet(((2, 8),))),
    )
    assert await search(rows, *keys) == [4, 6]
    assert rows.read == {Column.HEADER: 4, Column.PARTS: 2, "octets": 2}


def test_the_cheapest_side_of_or_is_asked_first() -> None:
    body, seen = TextKey(TextField.BODY, "x"), PlainKey.SEEN
    plan = make_plan([OrKey(body, seen)], lambda key: ())
    assert plan.left.cost is Cost.SNAPSHOT  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("straße", "STRAßE"),
        ("Ångström", "A\u030angstro\u0308m"),
        ("\u01c4", "\u01c6"),  # RFC 5051 section 2: all cases of the digraph are one
        ("Σ", "ς"),
        ("ﾊﾝｶｸ", "ハンカク"),
        ("x²", "X2"),
    ],
)
def test_folding_rfc5051(one: str, other: str) -> None:
    assert fold(one) == fold(other)


def test_the_order_is_that_of_title_case() -> None:
    assert sorted(["_", "a", "B"], key=fold) == ["a", "B", "_"]
    assert fold("straße") != fold("strasse")


def test_header_tests_see_through_folding_and_encoded_words() -> None:
    key = TextKey(TextField.SUBJECT, "two words")
    assert header_test(key)(b"Subject: two\r\n words\r\n\r\n")
    assert header_test(key)(b"Subject: =?utf-8?q?TWO_words?=\r\n\r\n")
    assert not header_test(key)(b"X-Subject: two words\r\nSubject: other\r\n\r\n")


def test_a_sieve_leaves_what_it_cannot_judge() -> None:
    sections = [
        b"Subject: other\r\n\r\n",
        b"Subject: tWo\r\n wOrds\r\n\r\n",
        b"Subject: =?utf-8?q?other?=\r\n\r\n",
        b"Subject: caf\xe9\r\n\r\n",
        b"",
        b"Subject: two words, two words\r\nX: two words?",
        b"Subject: why? = one?\r\nX-URL: http://example.test/?a=1\r\n",
        b"Subject: two\r\n",
        b" words\r\n",
    ]
    sieve = header_sieve(TextKey(TextField.SUBJECT, "Two Words"))
    assert sieve is not None
    assert list(sieve(b"\0".join(sections))) == [1, 2, 3, 5]
    for text in ("caf\xe9", "", "two\r\n words", "\0"):
        assert header_sieve(TextKey(TextField.SUBJECT, text)) is None


PIECES = st.sampled_from(
    b"Subject:/subject: /X:/two/TWO /\r\n/\n/\r\n /\r/\xe9/=?/?/=".split(b"/")
    + b"=?utf-8?q?tw?=/=?utf-8?b?dHdv?=/\xc3\xa9/ /t/w/o".split(b"/")
)


@given(
    st.lists(st.lists(PIECES, max_size=8).map(b"".join), max_size=5),
    st.sampled_from(["two", "tw", "o t", "o\r", "two\n", "\0", "é", "e", ""]),
)
def test_a_sieve_lets_no_match_fall(sections: list[bytes], text: str) -> None:
    for key in (TextKey(TextField.SUBJECT, text), HeaderKey("X", text)):
        sieve, test = header_sieve(key), header_test(key)
        left = range(len(sections)) if sieve is None else sieve(b"\0".join(sections))
        assert {*left} >= {at for at, section in enumerate(sections) if test(section)}


def test_the_sent_date_is_the_one_that_was_written() -> None:
    header = b"Date: Thu, 31 Dec 2026 23:59:59 -1200\r\n\r\n"
    assert header_test(DateKey(DateTest.SENTON, date(2026, 12, 31)))(header)
    for broken in (
        b"Date: never\r\n\r\n",
        b"Date: 31 Feb 2026 00:00:00 +0000\r\n\r\n",
        b"\r\n",
        b"Date:\r\n\r\n",
    ):
        assert not header_test(DateKey(DateTest.SENTSINCE, date(1970, 1, 1)))(broken)

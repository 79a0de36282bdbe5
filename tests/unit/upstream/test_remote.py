"""FETCH answers of other servers, read by the short way where it fits and by IMAPClient's where not."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from tests.support.imap_answers import Imap

from mailkeep.model.flags import Flags
from mailkeep.upstream.sync import remote
from mailkeep.upstream.sync.remote import RemoteEntry, RemoteMessage

FACTS = b'INTERNALDATE "17-Jul-1996 02:44:25 -0700" RFC822.SIZE 99'
DATE = datetime(1996, 7, 17, 2, 44, 25, tzinfo=timezone(-timedelta(hours=7)))


class Answering:
    """An IMAPClient whose server gives this answer: lines, and lines up to a literal with that literal."""

    def __init__(self, *rows: bytes | tuple[bytes, bytes]) -> None:
        self._imap = Imap(wire(*rows))


def wire(*rows: bytes | tuple[bytes, bytes]) -> bytes:
    answer, begins = b"", True
    for row in rows:
        line = row if isinstance(row, bytes) else row[0]
        if begins:
            number, _, rest = line.partition(b" ")
            line = b"* %b FETCH %b" % (number, rest)
        begins = isinstance(row, bytes)
        answer += line + b"\r\n" + (b"" if isinstance(row, bytes) else row[1])
    return answer + b"t OK done\r\n"


def entry(uid: int = 7, *flags: str, size: int = 99, date: datetime | None = DATE) -> RemoteEntry:
    return RemoteEntry(uid, Flags.parse(flags), size, date)


@pytest.mark.parametrize(
    "row",
    [
        b"1 (UID 7 FLAGS (\\Seen $Work) " + FACTS + b")",
        b'1 (FLAGS (\\Seen $Work \\Recent) RFC822.SIZE 99 INTERNALDATE "17-Jul-1996 02:44:25 -0700" UID 7)',
        b"1 (UID 7 MODSEQ (12) " + FACTS + b" FLAGS ($Work \\Seen))",
    ],
)
def test_items_come_in_any_order(row: bytes) -> None:
    assert remote.everything(Answering(row)) == (entry(7, "\\Seen", "$Work"),)


def test_a_single_digit_day_and_an_unknown_moment() -> None:
    row = b'1 (UID 7 FLAGS () INTERNALDATE "%b" RFC822.SIZE 99)'
    (first,) = remote.everything(Answering(row % b" 7-jul-1996 02:44:25 +0000"))
    assert first == entry(date=datetime(1996, 7, 7, 2, 44, 25, tzinfo=UTC))
    (second,) = remote.everything(Answering(row % b"31-Feb-1996 02:44:25 +0000"))
    assert second == entry(date=None)


def test_what_is_not_as_usual_is_read_by_the_library() -> None:
    """A server's own item, and flags in a literal."""
    row = b'1 (UID 7 FLAGS (\\Seen) X-OWN "x" INTERNALDATE "17-Jul-1996 02:44:25 -0700" RFC822.SIZE 99)'
    (found,) = remote.everything(Answering(row))
    assert (found.uid, found.flags, found.size) == (7, Flags.parse(["\\Seen"]), 99)


def test_nothing_and_repetitions_are_no_trouble() -> None:
    assert remote.everything(Answering()) == ()
    row = b'1 (UID 7 FLAGS (%b) INTERNALDATE "17-Jul-1996 02:44:25 -0700" RFC822.SIZE 99)'
    assert remote.everything(Answering(row % b"", row % b"\\Seen")) == (entry(7, "\\Seen"),)


@pytest.mark.parametrize(
    "data",
    [
        [(b"1 (UID 7 BODY[] {4}", b"a\r\nb"), b")", (b"2 (UID 8 BODY[] {1}", b"c"), b")"],
        [
            (b"1 (BODY[] {4}", b"a\r\nb"),
            b" UID 7)",
            b"9 (FLAGS (\\Seen))",
            (b"2 (UID 8 BODY[] {1}", b"c"),
            b")",
        ],
        [(b"1 (UID 7 FLAGS (\\Seen) BODY[] {4}", b"a\r\nb"), b")", b'2 (UID 8 BODY[] "c")'],
        [(b"1 (UID 7 MODSEQ (5) BODY[] {4}", b"a\r\nb"), b")", (b"2 (UID 8 BODY[] {1}", b"c"), b" FLAGS ())"],
    ],
)
def test_bodies_are_found_however_they_are_told(data: list[bytes | tuple[bytes, bytes]]) -> None:
    wanted = [entry(8), entry(7)]
    assert remote.messages(Answering(*data), wanted) == [
        RemoteMessage(entry(7), b"a\r\nb"),
        RemoteMessage(entry(8), b"c"),
    ]


def test_what_was_not_asked_for_is_left_out() -> None:
    data: list[bytes | tuple[bytes, bytes]] = [
        (b"1 (UID 7 BODY[] {1}", b"a"),
        b")",
        (b"2 (UID 9 BODY[] {1}", b"b"),
        b")",
        b"3 (UID 8 BODY[] NIL)",
    ]
    assert remote.messages(Answering(*data), [entry(7), entry(8)]) == [RemoteMessage(entry(7), b"a")]

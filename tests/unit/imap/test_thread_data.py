"""The THREAD response, word for word (RFC 5256 sections 4 and 5)."""

from __future__ import annotations

import pytest

from mailkeep.imap.errors import ImapSyntaxError
from mailkeep.imap.response_decoder import decode
from mailkeep.imap.thread_data import ThreadData
from mailkeep.imap.threads import ThreadEntries


@pytest.mark.parametrize(
    ("line", "entries"),
    [
        (b"* THREAD\r\n", ()),
        # the example of section 4
        (
            b"* THREAD (2)(3 6 (4 23)(44 7 96))\r\n",
            ((0, 2), (0, 3), (1, 6), (2, 4), (3, 23), (2, 44), (3, 7), (4, 96)),
        ),
        (b"* THREAD ((3)(5))\r\n", ((0, None), (1, 3), (1, 5))),
        (b"* THREAD ((1 2)(3 (4)(5)))(6)\r\n", ((0, None), (1, 1), (2, 2), (1, 3), (2, 4), (2, 5), (0, 6))),
    ],
)
def test_lines(line: bytes, entries: ThreadEntries) -> None:
    assert ThreadData(entries).encode() == line
    assert decode(line) == ThreadData(entries)


@pytest.mark.parametrize(
    "threads",
    [
        *("", "()", "(1", "1", "(1))", "(1 (2))", "((1))", "(0)", "(01)", "(1  2)", "(1 )", "(1) (2)", "(a)"),
        *("(1(2)(3))", "(1 (2) (3))", "((1)(2) 3)", "(())"),
    ],
)
def test_what_is_no_list_of_threads(threads: str) -> None:
    with pytest.raises(ImapSyntaxError):
        decode(f"* THREAD {threads}\r\n".encode())

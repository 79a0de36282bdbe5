"""GETMETADATA and SETMETADATA, and METADATA in LIST."""

from __future__ import annotations

import pytest
from tests.support.imap_parsing import parsed, refused

from mailkeep.imap.commands.list import List
from mailkeep.imap.commands.metadata import GetMetadata, SetMetadata
from mailkeep.imap.response_decoder import decode
from mailkeep.imap.responses import MetadataData
from mailkeep.model.annotations import Depth


def test_get_metadata_rfc5464_4_2() -> None:
    assert parsed('GETMETADATA "" /shared/comment') == GetMetadata("A", "", ("/shared/comment",))
    assert parsed('GETMETADATA "INBOX" (/shared/comment /private/comment)') == GetMetadata(
        "A", "INBOX", ("/shared/comment", "/private/comment")
    )


def test_options_come_before_or_behind_the_mailbox() -> None:
    asked = GetMetadata("A", "INBOX", ("/shared/comment",), 1024, Depth.CHILDREN)
    assert parsed('GETMETADATA "INBOX" (MAXSIZE 1024 DEPTH 1) (/shared/comment)') == asked
    assert parsed("GETMETADATA (DEPTH 1 MAXSIZE 1024) INBOX /shared/comment") == asked
    assert parsed('GETMETADATA (depth infinity) INBOX "/private"') == GetMetadata(
        "A", "INBOX", ("/private",), depth=Depth.ALL
    )


def test_set_metadata_rfc5464_4_3() -> None:
    assert parsed("SETMETADATA INBOX (/private/comment {3+}\r\na\r\n /shared/comment NIL)") == SetMetadata(
        "A", "INBOX", (("/private/comment", b"a\r\n"), ("/shared/comment", None))
    )
    assert parsed(b"SETMETADATA INBOX (/private/x ~{2+}\r\n\0\xff)") == SetMetadata(
        "A", "INBOX", (("/private/x", b"\0\xff"),)
    )


@pytest.mark.parametrize(
    "line",
    [
        "GETMETADATA INBOX",
        "GETMETADATA INBOX ()",
        "GETMETADATA INBOX /comment",
        "GETMETADATA INBOX /shared/*",
        "GETMETADATA INBOX (DEPTH 2) /shared",
        "GETMETADATA INBOX (MAXSIZE -1) /shared",
        "GETMETADATA INBOX (X 1) /shared",
        "GETMETADATA (DEPTH 1) INBOX (DEPTH 1) /shared",
        "GETMETADATA () INBOX /shared",
        "SETMETADATA INBOX /private/a x",
        "SETMETADATA INBOX ()",
        "SETMETADATA INBOX (/private/a)",
        'SETMETADATA INBOX (/private/a "x" /private/b)',
        'SETMETADATA INBOX (a "x")',
        "SETMETADATA INBOX (/private/a x)",
    ],
)
def test_what_is_neither(line: str) -> None:
    refused(line)


def test_list_metadata_rfc9590_5() -> None:
    assert parsed('LIST "" % RETURN (METADATA ("/shared/a" /private/b) CHILDREN)').metadata == (  # type: ignore[attr-defined]
        "/shared/a",
        "/private/b",
    )
    assert parsed('LIST "" % RETURN (METADATA /shared/a)') == List(
        "A", "", ("%",), extended=True, metadata=("/shared/a",)
    )
    refused('LIST "" % RETURN (METADATA)')
    refused('LIST "" % RETURN (METADATA ())')


def test_the_response() -> None:
    data = MetadataData("INBOX", (("/shared/a", b"x y"), ("/private/b", None), ("/private/c", b"\0")))
    assert data.encode() == b'* METADATA INBOX (/shared/a "x y" /private/b NIL /private/c ~{1}\r\n\0)\r\n'
    assert decode(data.encode()) == data
    assert MetadataData("", (("/shared/a", b""),)).encode() == b'* METADATA "" (/shared/a "")\r\n'

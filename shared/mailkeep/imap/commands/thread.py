"""THREAD and UID THREAD (RFC 5256)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from mailkeep.imap.commands.base import Command, uid_verb
from mailkeep.imap.commands.search import SearchKey, parse_charset
from mailkeep.imap.commands.search_parser import encode_keys, parse_program
from mailkeep.imap.encoder import sent_astring
from mailkeep.imap.lexer import Cursor
from mailkeep.imap.names import NameForm


@dataclass(frozen=True, slots=True)
class Thread(Command):
    """RFC 5256 section 3. `algorithm` in upper case; which ones there are is the host's to say."""

    name: ClassVar[str] = "THREAD"

    algorithm: str
    charset: str
    keys: tuple[SearchKey, ...]
    uid: bool = False

    def verb(self) -> str:
        """With or without UID."""
        return uid_verb(self.name, uid=self.uid)

    def arguments(self, form: NameForm) -> bytes:
        """Algorithm, charset, keys."""
        charset = sent_astring(self.charset.encode("ascii"))
        return b"%b %b %b" % (self.algorithm.encode("ascii"), charset, encode_keys(self.keys, self.charset))


def parse_thread(tag: str, cursor: Cursor, *, uid: bool) -> Thread:
    """`thread` of RFC 5256 section 5."""
    cursor.space()
    algorithm = cursor.word()
    cursor.space()
    charset = parse_charset(cursor)
    cursor.space()
    return Thread(tag, algorithm, charset, parse_program(cursor, charset), uid)

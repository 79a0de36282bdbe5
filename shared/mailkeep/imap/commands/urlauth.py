"""RESETKEY, GENURLAUTH and URLFETCH: URLs that let others read one message (RFC 4467)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from mailkeep.imap.commands.base import Command
from mailkeep.imap.encoder import sent_astring, sent_mailbox
from mailkeep.imap.errors import ImapLimitExceeded
from mailkeep.imap.lexer import Cursor
from mailkeep.imap.names import NameForm

URLS_LIMIT = 100  # in one command: each may cost a few queries


@dataclass(frozen=True, slots=True)
class ResetKey(Command):
    """RFC 4467 section 8: of one mailbox, or (None) of all. Mechanisms in upper case."""

    name: ClassVar[str] = "RESETKEY"

    mailbox: str | None = None
    mechanisms: tuple[str, ...] = ()

    def arguments(self, form: NameForm) -> bytes:
        """Mailbox and mechanisms."""
        if self.mailbox is None:
            return b""
        return b" ".join([sent_mailbox(self.mailbox, form), *(word.encode() for word in self.mechanisms)])


@dataclass(frozen=True, slots=True)
class GenUrlAuth(Command):
    """RFC 4467 section 8: pairs of a URL without its token and a mechanism in upper case."""

    name: ClassVar[str] = "GENURLAUTH"

    urls: tuple[tuple[str, str], ...]

    def arguments(self, form: NameForm) -> bytes:
        """The pairs."""
        return b" ".join(
            sent_astring(url.encode("utf-8")) + b" " + mechanism.encode() for url, mechanism in self.urls
        )


@dataclass(frozen=True, slots=True)
class UrlFetch(Command):
    """RFC 4467 section 8: URLs with their tokens, which are secrets."""

    name: ClassVar[str] = "URLFETCH"

    urls: tuple[str, ...] = field(repr=False)

    def arguments(self, form: NameForm) -> bytes:
        """The URLs."""
        return b" ".join(sent_astring(url.encode("utf-8")) for url in self.urls)


def parse_reset_key(tag: str, cursor: Cursor) -> ResetKey:
    """`resetkey` of RFC 4467 section 10."""
    if cursor.at_end():
        return ResetKey(tag)
    cursor.space()
    mailbox = cursor.mailbox()
    mechanisms = []
    while not cursor.at_end():
        cursor.space()
        mechanisms.append(cursor.word())
    return ResetKey(tag, mailbox, tuple(mechanisms))


def parse_gen_url_auth(tag: str, cursor: Cursor) -> GenUrlAuth:
    """`genurlauth`."""
    urls: list[tuple[str, str]] = []
    while not urls or not cursor.at_end():
        cursor.space()
        url = cursor.text()
        cursor.space()
        urls.append((url, cursor.word()))
        _check(len(urls))
    return GenUrlAuth(tag, tuple(urls))


def parse_url_fetch(tag: str, cursor: Cursor) -> UrlFetch:
    """`urlfetch`."""
    urls: list[str] = []
    while not urls or not cursor.at_end():
        cursor.space()
        urls.append(cursor.text())
        _check(len(urls))
    return UrlFetch(tag, tuple(urls))


def _check(count: int) -> None:
    if count > URLS_LIMIT:
        raise ImapLimitExceeded(f"A command takes at most {URLS_LIMIT} URLs.")

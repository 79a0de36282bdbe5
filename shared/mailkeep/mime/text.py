"""What a message says, as plain text: for searching and for previews.

HTML is reduced, not understood: tags go, scripts, styles and titles go with what they hold, character
references are resolved. Attached files are not read, except text.
"""

from __future__ import annotations

import html
import re
import sys
from collections.abc import Iterator

from mailkeep.mime import charset, transfer
from mailkeep.mime.octets import Octets, piece
from mailkeep.mime.parts import Part, PartIndex

TEXT_LIMIT = 16 * 1024 * 1024  # characters of searchable text of one message
PART_TEXT_LIMIT = 16 * 1024 * 1024  # octets of one encoded text part that are decoded
MARKUP_FACTOR = 3  # pieces of markup for each character that is wanted; pages have one for three of them
REFERENCE_LENGTH = 8  # characters of a character reference, about: "&zwnj;", "&#8203;"

_MARKUP = re.compile(r"<(?:(!--)|[!?]|/?([A-Za-z][A-Za-z0-9:-]*))")  # any other "<" is text
_HIDDEN = {
    name: re.compile(rf"</{name}[\s>/]", re.IGNORECASE) for name in ("script", "style", "title", "template")
}
_INLINE = frozenset(
    [
        "a",
        "abbr",
        "b",
        "bdi",
        "bdo",
        "big",
        "cite",
        "code",
        "em",
        "font",
        "i",
        "ins",
        "kbd",
        "mark",
        "s",
        "samp",
        "small",
        "span",
        "strike",
        "strong",
        "sub",
        "sup",
        "tt",
        "u",
        "var",
    ]
)


def text_of(octets: Octets, index: PartIndex) -> str:
    """Text of all text parts, HTML reduced, of embedded messages too; parts are separated by a line end."""
    texts = []
    room = TEXT_LIMIT
    for part in index.walk():
        if not part.media_type.startswith("text/") or part.children:
            continue
        text = part_text(octets, part)[:room]
        texts.append(html_to_text(text) if part.media_type == "text/html" else text)
        room -= len(text)
        if room <= 0:
            break
    return charset.storable("\n".join(texts), TEXT_LIMIT)


def html_and_plain(octets: Octets, index: PartIndex) -> tuple[str | None, str | None]:
    """(HTML as sent, plain text) of the body that a reader would be shown; None for what there is not.

    Both are decoded and hold no NUL. Sanitising the HTML is the business of whoever shows it.
    """
    found: dict[str, str] = {}
    for part in _readable(index):
        if part.media_type not in found:
            found[part.media_type] = charset.storable(part_text(octets, part), PART_TEXT_LIMIT)
    return found.get("text/html"), found.get("text/plain")


def _readable(index: PartIndex) -> Iterator[Part]:
    waiting = [index.root]
    while waiting:
        part = waiting.pop()
        if part.is_multipart:
            waiting.extend(reversed(part.children))
        elif part.media_type in ("text/plain", "text/html") and not part.attached:
            yield part


def part_text(octets: Octets, part: Part, limit: int = PART_TEXT_LIMIT) -> str:
    """Decoded text of one part, from at most `limit` octets of its encoded body."""
    raw = piece(octets, part.body_start, min(part.body_end, part.body_start + limit))
    return charset.decode(transfer.decode(raw, part.encoding), part.charset)


def html_to_text(source: str, enough: int = sys.maxsize) -> str:
    """Text of an HTML document; stops once it has `enough` characters, or has met so much markup that they
    will not come."""
    kept: list[str] = []
    length = at = met = 0
    longest, most = REFERENCE_LENGTH * enough, MARKUP_FACTOR * enough
    while length < enough and met <= most:
        markup = _MARKUP.search(source, at)
        text = source[at : markup.start()] if markup else source[at:]
        met += 1
        if text:
            text = text[:longest]
            kept.append(text)
            length += len(text.strip())
        if markup is None:
            break
        at, instead = _after_markup(source, markup)
        if instead:
            kept.append(instead)
    return html.unescape("".join(kept))


def _after_markup(source: str, markup: re.Match[str]) -> tuple[int, str]:
    """(where text goes on, what stands for the markup)."""
    comment, name = markup.groups()
    if comment:
        return _after(source, "-->", markup.end()), ""
    end = _after(source, ">", markup.end())
    if name is None:
        return end, ""
    word = name.lower()
    hidden = _HIDDEN.get(word)
    if hidden is not None and source[markup.start() + 1] != "/":
        close = hidden.search(source, end)
        end = _after(source, ">", close.start()) if close else len(source)
    return end, "" if word in _INLINE else "\n"


def _after(source: str, mark: str, start: int) -> int:
    found = source.find(mark, start)
    return len(source) if found < 0 else found + len(mark)

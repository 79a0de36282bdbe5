"""The base subject, by which THREAD and SORT compare (RFC 5256 section 2.1)."""

from __future__ import annotations

import re

_SPACES = re.compile(r"[ \t\r\n]+")
_BLOB = r"\[[^\[\]]*\]\s*"
_LEADER = re.compile(rf"(?:{_BLOB})*+(?:re|fwd?)\s*(?:{_BLOB})?:|\s", re.IGNORECASE)
_LEADING_BLOB = re.compile(_BLOB)
_FORWARD = "[fwd:"
_OPENINGS = frozenset(("", " ", "[", *"rRfF"))  # of leaders, blobs and forwards
_CLOSINGS = frozenset((" ", ")", "]"))  # of trailers and forwards


def base_subject(subject: str) -> tuple[str, bool]:
    """(base subject, True if it was a reply's or a forward's) of a decoded subject."""
    if _is_base(subject):
        return subject, False
    text = _SPACES.sub(" ", subject)  # step 1
    changed = False
    while True:
        text, trimmed = _without_trailer(text)
        changed |= trimmed
        text, trimmed = _without_leaders(text)
        changed |= trimmed
        if not (text[: len(_FORWARD)].lower() == _FORWARD and text.endswith("]")):  # step 6
            return text, changed
        text = text[len(_FORWARD) : -1]
        changed = True


def _is_base(subject: str) -> bool:
    """Whether nothing can go from a subject, seen from its ends and its spaces: that of most messages."""
    if subject[:1] in _OPENINGS or subject[-1:] in _CLOSINGS or "  " in subject or not subject.isprintable():
        return False
    return subject.isascii()


def _without_trailer(text: str) -> tuple[str, bool]:
    """Step 2."""
    end = len(text)
    forwarded = False
    while end:
        if text[end - 1].isspace():
            end -= 1
        elif text[max(end - 5, 0) : end].lower() == "(fwd)":
            end -= 5
            forwarded = True
        else:
            break
    return text[:end], forwarded


def _without_leaders(text: str) -> tuple[str, bool]:
    """Steps 3 to 5."""
    at = 0
    replied = False
    while True:
        leader = _LEADER.match(text, at)
        if leader:
            replied |= leader.group().endswith(":")
            at = leader.end()
            continue
        blob = _LEADING_BLOB.match(text, at)
        if blob is None or blob.end() == len(text):  # a blob goes only if something stays
            return text[at:], replied
        at = blob.end()

"""Telling the client what has changed in its mailbox since it last heard (RFC 9051 sections 7.4, 7.5)."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

from mailkeep.imap.commands.base import Command
from mailkeep.imap.commands.fetch import Fetch
from mailkeep.imap.commands.search import Search
from mailkeep.imap.commands.sort import Sort
from mailkeep.imap.commands.store import Store
from mailkeep.imap.commands.thread import Thread
from mailkeep.imap.encoder import flags_of
from mailkeep.imap.responses import FlagsData
from mailkeep_imap.selected import Selected, Updates

if TYPE_CHECKING:
    from mailkeep_imap.session import Session


SYSTEM_FLAGS = ("\\Answered", "\\Flagged", "\\Deleted", "\\Seen", "\\Draft")


class Reporting(Enum):
    """How much may be said at the end of a command."""

    EVERYTHING = "everything"
    WITH_UIDS = "everything, and UIDs with the flags"
    NO_EXPUNGES = "nothing that changes sequence numbers"


def permitted(command: Command) -> Reporting:
    """RFC 9051 section 7.5.1: no EXPUNGE while FETCH, STORE or SEARCH is answered; RFC 5256 for SORT and
    THREAD. The UID forms hold no sequence numbers, so they may have it."""
    if isinstance(command, Fetch | Store | Search | Sort | Thread):
        return Reporting.WITH_UIDS if command.uid else Reporting.NO_EXPUNGES
    return Reporting.EVERYTHING


def report(session: Session, reporting: Reporting) -> None:
    """Send what is pending for the selected mailbox, if there is one."""
    view = session.selected
    if view is None or not view.pending():
        return
    told = view.take_updates(expunges=reporting is not Reporting.NO_EXPUNGES)
    session.send(render(view, told, with_uid=reporting is Reporting.WITH_UIDS))


def render(view: Selected, told: Updates, *, with_uid: bool) -> bytes:
    """EXPUNGE first: everything behind it has the numbers that are then in force."""
    lines = [b"* %d EXPUNGE\r\n" % number for number in told.expunged]
    if told.keywords is not None:  # RFC 3501 section 7.2.6: FLAGS may come at any time
        lines.append(FlagsData((*SYSTEM_FLAGS, *told.keywords)).encode())
    if told.exists is not None:
        lines.append(b"* %d EXISTS\r\n* %d RECENT\r\n" % (told.exists, told.recent or 0))
    if told.flagged:
        lines += flag_lines(view, told.flagged, with_uid=with_uid)
    return b"".join(lines)


def flag_lines(view: Selected, flagged: tuple[tuple[int, int], ...], *, with_uid: bool) -> list[bytes]:
    """FETCH responses with FLAGS for (sequence number, place)."""
    snapshot, any_recent = view.snapshot, view.any_recent()
    uids, system, ids, words = (
        snapshot.uids,
        snapshot.system_flags,
        snapshot.keyword_ids,
        snapshot.keyword_sets,
    )
    lines = []
    for number, place in flagged:
        uid = uids[place]
        flags = flags_of(system[place], words[ids[place]], recent=any_recent and view.is_recent(uid))
        if with_uid:
            lines.append(b"* %d FETCH (UID %d FLAGS %b)\r\n" % (number, uid, flags))
        else:
            lines.append(b"* %d FETCH (FLAGS %b)\r\n" % (number, flags))
    return lines

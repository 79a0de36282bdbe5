"""GETMETADATA and SETMETADATA (RFC 5464), and the same within LIST (RFC 9590).

What is private belongs to the user who set it. The server's shared entries are the operator's settings and
cannot be changed here.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import TYPE_CHECKING

from mailkeep.errors import InvalidName, PermissionRefused
from mailkeep.imap.commands.metadata import GetMetadata, SetMetadata
from mailkeep.imap.responses import MetadataData
from mailkeep.model.annotations import Depth, chosen, is_private, may_have_value, normal_entry
from mailkeep.model.rights import INSERT, POST, READ, SEEN, WRITE, Rights
from mailkeep.storage.interface.annotations import SERVER
from mailkeep_imap.access import reach
from mailkeep_imap.outcome import Done

if TYPE_CHECKING:
    from mailkeep_imap.session import Session

FLUSH_OCTETS = 64 * 1024  # of values in one response; a client that does not read is waited for behind it

Values = Mapping[str, bytes]
Pairs = Iterable[tuple[str, bytes | None]]


async def get_metadata(session: Session, command: GetMetadata) -> Done:
    """RFC 5464 section 4.2. What is asked for by name and has no value is NIL; what lies below is only told
    of if it has one."""
    mailbox_id = await _mailbox_id(session, command.mailbox)
    asked = spellings(command.entries)
    annotations = session.host.store.annotations
    found = await annotations.get(session.account_id, (mailbox_id,), asked, command.depth)
    values = {**found.get(mailbox_id, {}), **_configured(session, mailbox_id, asked, command.depth)}
    too_long = [len(value) for value in values.values() if _exceeds(value, command.max_size)]
    kept = {name: value for name, value in values.items() if not _exceeds(value, command.max_size)}
    absent = asked.keys() - values.keys() if command.depth is Depth.NAME else ()
    await _send(session, command.mailbox, pairs(asked, kept, absent))
    code = b"METADATA LONGENTRIES %d" % max(too_long) if too_long else b""
    return Done("GETMETADATA completed.", code)


async def set_metadata(session: Session, command: SetMetadata) -> Done:
    """RFC 5464 section 4.3: all of them, or none."""
    mailbox_id = await _mailbox_id(session, command.mailbox)
    values = {normal_entry(entry) or entry: value for entry, value in command.values}
    if not all(may_have_value(entry) for entry in values):
        raise InvalidName("That name has no value of its own, only names below it have.")
    if mailbox_id == SERVER and not all(is_private(entry) for entry in values):
        raise PermissionRefused("What all users of the server share is set by its operator.")
    await session.host.store.annotations.set(session.account_id, mailbox_id, values)
    return Done("SETMETADATA completed.")


def spellings(entries: Iterable[str]) -> dict[str, str]:
    """Normal names, with what the client calls them."""
    return {normal_entry(entry) or entry: entry for entry in entries}


def pairs(asked: Mapping[str, str], values: Values, absent: Collection[str] = ()) -> Pairs:
    """Entries for a response, sorted, as the client spelled them; `absent` ones are NIL."""
    for name in sorted({*values, *absent}):
        yield asked.get(name, name), values.get(name)


async def _mailbox_id(session: Session, name: str) -> int:
    if not name:
        return SERVER
    reached = await reach(session, name)
    if not may_annotate(reached.rights):
        raise PermissionRefused("You may not do that in this mailbox.")
    return reached.mailbox.id


def may_annotate(rights: Rights) -> bool:
    """RFC 5464 section 3.3: who may see a mailbox and has some business in it."""
    return not rights.isdisjoint({READ, SEEN, WRITE, INSERT, POST})


def _configured(session: Session, mailbox_id: int, asked: Collection[str], depth: Depth) -> dict[str, bytes]:
    """The server's shared entries (RFC 5464 section 6.2)."""
    if mailbox_id != SERVER:
        return {}
    imap = session.host.imap
    values = {"/shared/admin": imap.admin.encode("utf-8"), "/shared/comment": imap.comment.encode("utf-8")}
    present = {name: value for name, value in values.items() if value}
    return {name: present[name] for name in chosen(present, asked, depth)}


def _exceeds(value: bytes, max_size: int | None) -> bool:
    return max_size is not None and len(value) > max_size


async def _send(session: Session, mailbox: str, entries: Pairs) -> None:
    gathered: list[tuple[str, bytes | None]] = []
    octets = 0
    for name, value in entries:
        gathered.append((name, value))
        octets += len(value or b"")
        if octets > FLUSH_OCTETS:
            session.send(MetadataData(mailbox, tuple(gathered)).encode(session.form))
            gathered, octets = [], 0
            await session.output.make_room()
    if gathered:
        session.send(MetadataData(mailbox, tuple(gathered)).encode(session.form))

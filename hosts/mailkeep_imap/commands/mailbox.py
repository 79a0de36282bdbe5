"""Commands on one mailbox as a whole: SELECT to CHECK."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from mailkeep.errors import InUse, MailboxNotFound, NotFound, PermissionRefused
from mailkeep.imap.commands.mailbox import (
    Close,
    Create,
    Delete,
    Examine,
    Expunge,
    QresyncParameters,
    Rename,
    Select,
    Status,
    StatusItem,
    Subscribe,
    Unselect,
    Unsubscribe,
)
from mailkeep.imap.errors import ImapSyntaxError
from mailkeep.imap.response_codes import NumberCode, PermanentFlags
from mailkeep.imap.responses import Count, CountData, FlagsData, ListData, StatusData, untagged_ok
from mailkeep.model.flags import Flags
from mailkeep.model.mailbox import HIERARCHY_DELIMITER, INBOX, Mailbox, SpecialUse
from mailkeep.model.rights import (
    DELETE_MAILBOX,
    DELETE_MESSAGES,
    EXPUNGE,
    INSERT,
    READ,
    SEEN,
    WRITE,
    Rights,
    changeable_flags,
)
from mailkeep.model.uids import UID_MAX, UidSet
from mailkeep.storage.interface import Expunged
from mailkeep_imap.access import Reached, follow, is_foreign, place_for, reach
from mailkeep_imap.codes import HasChildren, UseRefused
from mailkeep_imap.messages import catch_up, chosen, require_write
from mailkeep_imap.outcome import Done
from mailkeep_imap.selected import Selected
from mailkeep_imap.updates import SYSTEM_FLAGS, Also, flag_responses
from mailkeep_imap.vanished import earlier

if TYPE_CHECKING:
    from mailkeep_imap.session import Session

_USES = {f"\\{use.value}": use for use in SpecialUse}
_CHANGES = frozenset({INSERT, EXPUNGE, DELETE_MESSAGES, WRITE, SEEN})  # RFC 4314 section 5.2: READ-WRITE
CHANGED_BATCH = 1000  # messages told between two looks at whether the client takes them
_NOT_SEEN = bytes(1 - octet % 2 for octet in range(256))  # SystemFlag.SEEN is the lowest bit


# --- selecting --------------------------------------------------------------------------------------


async def select(session: Session, command: Select) -> Done:
    """RFC 9051 sections 6.3.2 and 6.3.3. Also a failed SELECT leaves the mailbox selected before."""
    if session.selected is not None:
        session.leave_mailbox()
        session.send(untagged_ok("The mailbox selected before is closed.", b"CLOSED"))
    if command.qresync is not None and not session.qresync:  # RFC 7162 section 3.2.5
        raise ImapSyntaxError("QRESYNC has to be enabled first.", command.tag)
    reached = await reach_selectable(session, command.mailbox, READ)
    mailbox = reached.mailbox
    snapshot = await session.host.store.messages.snapshot(mailbox.id)
    if command.condstore:
        session.enable_condstore()
    read_only = isinstance(command, Examine) or reached.rights.isdisjoint(_CHANGES)
    ledger = None if session.rev2 else session.host.ledger
    view = Selected(snapshot, mailbox.name, read_only=read_only, ledger=ledger)
    view.uid_only = session.uid_only
    highestmodseq = snapshot.highestmodseq  # of the moment in which the view counts what is there
    session.enter_mailbox(view)
    if mailbox.account_id != session.account_id:
        await follow(session, view)
    session.send(_opening(view, mailbox, highestmodseq, rev2=session.rev2))
    if session.rev2:
        session.send(_listed(mailbox, command.written).encode(session.form))
    if command.qresync is not None:
        try:
            await _resynchronize(session, command.qresync)
        except BaseException:
            session.leave_mailbox()
            raise
    return Done(f"{command.name} completed.", b"READ-ONLY" if read_only else b"READ-WRITE")


async def _resynchronize(session: Session, asked: QresyncParameters) -> None:
    """RFC 7162 section 3.2.5.1: what went, then what changed. The match data only saves octets where the
    store has forgotten removals, so it is not looked at."""
    view = session.view
    if asked.uidvalidity != view.uidvalidity:
        return
    known = UidSet(((1, UID_MAX),))
    if asked.known_uids is not None:
        known = asked.known_uids.resolve_uids(view.uidnext - 1)
    session.send(await earlier(session, known, asked.modseq))
    uids = view.places_of_uids(known.ranges)
    changed = [view.snapshot.uids[place] for place in uids if view.snapshot.modseqs[place] > asked.modseq]
    for start in range(0, len(changed), CHANGED_BATCH):  # the snapshot may move while the client reads
        batch = UidSet.of(changed[start : start + CHANGED_BATCH])
        flagged = [(view.sequence_at(place), place) for place in view.snapshot.indexes(batch)]
        session.send(flag_responses(view, flagged, Also(uid=True, modseq=True)))
        await session.output.make_room()


async def selectable(session: Session, name: str) -> Mailbox:
    """The mailbox of that name, for reading. See reach_selectable."""
    return (await reach_selectable(session, name, READ)).mailbox


async def reach_selectable(session: Session, name: str, *needed: str) -> Reached:
    """The mailbox of that name. Raises MailboxNotFound, NotFound for a name that only has children, and
    PermissionRefused."""
    reached = await reach(session, name, *needed)
    if not reached.mailbox.selectable:
        raise NotFound("That name has mailboxes below it and is none itself.")
    return reached


def _opening(view: Selected, mailbox: Mailbox, highestmodseq: int, *, rev2: bool) -> bytes:
    snapshot, keywords = view.snapshot, view.keywords()
    permanent = () if view.read_only else _permanent_flags(view.rights, keywords)
    lines = [
        FlagsData((*SYSTEM_FLAGS, *keywords)).encode(),
        CountData(Count.EXISTS, view.exists).encode(),
        untagged_ok("Flags that are kept.", PermanentFlags(permanent).encode()),
        untagged_ok("UIDs are valid.", NumberCode("UIDVALIDITY", snapshot.uidvalidity).encode()),
        untagged_ok("The next UID.", NumberCode("UIDNEXT", view.uidnext).encode()),
        untagged_ok("The latest change.", NumberCode("HIGHESTMODSEQ", highestmodseq).encode()),
        untagged_ok("The mailbox's id.", mailbox_id(mailbox)),
        untagged_ok("URLs can be signed.", b"URLMECH INTERNAL"),  # RFC 4467 section 9
    ]
    return b"".join(lines if rev2 else [*lines[:2], *_opening_of_rev1(view), *lines[2:]])


def _permanent_flags(rights: Rights, keywords: Sequence[str]) -> tuple[str, ...]:
    """Those that the user may change (RFC 4314 section 5.1.1)."""
    mask = changeable_flags(rights)
    system = Flags(mask.system).names()
    permanent = [flag for flag in SYSTEM_FLAGS if flag in system]
    return (*permanent, *keywords, "\\*") if mask.keywords else tuple(permanent)


def _opening_of_rev1(view: Selected) -> list[bytes]:
    """What RFC 9051 appendix E took away: RECENT and UNSEEN (RFC 3501 section 6.3.1)."""
    lines = [CountData(Count.RECENT, view.recent_count()).encode()]
    if view.uid_only:  # RFC 9586 section 3.5: UNSEEN is a sequence number
        return lines
    unseen = view.snapshot.system_flags.tobytes().translate(_NOT_SEEN).find(1)
    if unseen >= 0:
        lines.append(untagged_ok("The first unseen message.", NumberCode("UNSEEN", unseen + 1).encode()))
    return lines


def _listed(mailbox: Mailbox, old_name: str | None = None) -> ListData:
    """The LIST response that tells an IMAP4rev2 client under which name a mailbox goes (RFC 9051 section
    6.3.9.7): after SELECT always, else if the name is not the one that was sent."""
    uses = () if mailbox.special_use is None else (f"\\{mailbox.special_use.value.capitalize()}",)
    return ListData(mailbox.name, uses, old_name=old_name)


def mailbox_id(mailbox: Mailbox) -> bytes:
    """RFC 8474 section 4.2."""
    return b"MAILBOXID (%b)" % mailbox.object_id.encode("ascii")


async def close(session: Session, command: Close) -> Done:
    """RFC 9051 section 6.4.1: removes what is marked \\Deleted, and says nothing of it."""
    view = session.view
    session.leave_mailbox()
    if not view.read_only and EXPUNGE in view.rights:  # RFC 4314 section 4: else it only closes
        with suppress(MailboxNotFound):  # deleted meanwhile, and CLOSE has no NO
            await session.host.store.committer.expunge(view.mailbox_id, None)
    return Done("CLOSE completed.")


async def unselect(session: Session, command: Unselect) -> Done:
    """RFC 9051 section 6.4.2."""
    session.leave_mailbox()
    return Done("UNSELECT completed.")


async def expunge(session: Session, command: Expunge) -> Done:
    """RFC 9051 sections 6.4.3 and 6.4.9. The EXPUNGE responses come with the updates that follow."""
    view = session.view
    require_write(view, EXPUNGE)
    uids = None if command.uids is None else chosen(session, command.uids, uid=True).uids
    if uids is None or uids:
        expunged = await session.host.store.committer.expunge(view.mailbox_id, uids)
        await catch_up(session, expunged.modseq)
        return Done("EXPUNGE completed.", expunged_code(session, expunged))
    return Done("EXPUNGE completed.")


def expunged_code(session: Session, expunged: Expunged) -> bytes:
    """RFC 7162 section 3.2.7: what the client may remember as seen, if something was removed."""
    if not session.qresync or not expunged.uids:
        return b""
    return NumberCode("HIGHESTMODSEQ", expunged.modseq).encode()


# --- names ------------------------------------------------------------------------------------------


async def create(session: Session, command: Create) -> Done:
    """RFC 9051 section 6.3.4: a final delimiter says that children will follow; the name is without it."""
    name = command.mailbox.removesuffix(HIERARCHY_DELIMITER)
    use = _special_use(command.use)
    account_id, own_name = await place_for(session, name)
    if use is not None and account_id != session.account_id:
        raise UseRefused("Special uses are for one's own mailboxes.")
    created = await session.host.store.mailboxes.create(account_id, own_name, use)
    if account_id != session.account_id:
        created = replace(created, name=name)
    if session.rev2 and command.written is not None:
        session.send(_listed(created, command.written).encode(session.form))
    return Done("CREATE completed.", mailbox_id(created))


def _special_use(words: Sequence[str]) -> SpecialUse | None:
    """RFC 6154 section 3: one use a mailbox, of those that this host knows. Raises UseRefused."""
    if not words:
        return None
    use = _USES.get(words[0].lower())
    if use is None or len(words) > 1:
        raise UseRefused("A mailbox has one special use: " + ", ".join(sorted(_USES)) + ".")
    return use


async def delete(session: Session, command: Delete) -> Done:
    """RFC 9051 section 6.3.5."""
    reached = await reach(session, command.mailbox, DELETE_MAILBOX)
    try:
        await session.host.store.mailboxes.delete(reached.mailbox.account_id, reached.own_name)
    except InUse as error:
        raise HasChildren(str(error)) from None
    if session.selected is not None and session.selected.mailbox_id == reached.mailbox.id:
        session.leave_mailbox()
        session.send(untagged_ok("The selected mailbox is gone.", b"CLOSED"))
    return Done("DELETE completed.")


async def rename(session: Session, command: Rename) -> Done:
    """RFC 9051 section 6.3.6."""
    new_name = command.new_mailbox.removesuffix(HIERARCHY_DELIMITER)
    reached = await reach(session, command.mailbox, DELETE_MAILBOX)
    account_id, own_name = await place_for(session, new_name)
    if account_id != reached.mailbox.account_id:
        raise PermissionRefused("A mailbox stays with its owner.")
    if reached.own_name == INBOX and account_id != session.account_id:
        raise PermissionRefused("Only its owner renames an INBOX.")
    await session.host.store.mailboxes.rename(account_id, reached.own_name, own_name)
    if session.rev2:
        renamed = (await reach(session, new_name)).mailbox
        session.send(_listed(renamed, command.mailbox).encode(session.form))
    view = session.selected
    if view is not None and reached.own_name == INBOX and view.mailbox_id == reached.mailbox.id:
        await session.host.store.messages.refresh(view.snapshot)  # its messages are elsewhere now
    elif view is not None:
        view.name = _name_after(view.name, command.mailbox, new_name)
    return Done("RENAME completed.")


def _name_after(name: str, was: str, now: str) -> str:
    """What a mailbox is called after a renaming: what lies below goes along."""
    below = name.startswith(was + HIERARCHY_DELIMITER) and was != INBOX
    return now + name[len(was) :] if below or name == was else name


async def subscribe(session: Session, command: Subscribe) -> Done:
    """RFC 9051 section 6.3.7."""
    if is_foreign(command.mailbox):  # RFC 4314 section 4: one subscribes what one may see
        await reach(session, command.mailbox)
    await session.host.store.mailboxes.subscribe(session.account_id, command.mailbox)
    return Done("SUBSCRIBE completed.")


async def unsubscribe(session: Session, command: Unsubscribe) -> Done:
    """RFC 9051 section 6.3.8."""
    await session.host.store.mailboxes.unsubscribe(session.account_id, command.mailbox)
    return Done("UNSUBSCRIBE completed.")


# --- STATUS -----------------------------------------------------------------------------------------


async def status(session: Session, command: Status) -> Done:
    """RFC 9051 section 6.3.11."""
    mailbox = await selectable(session, command.mailbox)
    if StatusItem.HIGHESTMODSEQ in command.items:
        session.enable_condstore()
    items = [(item, await status_value(session, mailbox, item)) for item in command.items]
    session.send(StatusData(mailbox.name, tuple(items)).encode(session.form))
    return Done("STATUS completed.")


async def status_value(session: Session, mailbox: Mailbox, item: StatusItem) -> int | str | None:
    """One item's value."""
    if item is StatusItem.RECENT:
        return await _recent(session, mailbox)
    if item is StatusItem.DELETED_STORAGE:
        return await session.host.store.mailboxes.deleted_size(mailbox.id) if mailbox.deleted else 0
    if item is StatusItem.APPENDLIMIT:
        return session.host.imap.max_append_size
    return _STATUS[item](mailbox)


async def _recent(session: Session, mailbox: Mailbox) -> int:
    """Messages that no session of this process has been told of; looking does not tell (RFC 3501 6.3.10)."""
    untold = session.host.ledger.untold(mailbox.id)
    if untold >= mailbox.uidnext:
        return 0
    if untold == 1:
        return mailbox.messages
    snapshot = await session.host.store.messages.snapshot(mailbox.id)
    return sum(1 for uid in snapshot.uids if uid >= untold)


_STATUS: dict[StatusItem, Callable[[Mailbox], int | str]] = {
    StatusItem.MESSAGES: lambda mailbox: mailbox.messages,
    StatusItem.UIDNEXT: lambda mailbox: mailbox.uidnext,
    StatusItem.UIDVALIDITY: lambda mailbox: mailbox.uidvalidity,
    StatusItem.UNSEEN: lambda mailbox: mailbox.unseen,
    StatusItem.DELETED: lambda mailbox: mailbox.deleted,
    StatusItem.SIZE: lambda mailbox: mailbox.size,
    StatusItem.HIGHESTMODSEQ: lambda mailbox: mailbox.highestmodseq,
    StatusItem.MAILBOXID: lambda mailbox: mailbox.object_id,
}

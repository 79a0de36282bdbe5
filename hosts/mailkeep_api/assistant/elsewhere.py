"""A connected account's folders and messages, through IMAPClient: all of it runs in the connection's thread.

An id is a folder's UIDVALIDITY, a UID and the folder's name (RFC 9051 section 2.3.1.1): it names one message
for as long as the server keeps its word, and nothing afterwards. Nothing is written down between calls.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, cast

from mailkeep.errors import NotFound, Refusal, TooLarge
from mailkeep.mime.scan import scan
from mailkeep.mime.summary import summarise
from mailkeep.model.mailbox import INBOX, MAILBOX_NAME_LIMIT
from mailkeep.model.uids import UidSet
from mailkeep.upstream.sync import remote
from mailkeep_api.assistant import arguments
from mailkeep_api.assistant.mailbox import Folder, Item, Moved, Page, ShownLabel

FOLDERS_LIMIT = 500  # told and looked through; a STATUS each
FOUND_LIMIT = 2000  # messages whose structure or time is read for one search
MESSAGE_LIMIT = 25 * 1024 * 1024  # octets of a message that is read or forwarded
BATCH = 100

USES = ("all", "archive", "drafts", "flagged", "junk", "sent", "trash")  # RFC 6154 section 2
_FIELDS = "BODY.PEEK[HEADER.FIELDS (FROM SUBJECT)]"
_FACTS = ("UID", "FLAGS", "RFC822.SIZE", "INTERNALDATE", "BODYSTRUCTURE", _FIELDS)
_ID = re.compile(r"([1-9][0-9]{0,9})\.([1-9][0-9]{0,9})\.(.+)\Z")
_NO_MESSAGE = "There is no such message."


@dataclass(frozen=True, slots=True)
class Place:
    """A folder: its name as the server has it, as we tell it, and what it is for ("" if for nothing)."""

    raw: str
    name: str
    use: str


@dataclass(frozen=True, slots=True)
class Whole:
    """One message with its octets."""

    item: Item
    octets: bytes


# --- folders -------------------------------------------------------------------------------------


def places(client: Any) -> list[Place]:
    """All that can hold mail and has a name that can be asked for. INBOX first."""
    found = [
        Place(raw, INBOX if name.upper() == INBOX else name, _use(words))
        for raw, (name, words) in remote.folders(client).items()
        if len(name) <= MAILBOX_NAME_LIMIT and name.isprintable()
    ]
    found.sort(key=lambda place: (place.name != INBOX, place.name))
    return found[:FOLDERS_LIMIT]


def _use(words: frozenset[str]) -> str:
    return next((use for use in USES if f"\\{use}" in words), "")


def place_of(client: Any, asked: str) -> Place:
    """By name, else by what it is for: Trash is [Gmail]/Trash too. Raises NotFound."""
    known = places(client)
    name = INBOX if asked.upper() == INBOX else asked
    for place in known:
        if place.name == name:
            return place
    for place in known:
        if place.use == asked.lower():
            return place
    raise NotFound("There is no such mailbox.")


def folders(client: Any) -> list[Folder]:
    """With their counts."""
    return [_counted(client, place) for place in places(client)]


def _counted(client: Any, place: Place) -> Folder:
    status = client.folder_status(place.raw, ["MESSAGES", "UNSEEN"])
    return Folder(place.name, place.use, int(status[b"MESSAGES"]), int(status[b"UNSEEN"]))


def labels(client: Any) -> list[ShownLabel]:
    """The keywords that INBOX knows."""
    words = client.select_folder(INBOX, readonly=True).get(b"FLAGS", ())
    names = (word.decode("ascii", "replace") for word in words)
    return [ShownLabel(name, "") for name in names if not name.startswith("\\")]


# --- lists ---------------------------------------------------------------------------------------


def listed(client: Any, asked: arguments.ListEmails) -> Page:
    """A piece of a folder, newest first: message numbers grow with time of arrival."""
    place = place_of(client, asked.folder)
    selected = remote.select(client, place.raw, writes=False, tells_vanished=False)
    newest = selected.exists - asked.offset
    numbers = list(range(max(1, newest - asked.limit + 1), newest + 1))
    if not numbers:
        return Page([], selected.exists)
    client.use_uid = False
    try:
        rows = _rows(client, numbers)
    finally:
        client.use_uid = True
    items = [_item(rows[number], place, selected.uidvalidity) for number in sorted(rows, reverse=True)]
    return Page(items, selected.exists)


def searched(client: Any, asked: arguments.SearchEmails) -> Page:
    """What fulfils all conditions, newest first. Raises Refusal if too much would have to be read."""
    place = _place_to_search(client, asked.folder)
    selected = remote.select(client, place.raw, writes=False, tells_vanished=False)
    uids = sorted(_search(client, asked), reverse=True)
    if asked.since is None and asked.until is None and asked.has_attachments is None:
        rows = _rows(client, uids[asked.offset : asked.offset + asked.limit])
        items = [_item(rows[uid], place, selected.uidvalidity) for uid in uids if uid in rows]
        return Page(items, len(uids))
    if len(uids) > FOUND_LIMIT:
        raise Refusal("The search would go through too much mail; narrow it by text, since and until.")
    rows = _rows(client, uids)
    found = [_item(rows[uid], place, selected.uidvalidity) for uid in uids if uid in rows]
    exact = [item for item in found if _fulfils(item, asked)]
    return Page(exact[asked.offset : asked.offset + asked.limit], len(exact))


def _place_to_search(client: Any, folder: str | None) -> Place:
    """Without a folder, the one that has all mail; where there is none, INBOX."""
    if folder is not None:
        return place_of(client, folder)
    inbox = Place(INBOX, INBOX, "")
    return next((place for place in places(client) if place.use == "all"), inbox)


def _search(client: Any, asked: arguments.SearchEmails) -> Sequence[int]:
    """What the server can tell. RFC 9051 section 6.4.4: it knows days alone, in a zone of its own."""
    keys: list[str] = []
    if asked.is_read is not None:
        keys.append("SEEN" if asked.is_read else "UNSEEN")
    if asked.since is not None:
        keys += ["SINCE", _day(asked.since, -1)]
    if asked.until is not None:
        keys += ["BEFORE", _day(asked.until, 2)]
    text = asked.text.strip()
    if text and not text.isascii():  # IMAPClient sends it as a literal
        return cast(Sequence[int], client.search([*keys, "TEXT", text], "UTF-8"))
    quoted = text.replace("\\", "\\\\").replace('"', '\\"')  # it would not quote "a)"
    keys += ["TEXT", f'"{quoted}"'] if text else []
    return cast(Sequence[int], client.search(" ".join(keys or ["ALL"])))


def _day(moment: datetime, days: int) -> str:
    """A date some days off, as far as the calendar goes."""
    try:
        day = moment.astimezone(UTC) + timedelta(days=days)
    except OverflowError:
        day = moment
    months = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
    return f"{day.day:02}-{months[day.month - 1]}-{day.year:04}"


def _fulfils(item: Item, asked: arguments.SearchEmails) -> bool:
    return (
        (asked.since is None or item.received_at >= asked.since)
        and (asked.until is None or item.received_at <= asked.until)
        and (asked.has_attachments is None or bool(item.attachments) is asked.has_attachments)
    )


def _rows(client: Any, numbers: Sequence[int]) -> dict[int, dict[bytes, Any]]:
    """By UID or number, as the client is set. A row that lacks something is none of ours."""
    client.normalise_times = False
    found: dict[int, dict[bytes, Any]] = {}
    for start in range(0, len(numbers), BATCH):
        found.update(client.fetch(numbers[start : start + BATCH], _FACTS))
    return {number: row for number, row in found.items() if b"RFC822.SIZE" in row}


def _item(row: dict[bytes, Any], place: Place, uidvalidity: int, uid: int = 0) -> Item:
    header = next((value for name, value in row.items() if name.startswith(b"BODY[HEADER")), b"") or b""
    summary = summarise(header, scan(header))
    flags = [word.decode("ascii", "replace") for word in row.get(b"FLAGS", ())]
    date = row.get(b"INTERNALDATE")
    at = date if isinstance(date, datetime) else datetime.fromtimestamp(0, UTC)
    return Item(
        email_id=f"{uidvalidity}.{uid or row.get(b'UID', 0)}.{place.name}",
        sender=summary.from_address,
        sender_name=summary.from_name,
        subject=summary.subject,
        received_at=at.replace(tzinfo=at.tzinfo or UTC).astimezone(UTC),
        is_read="\\seen" in {word.lower() for word in flags},
        size=int(row.get(b"RFC822.SIZE", 0)),
        folder=place.name,
        labels=tuple(word for word in flags if not word.startswith("\\")),
        attachments=sum(_is_file(leaf) for leaf in _leaves(row.get(b"BODYSTRUCTURE"))),
    )


# --- BODYSTRUCTURE, RFC 9051 section 7.5.2 ---------------------------------------------------------


def _leaves(body: Any) -> Iterator[Any]:
    waiting = [body] if body else []
    while waiting:
        part = waiting.pop()
        if part and isinstance(part[0], list):
            waiting.extend(part[0])
        else:
            yield part


def _is_file(leaf: Any) -> bool:
    """As mailkeep.mime.attachments has it: said to be one, or named, neither text nor shown in place."""
    said = [one[0].lower() for one in leaf[3:] if _is_disposition(one)]
    if b"attachment" in said:
        return True
    if b"inline" in said or not leaf or leaf[0].lower() == b"text":
        return False
    given = leaf[2] if len(leaf) > 2 and isinstance(leaf[2], tuple) else ()
    return any(word.lower() == b"name" for word in given[::2] if isinstance(word, bytes)) or any(
        one[1] for one in leaf[3:] if _is_disposition(one)
    )


def _is_disposition(one: Any) -> bool:
    """("attachment" ("filename" "x")) or ("inline" NIL)"""
    return (
        isinstance(one, tuple)
        and len(one) == 2
        and isinstance(one[0], bytes)
        and (one[1] is None or isinstance(one[1], tuple))
    )


# --- one message ---------------------------------------------------------------------------------


def whole(client: Any, email_id: str) -> Whole:
    """Unread as it was. Raises NotFound, TooLarge."""
    place, uidvalidity, uid = _selected(client, email_id, writes=False)
    row = _rows(client, [uid]).get(uid)
    if row is None:
        raise NotFound(_NO_MESSAGE)
    item = _item(row, place, uidvalidity, uid)
    if item.size > MESSAGE_LIMIT:
        raise TooLarge(f"The message has more than {MESSAGE_LIMIT} octets; read it with a mail program.")
    octets = client.fetch([uid], ["BODY.PEEK[]"]).get(uid, {}).get(b"BODY[]")
    if not isinstance(octets, bytes):
        raise NotFound(_NO_MESSAGE)
    return Whole(item, octets)


def flag(client: Any, email_id: str, name: str, *, on: bool) -> None:
    """Set or clear one flag. Raises NotFound."""
    _, _, uid = _selected(client, email_id, writes=True)
    _require(client, uid)
    remote.store(client, UidSet.of([uid]), "+" if on else "-", [name])


def moved(client: Any, email_id: str, folder: str) -> Moved:
    """Into another folder, under a new id. Raises NotFound, Refusal."""
    target = place_of(client, folder)
    place, _, uid = _selected(client, email_id, writes=True)
    _require(client, uid)
    if place == target:
        return Moved(email_id, place.name)
    client._imap.untagged_responses.pop("COPYUID", None)
    if client.has_capability("MOVE"):  # RFC 6851
        client.move([uid], target.raw)
    elif client.has_capability("UIDPLUS"):  # RFC 4315: or messages of others would be expunged with it
        client.copy([uid], target.raw)
        remote.store(client, UidSet.of([uid]), "+", ["\\Deleted"])
        client.uid_expunge([uid])
    else:
        raise Refusal("The account's server cannot move a single message.")
    return Moved(_new_id(client, target), target.name)


def _new_id(client: Any, target: Place) -> str:
    """RFC 4315 section 3; "" of a server that does not say."""
    told = client._imap.untagged_responses.pop("COPYUID", [b""])[-1] or b""
    words = told.decode("ascii", "replace").split()
    known = len(words) == 3 and words[0].isdecimal() and words[2].isdecimal()
    return f"{words[0]}.{words[2]}.{target.name}" if known else ""


def _selected(client: Any, email_id: str, *, writes: bool) -> tuple[Place, int, int]:
    """The folder of an id, its UIDVALIDITY and the UID. Raises NotFound if any of it is not so any more."""
    read = _ID.match(email_id)
    place = next((one for one in places(client) if read and one.name == read[3]), None)
    if read is None or place is None:
        raise NotFound(_NO_MESSAGE)
    selected = remote.select(client, place.raw, writes=writes, tells_vanished=False)
    if selected.uidvalidity != int(read[1]) or not int(read[2]) < 1 << 32:
        raise NotFound(_NO_MESSAGE)
    return place, selected.uidvalidity, int(read[2])


def _require(client: Any, uid: int) -> None:
    if uid not in client.fetch([uid], ["FLAGS"]):
        raise NotFound(_NO_MESSAGE)

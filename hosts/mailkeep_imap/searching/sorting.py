"""The order of SORT (RFC 5256, RFC 5957): one stable sort a criterion, the last one first.

Sizes and arrival are in the snapshot; sent dates and base subjects are in the message row, made at
delivery; addresses come from the header. Only what the criteria name is read. Texts are compared
case-folded, messages that compare equal stay in the order of the mailbox.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from mailkeep.imap.commands.sort import SortCriterion, SortField
from mailkeep.mime import addresses, encoded_words, headers
from mailkeep.mime.addresses import Mailbox
from mailkeep.model.casemap import fold
from mailkeep.model.message import MessageSummary
from mailkeep.storage.interface import Column, Messages
from mailkeep_imap.searching.columns import Columns

_DISPLAYED = (SortField.DISPLAYFROM, SortField.DISPLAYTO)  # RFC 5957
_HEADERS = {
    SortField.CC: b"cc",
    SortField.FROM: b"from",
    SortField.TO: b"to",
    SortField.DISPLAYFROM: b"from",
    SortField.DISPLAYTO: b"to",
}
_SUMMARIES = (SortField.DATE, SortField.SUBJECT)

Facts = dict[SortField, Any]  # what one message row says, by field


async def in_order(
    places: Sequence[int],
    criteria: Sequence[SortCriterion],
    columns: Columns,
    messages: Messages,
    scores: Mapping[int, int],
) -> list[int]:
    """The places in the order of the criteria; a message that is gone meanwhile is left out. `scores` are
    relevancies by place, if one of the criteria is."""
    fields = {criterion.field for criterion in criteria}
    facts = await _read(places, fields, columns, messages)
    ordered = [place for place in places if facts is None or columns.message_ids[place] in facts]
    for criterion in reversed(criteria):
        key = _key(criterion.field, columns, facts or {}, scores)
        ordered.sort(key=key, reverse=criterion.reverse)
    return ordered


async def _read(
    places: Sequence[int], fields: Iterable[SortField], columns: Columns, messages: Messages
) -> dict[int, Facts] | None:
    """Facts by message id; None if the snapshot is enough."""
    from_header = [field for field in fields if field in _HEADERS]
    from_summary = [field for field in fields if field in _SUMMARIES]
    wanted = [Column.HEADER] if from_header else []
    wanted += [Column.SUMMARY] if from_summary else []
    if not wanted:
        return None
    facts: dict[int, Facts] = {}
    message_ids = list(dict.fromkeys(columns.message_ids[place] for place in places))
    async for rows in messages.rows(message_ids, wanted):
        facts.update(await asyncio.to_thread(_facts, rows, from_header, from_summary))
    return facts


def _facts(
    rows: Iterable[tuple[Any, ...]], from_header: Sequence[SortField], from_summary: Sequence[SortField]
) -> dict[int, Facts]:
    found = {}
    for row in rows:
        facts: Facts = {field: _first_address(row[1], field) for field in from_header}
        for field in from_summary:
            facts[field] = _summarised(row[-1], field)
        found[row[0]] = facts
    return found


def _summarised(summary: MessageSummary, field: SortField) -> Any:
    if field is SortField.SUBJECT:
        return fold(summary.base_subject)
    return summary.sent_at.timestamp() if summary.sent_at else None


def _first_address(header: bytes, field: SortField) -> str:
    """What the first address of a field is sorted by; "" without one."""
    value = headers.first(header, _HEADERS[field])
    found = addresses.parse(value) if value else []
    if not found:
        return ""
    return fold(_shown_name(found[0]) if field in _DISPLAYED else _local_part(found[0]))


def _local_part(mailbox: Mailbox) -> str:
    """RFC 5256 section 3: addr-mailbox."""
    return (mailbox.mailbox or b"").decode("utf-8", "replace")


def _shown_name(mailbox: Mailbox) -> str:
    """RFC 5957 section 3: the decoded name of a person or group, else the address."""
    if mailbox.host is None:
        return " ".join(encoded_words.decode(mailbox.mailbox or b"").split())
    name = " ".join(encoded_words.decode(mailbox.name or b"").split())
    return name or f"{_local_part(mailbox)}@{mailbox.host.decode('utf-8', 'replace')}"


def _key(
    field: SortField, columns: Columns, facts: dict[int, Facts], scores: Mapping[int, int]
) -> Callable[[int], Any]:
    if field is SortField.RELEVANCY:  # RFC 6203 section 5: the most relevant first
        return lambda place: -scores[place]
    if field is SortField.ARRIVAL:
        return lambda place: columns.internal_dates[place]
    if field is SortField.SIZE:
        return lambda place: columns.sizes[place]
    if field is SortField.DATE:  # RFC 5256 section 2.2: without one, the internal date
        return lambda place: _or(facts[columns.message_ids[place]][field], columns.internal_dates[place])
    return lambda place: facts[columns.message_ids[place]][field]


def _or(sent: float | None, received: int) -> float:
    return received if sent is None else sent

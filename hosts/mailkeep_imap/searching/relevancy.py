"""How relevant the messages are that a search with FUZZY found (RFC 6203 section 4).

Only what is shown is scored, and only when that is asked for: the texts are read once more then. Among keys
that must all match the mean counts, of alternatives the best, and of what is not fuzzy nothing. A message
that is gone meanwhile has the lowest score.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from mailkeep.imap.commands.search_keys import TextKey
from mailkeep.mime import parts
from mailkeep.storage.interface import Column, Messages
from mailkeep_imap.searching.columns import Columns
from mailkeep_imap.searching.evaluate import BODY_SLICE, whole_messages
from mailkeep_imap.searching.plan import Cost, Either, Every, Plan, Resembling
from mailkeep_imap.searching.resembling import WHOLE
from mailkeep_imap.searching.texts import header_score, message_score

LOWEST = 1

Scores = Mapping[int, int]  # by message id
Rows = Sequence[tuple[Any, ...]]


async def relevancies(
    plan: Plan, columns: Columns, places: Sequence[int], messages: Messages
) -> tuple[int, ...]:
    """A score from 1 to 100 for each place, in their order."""
    message_ids = list(dict.fromkeys(columns.message_ids[place] for place in places))
    scores = {key: await _scores(key, message_ids, messages) for key in set(_fuzzy_keys(plan))}
    return tuple(_score(plan, scores, columns.message_ids[place]) or LOWEST for place in places)


def _fuzzy_keys(plan: Plan) -> Iterator[Resembling]:
    """What a match is owed to; of what a message does not match there is nothing to score."""
    match plan:
        case Resembling():
            yield plan
        case Every(plans):
            for inner in plans:
                yield from _fuzzy_keys(inner)
        case Either(left, right):
            yield from _fuzzy_keys(left)
            yield from _fuzzy_keys(right)


def _score(plan: Plan, scores: Mapping[Resembling, Scores], message_id: int) -> int:
    return WHOLE if (found := _weighed(plan, scores, message_id)) is None else found


def _weighed(plan: Plan, scores: Mapping[Resembling, Scores], message_id: int) -> int | None:
    """None if nothing in the plan is fuzzy."""
    match plan:
        case Resembling():
            return scores[plan].get(message_id, 0)
        case Every(plans):
            found = [_weighed(inner, scores, message_id) for inner in plans]
            counting = [score for score in found if score is not None]
            return sum(counting) // len(counting) if counting else None
        case Either(left, right):
            sides = _weighed(left, scores, message_id), _weighed(right, scores, message_id)
            return max((score for score in sides if score is not None), default=None)
    return None


async def _scores(plan: Resembling, message_ids: Sequence[int], messages: Messages) -> Scores:
    found: dict[int, int] = {}
    key = plan.key
    if isinstance(key, TextKey) and plan.cost is Cost.BODY:
        rate = message_score(key)
        for start in range(0, len(message_ids), BODY_SLICE):
            async for rows in whole_messages(message_ids[start : start + BODY_SLICE], messages):
                found.update(
                    await asyncio.to_thread(_rated, rows, lambda row: rate(row[2], parts.unpack(row[1])))
                )
    else:
        of_header = header_score(key)
        async for rows in messages.rows(message_ids, (Column.HEADER,)):
            found.update(await asyncio.to_thread(_rated, rows, lambda row: of_header(row[1])))
    return found


def _rated(rows: Rows, rate: Callable[[tuple[Any, ...]], int]) -> dict[int, int]:
    return {row[0]: rate(row) for row in rows}

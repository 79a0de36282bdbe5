"""A SEARCH command as a plan: the same tree, with sets of messages resolved and each test's cost known.

Costs are what a test reads: nothing beyond the snapshot, a message row, or a whole message. Within a
list of keys that must all match the cheap ones go first, so that text is read only of what they leave.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from enum import IntEnum

from mailkeep.imap.commands.search_keys import (
    AndKey,
    DateKey,
    FuzzyKey,
    HeaderKey,
    NotKey,
    ObjectIdKey,
    OrKey,
    SearchKey,
    SequenceKey,
    TextField,
    TextKey,
    UidKey,
)
from mailkeep_imap.searching.indexed import INTERNAL_DATES, IndexedKey, Places, PlacesKey


class Cost(IntEnum):
    """What a test has to read."""

    SNAPSHOT = 0
    ROW = 1
    BODY = 2


@dataclass(frozen=True, slots=True)
class Indexed:
    """A test that the snapshot answers."""

    key: IndexedKey
    cost: Cost = Cost.SNAPSHOT


@dataclass(frozen=True, slots=True)
class Read:
    """A test of a message's header (ROW) or of all its text (BODY)."""

    key: TextKey | HeaderKey | DateKey | ObjectIdKey
    cost: Cost


@dataclass(frozen=True, slots=True)
class Resembling:
    """A test within FUZZY, of a header field (ROW) or of all its text (BODY)."""

    key: TextKey | HeaderKey
    cost: Cost


@dataclass(frozen=True, slots=True)
class Every:
    """All must match; the cheapest first."""

    plans: tuple[Plan, ...]
    cost: Cost


@dataclass(frozen=True, slots=True)
class Either:
    """One must match; the cheaper is `left`."""

    left: Plan
    right: Plan
    cost: Cost


@dataclass(frozen=True, slots=True)
class Unless:
    """The inner plan must not match."""

    plan: Plan
    cost: Cost


Plan = Indexed | Read | Resembling | Every | Either | Unless
PlacesOf = Callable[[SequenceKey | UidKey], Places]


def make_plan(keys: Iterable[SearchKey], places_of: PlacesOf) -> Plan:
    """The plan for keys that must all match. `places_of` resolves sequence numbers and UIDs now; what it
    raises passes."""
    plans = sorted((_plan(key, places_of) for key in keys), key=lambda plan: plan.cost)
    return plans[0] if len(plans) == 1 else Every(tuple(plans), max(plan.cost for plan in plans))


def reads_text(plan: Plan) -> bool:
    """True if the index of texts is of use."""
    match plan:
        case Read(key):
            return isinstance(key, TextKey | HeaderKey)
        case Resembling():
            return True
        case Every(plans):
            return any(map(reads_text, plans))
        case Either(left, right):
            return reads_text(left) or reads_text(right)
        case Unless(inner):
            return reads_text(inner)
    return False


def _plan(key: SearchKey, places_of: PlacesOf) -> Plan:
    match key:
        case SequenceKey() | UidKey():
            return Indexed(PlacesKey(frozenset(places_of(key))))
        case AndKey(keys):
            return make_plan(keys, places_of)
        case OrKey(first, second):
            left, right = sorted((_plan(first, places_of), _plan(second, places_of)), key=lambda p: p.cost)
            return Either(left, right, right.cost)
        case NotKey(inner):
            plan = _plan(inner, places_of)
            return Unless(plan, plan.cost)
        case FuzzyKey(inner):
            return _fuzzy(_plan(inner, places_of))
        case TextKey(TextField.BODY | TextField.TEXT):
            return Read(key, Cost.BODY)
        case TextKey() | HeaderKey() | ObjectIdKey():
            return Read(key, Cost.ROW)
        case DateKey() if key.test not in INTERNAL_DATES:
            return Read(key, Cost.ROW)
    return Indexed(key)


def _fuzzy(plan: Plan) -> Plan:
    """The same plan, with texts compared as resembling.py does. What is not a text stays exact."""
    match plan:
        case Read(TextKey() | HeaderKey() as key, cost) if key.text:
            return Resembling(key, cost)
        case Every(plans):
            return replace(plan, plans=tuple(map(_fuzzy, plans)))
        case Either(left, right):
            return replace(plan, left=_fuzzy(left), right=_fuzzy(right))
        case Unless(inner):
            return replace(plan, plan=_fuzzy(inner))
    return plan

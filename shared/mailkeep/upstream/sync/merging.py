"""What two sides did to a message's flags since they last agreed, put together. Pure.

A flag is set or not, so there is no conflict: if both sides changed it, they changed it alike. \\Deleted is
left out: what one side is about to expunge is its own business until it has.
"""

from __future__ import annotations

from dataclasses import dataclass

from mailkeep.model.flags import Flags
from mailkeep.upstream.config import FlagsMode

LEFT_OUT = frozenset({"\\deleted", "\\recent"})


@dataclass(frozen=True, slots=True)
class FlagChange:
    """Names to set and to clear."""

    add: frozenset[str]
    remove: frozenset[str]

    def __bool__(self) -> bool:
        return bool(self.add or self.remove)


@dataclass(frozen=True, slots=True)
class Merged:
    """What each side is to do, and what both have then (which becomes the next base)."""

    here: FlagChange
    there: FlagChange
    base: Flags


NOTHING = FlagChange(frozenset(), frozenset())


def merge(base: Flags, here: Flags, there: Flags, mode: FlagsMode) -> Merged:
    """Three flag sets: at the last sync, here now, there now. `pull` never changes there, `push` never
    here."""
    was, local, remote = names_of(base), names_of(here), names_of(there)
    if mode == "none":
        return Merged(NOTHING, NOTHING, base)
    for_here = _carried(was, remote, local) if mode in {"pull", "both"} else NOTHING
    for_there = _carried(was, local, remote) if mode in {"push", "both"} else NOTHING
    agreed = remote if mode == "pull" else local if mode == "push" else _applied(local, for_here)
    return Merged(for_here, for_there, Flags.parse(sorted(agreed)))


def names_of(flags: Flags) -> frozenset[str]:
    """The flags that are synced, by name in lower case: servers differ in how they spell keywords."""
    return frozenset(name.lower() for name in flags.names()) - LEFT_OUT


def _carried(was: frozenset[str], changed: frozenset[str], to: frozenset[str]) -> FlagChange:
    """What one side changed since `was`, as far as the other has it not yet."""
    return FlagChange((changed - was) - to, (was - changed) & to)


def _applied(names: frozenset[str], change: FlagChange) -> frozenset[str]:
    return (names | change.add) - change.remove

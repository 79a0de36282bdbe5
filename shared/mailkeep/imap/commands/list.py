"""LIST with LIST-EXTENDED, LIST-STATUS and SPECIAL-USE, LSUB, NAMESPACE."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import ClassVar

from mailkeep.imap.commands.base import Command
from mailkeep.imap.commands.mailbox import StatusItem


class SelectOption(Enum):
    """RFC 9051 section 6.3.9.1, RFC 6154 section 4."""

    SUBSCRIBED = "SUBSCRIBED"
    REMOTE = "REMOTE"
    RECURSIVEMATCH = "RECURSIVEMATCH"
    SPECIAL_USE = "SPECIAL-USE"


class ReturnOption(Enum):
    """RFC 9051 section 6.3.9.2, RFC 6154 section 4, RFC 8440; STATUS has its own field."""

    SUBSCRIBED = "SUBSCRIBED"
    CHILDREN = "CHILDREN"
    SPECIAL_USE = "SPECIAL-USE"
    MYRIGHTS = "MYRIGHTS"


@dataclass(frozen=True, slots=True)
class List(Command):
    """RFC 9051 section 6.3.9. `extended` says that the client used extended syntax: several patterns,
    selection or return options; an empty pattern then has no special meaning."""

    name: ClassVar[str] = "LIST"

    reference: str
    patterns: tuple[str, ...]
    select: tuple[SelectOption, ...] = ()
    returns: tuple[ReturnOption, ...] = ()
    status: tuple[StatusItem, ...] = ()  # RETURN (STATUS (...)), RFC 5819
    extended: bool = False


@dataclass(frozen=True, slots=True)
class Lsub(Command):
    """RFC 3501 section 6.3.9."""

    name: ClassVar[str] = "LSUB"

    reference: str
    pattern: str


@dataclass(frozen=True, slots=True)
class Namespace(Command):
    """RFC 9051 section 6.3.10."""

    name: ClassVar[str] = "NAMESPACE"

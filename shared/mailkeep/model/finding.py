"""One thing that was looked at: how it is, in a sentence, and how to mend it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """From best to worst; `unknown` is what could not be looked at."""

    OK = "ok"
    UNKNOWN = "unknown"
    WARNING = "warning"
    FAILURE = "failure"


@dataclass(frozen=True, slots=True)
class Finding:
    """`check` names the subject, for programs. `mend` is "" if there is nothing to do."""

    check: str
    state: State
    sentence: str
    mend: str = ""


def ok(check: str, sentence: str) -> Finding:
    """It is as it should be."""
    return Finding(check, State.OK, sentence)


def unknown(check: str, sentence: str, mend: str) -> Finding:
    """It could not be looked at."""
    return Finding(check, State.UNKNOWN, sentence, mend)


def warning(check: str, sentence: str, mend: str) -> Finding:
    """It works, and will not for long, or not for everybody."""
    return Finding(check, State.WARNING, sentence, mend)


def failure(check: str, sentence: str, mend: str) -> Finding:
    """It does not work."""
    return Finding(check, State.FAILURE, sentence, mend)

"""From an event, its secrets taken out, to its line: for people or for programs.

Both write what structlog's own renderers write. Those cost as much as all that comes before them, and every
message that is delivered is a line.
"""

from __future__ import annotations

import json
import re

from structlog.typing import EventDict

LEVEL_WIDTH = 9  # of "exception", the longest level's name
RULE = "=" * 79  # between a stack and an exception

_to_quote = re.compile("[ \\t=\\r\\n\"']").search
_encode = json.JSONEncoder(default=str).encode


def as_console(_logger: object, _method: str, event: EventDict) -> str:
    """`TIME [level    ] what happened [logger] name=value ...`; a stack or traceback has lines of its own."""
    stack, exception = event.pop("stack", None), event.pop("exception", None)
    columns = [
        event.pop("timestamp", ""),
        f"[{event.pop('level', ''):<{LEVEL_WIDTH}}]",
        str(event.pop("event", "")),
        f"[{event.pop('logger', '')}]",
    ]
    columns += [
        f"{name}={value if isinstance(value, str) and not _to_quote(value) else repr(value)}"
        for name, value in sorted(event.items())
    ]
    line = " ".join(columns).rstrip(" ")
    if stack is not None:
        line += f"\n{stack}" + (f"\n\n{RULE}\n" if exception is not None else "")
    return line if exception is None else f"{line}\n{exception}"


def as_json(_logger: object, _method: str, event: EventDict) -> str:
    """One object."""
    return _encode(event)

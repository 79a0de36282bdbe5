"""HTML of strangers, made harmless in a process of its own, which may fail or be killed without harm."""

from __future__ import annotations

import asyncio
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from contextlib import suppress

from markupsafe import Markup

LIMIT = 2 * 1024 * 1024  # octets of HTML that are shown at all
SECONDS = 10.0  # of waiting; the child has fewer of a processor
AT_ONCE = 2

_COMMAND = (sys.executable, "-I", "-m", "mailkeep_api.console.cleaning")
_places = asyncio.Semaphore(AT_ONCE)


async def sanitised(html: str) -> Markup | None:
    """What may be shown of it; None if it is too large or too intricate to be taken apart."""
    octets = html.encode("utf-8", "replace")
    if len(octets) > LIMIT:
        return None
    async with _places:
        # No environment: ours may hold secrets.
        child = await asyncio.create_subprocess_exec(
            *_COMMAND, stdin=PIPE, stdout=PIPE, stderr=DEVNULL, env={}
        )
        try:
            clean, _ = await asyncio.wait_for(child.communicate(octets), SECONDS)
        except TimeoutError:
            return None
        finally:
            await _ended(child)
    return Markup(clean.decode()) if child.returncode == 0 else None  # noqa: S704  this is what cleaning is for


async def _ended(child: Process) -> None:
    if child.returncode is None:
        with suppress(ProcessLookupError):
            child.kill()
        await child.wait()

"""THREAD and UID THREAD."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mailkeep.imap.commands.thread import Thread
from mailkeep.imap.errors import ImapSyntaxError
from mailkeep.imap.threads import ALGORITHMS
from mailkeep_imap.commands.search import Run, check_charset
from mailkeep_imap.outcome import Done
from mailkeep_imap.searching.threading import threads_response

if TYPE_CHECKING:
    from mailkeep_imap.session import Session


async def thread(session: Session, command: Thread) -> Done:
    """RFC 5256 section 3."""
    algorithm = ALGORITHMS.get(command.algorithm)
    if algorithm is None:
        raise ImapSyntaxError("There is no such threading algorithm.", command.tag)
    check_charset(session, command.charset, command.tag)
    run = Run(session, command.keys, uid=command.uid)
    places = await run.find()
    messages = session.host.store.messages
    session.send(await threads_response(algorithm, places, run.numbers_of(places), run.columns, messages))
    return Done("THREAD completed.")

"""A session at work: everything that has come in, strictly in order.

A command goes the same way always: framed, parsed, checked against the state, carried out, answered, and
its answer preceded by what has changed in the selected mailbox. Nothing of a fault reaches the client
but a sentence and a correlation id; the session goes on.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mailkeep.imap import responses
from mailkeep.imap.commands.base import Command
from mailkeep.imap.commands.mailbox import Create, Delete, Rename, Subscribe, Unsubscribe
from mailkeep.imap.commands.metadata import SetMetadata
from mailkeep.imap.errors import BadCharset, ImapSyntaxError, UnknownCommand
from mailkeep.imap.framing import (
    NEED_DATA,
    CommandLine,
    Event,
    Line,
    LiteralChunk,
    LiteralKind,
    LiteralRequest,
)
from mailkeep.imap.parser import parse
from mailkeep.imap.state import PERMITTED, State, check
from mailkeep.model.mailbox import HIERARCHY_DELIMITER
from mailkeep.model.uids import NO_UIDS
from mailkeep.net.twisted_bridge import PeerGone
from mailkeep.observe import tracing
from mailkeep.observe.logs import cause_of, get_logger, new_correlation_id
from mailkeep.observe.timed import TIMINGS
from mailkeep_imap import codes, commands, progress, uidonly, updates
from mailkeep_imap.commands import Handler, append
from mailkeep_imap.outcome import BAD, OK, Done
from mailkeep_imap.updates import Reporting

if TYPE_CHECKING:
    from mailkeep_imap.notifications import Notifications
    from mailkeep_imap.session import Session

log = get_logger(__name__)
_clock = time.perf_counter
_EVERYTHING = Reporting.EVERYTHING  # a look into the enumeration is a call


@dataclass(frozen=True, slots=True)
class _Kind:
    """What is the same for every command of a type."""

    handler: Handler | None
    name: str
    states: tuple[State, ...]
    is_long: bool
    holds_numbers: bool


_KINDS = {
    command: _Kind(
        commands.HANDLERS.get(command),
        f"IMAP {command.name}",
        states,
        command in progress.LONG,
        command in updates.HOLD_NUMBERS,
    )
    for command, states in PERMITTED.items()
}


async def work(session: Session) -> None:
    """Take what the framer has until it needs more. The session's one task."""
    try:
        await session.pusher.settled()
        await _take_all(session)
        session.output.flush()
    except PeerGone:
        pass
    except Exception as error:  # a fault outside any command: its answer would have no tag
        _log_fault(session, error, new_correlation_id())
        session.close("Something went wrong here.", b"UNAVAILABLE")
    finally:
        session.rested()
        if session.output.gone:
            await session.drop_upload()


async def _take_all(session: Session) -> None:
    output = session.output
    while not output.gone:
        if session.farewell is not None:
            session.close(session.farewell)
            return
        try:
            event = session.framer.next_event()
            if event is NEED_DATA:
                if not session.inflate():
                    return
                await asyncio.sleep(0)  # a little input may stand for very much: others get their turn
                continue
        except ImapSyntaxError as error:
            await session.drop_upload()
            _broken(session, error)
            continue
        if type(event) is CommandLine:  # nearly always: small commands come by the thousand
            await _begun(session, event)
        else:
            await _take(session, event)
        if output.is_full:
            await output.drain()


def _broken(session: Session, error: ImapSyntaxError) -> None:
    """The framer could not make a command, or the line that was asked for, of what came."""
    exchange, session.exchange = session.exchange, None
    if exchange is not None:
        exchange.broken(session)
    tag = exchange.tag if exchange is not None else error.tag
    if tag is not None or not error.fatal:
        _answer(session, tag, _refusal(session, error))
    if error.fatal:  # the stream can no longer be followed
        session.close(error.text)


async def _take(session: Session, event: Event) -> None:
    match event:
        case LiteralRequest():
            await _literal(session, event)
        case LiteralChunk():
            assert session.upload is not None
            await session.upload.add(event)
        case Line(octets):
            exchange, session.exchange = session.exchange, None
            assert exchange is not None
            await _run(session, exchange.tag, exchange.take(session, octets), _EVERYTHING)


async def _literal(session: Session, request: LiteralRequest) -> None:
    if request.kind is LiteralKind.ARGUMENT:
        session.framer.accept()
        session.send(responses.continuation("Go on."))
        return
    try:
        await append.announced(session, request)
    except Exception as error:  # refused before any octet is sent
        await session.drop_upload()
        _answer(session, request.tag, _refusal(session, error))
        try:
            session.framer.refuse()
        except ImapSyntaxError as fatal:
            session.close(fatal.text)


def _begun(session: Session, line: CommandLine) -> Awaitable[None]:
    """What carries the command out, or refuses it. No coroutine of its own: each costs a small command a
    twentieth."""
    tag: str | None = None
    try:
        command = parse(line.octets, session.form, line.streamed)
        tag = command.tag
        kind = _KINDS[type(command)]
        if session.state not in kind.states:
            check(command, session.state)
        if session.enabled and session.uid_only:
            uidonly.check(command)
        if kind.handler is None:
            raise UnknownCommand(f"{command.name} is not offered here.", tag)
    except ImapSyntaxError as error:
        return _refused(session, error.tag or tag, error)
    reporting = updates.permitted(command) if kind.holds_numbers else _EVERYTHING
    carried_out = _run(
        session, tag, kind.handler(session, command), reporting, command=command, name=kind.name
    )
    if kind.is_long:
        carried_out = _telling(session, command, carried_out)
    return _traced(kind.name, carried_out) if tracing.is_on() else carried_out


async def _refused(session: Session, tag: str | None, error: ImapSyntaxError) -> None:
    await session.drop_upload()
    if isinstance(error, BadCharset) and error.saves:
        session.saved = NO_UIDS
    _answer(session, tag, _refusal(session, error))


async def _telling(session: Session, command: Command, carried_out: Awaitable[None]) -> None:
    with progress.told(session, command):
        await carried_out


async def _traced(name: str, carried_out: Awaitable[None]) -> None:
    with tracing.span(name, tracing.SERVER):
        await carried_out


async def _run(
    session: Session,
    tag: str,
    carried_out: Awaitable[Done | None],
    reporting: Reporting,
    *,
    command: Command | None = None,
    name: str = "",
) -> None:
    """The time is noted under `name`: a command's, and not that of the lines that one goes on with."""
    began = _clock()
    try:
        try:
            done = await carried_out
        except (PeerGone, asyncio.CancelledError):
            raise
        except Exception as error:  # every kind has its answer in codes.py
            done = _refusal(session, error)
        finally:
            if session.upload is not None:
                await session.drop_upload()
        view = session.selected
        if view is not None and view.void:
            if done is not None and done.status == OK and reporting is _EVERYTHING:
                _answer(session, tag, done)  # else a client would append again what it has appended
            session.close(view.void)
        if done is not None and not session.output.gone:
            if session.notifications is not None or session.contexts:
                await _tell(session, reporting, command)
            elif view is not None and view.pending():
                updates.report(session, reporting)
            _answer(session, tag, done)
            if session.after is not None:
                _go_on(session, session.after)
    finally:
        if name:
            TIMINGS.note(name, _clock() - began)


async def _tell(session: Session, reporting: Reporting, command: Command | None) -> None:
    if session.notifications is not None and command is not None:
        _be_quiet_about(session.notifications, command)
    await updates.tell(session, reporting, command)


def _go_on(session: Session, after: Callable[[], None]) -> None:
    session.after = None
    session.output.flush()
    after()


def _be_quiet_about(notifications: Notifications, command: Command) -> None:
    """RFC 5465 section 5: what a session does itself, it need not be told."""
    if isinstance(command, Create | Delete | Subscribe | Unsubscribe | SetMetadata):
        notifications.be_quiet_about(command.mailbox.removesuffix(HIERARCHY_DELIMITER))
    elif isinstance(command, Rename):
        notifications.be_quiet_about(command.mailbox, command.new_mailbox.removesuffix(HIERARCHY_DELIMITER))


def _answer(session: Session, tag: str | None, done: Done) -> None:
    """Send the tagged answer; too many bad ones in a row end the session."""
    session.output.write(responses.tagged(tag, done.status, done.text, done.code))
    if done.status == OK:
        session.errors = 0
    elif done.status == BAD or done.code in codes.COUNTED:
        session.errors += 1
        if session.errors >= session.host.imap.max_errors:
            session.close("Too many errors.")


def _refusal(session: Session, error: Exception) -> Done:
    correlation_id = new_correlation_id() if codes.is_fault(error) else ""
    if correlation_id:
        _log_fault(session, error, correlation_id)
    return codes.refusal(error, correlation_id)


def _log_fault(session: Session, error: Exception, correlation_id: str) -> None:
    log.error("command failed", correlation_id=correlation_id, peer=session.peer.host, **cause_of(error))

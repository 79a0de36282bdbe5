"""CAPABILITY, NOOP, CHECK, LOGOUT, ID, ENABLE, STARTTLS."""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING

from mailkeep.imap import responses
from mailkeep.imap.commands.mailbox import Check
from mailkeep.imap.commands.session import (
    Capability,
    Compress,
    Enable,
    Id,
    Logout,
    Noop,
    StartTls,
    Unauthenticate,
)
from mailkeep.imap.responses import CapabilityData, EnabledData, IdData
from mailkeep.observe.logs import get_logger
from mailkeep_imap.capabilities import (
    CONDSTORE,
    IMAP4REV2,
    QRESYNC,
    UIDONLY,
    UTF8_ACCEPT,
    capabilities,
    capability_code,
)
from mailkeep_imap.outcome import BAD, NO, Done

if TYPE_CHECKING:
    from mailkeep_imap.session import Session

ENABLED_ON_REQUEST = {name.upper(): name for name in (CONDSTORE, QRESYNC, IMAP4REV2, UTF8_ACCEPT, UIDONLY)}
_IN_UTF8 = frozenset({IMAP4REV2, UTF8_ACCEPT})
_SYNCHRONIZING = frozenset({CONDSTORE, QRESYNC})
VERSION = version("mailkeep")
_NOTHING_DONE = {command: Done(f"{command.name} completed.") for command in (Noop, Check)}
log = get_logger(__name__)


async def capability(session: Session, command: Capability) -> Done:
    """RFC 9051 section 6.1.1."""
    session.send(CapabilityData(capabilities(session)).encode())
    return Done("CAPABILITY completed.")


async def noop(session: Session, command: Noop | Check) -> Done:
    """RFC 9051 section 6.1.2; CHECK is the same here. The feed is a hint, so a client that asks gets what the
    database has now."""
    if session.selected is not None and not session.is_fresh:
        await session.host.store.messages.refresh(session.selected.snapshot)
        session.is_fresh = True
    return _NOTHING_DONE[type(command)]


async def logout(session: Session, command: Logout) -> Done:
    """RFC 9051 section 6.1.3."""
    session.leave_mailbox()
    session.send(responses.bye("See you."))
    session.after = session.output.close
    return Done("LOGOUT completed.")


async def identify(session: Session, command: Id) -> Done:
    """RFC 2971 section 3.1."""
    if command.parameters:
        log.info("client", id=dict(command.parameters))
    session.send(IdData((("name", "Mailkeep"), ("version", VERSION))).encode())
    return Done("ID completed.")


async def enable(session: Session, command: Enable) -> Done:
    """RFC 9051 section 6.3.1: what is unknown, or cannot be enabled, is left out."""
    known = (ENABLED_ON_REQUEST.get(name) for name in command.capabilities)
    fresh = tuple(dict.fromkeys(name for name in known if name and name not in session.enabled))
    in_utf8 = _IN_UTF8.intersection(fresh)
    if in_utf8:
        session.enable_utf8(in_utf8)
    if UIDONLY in fresh:
        session.enable_uid_only()
    if _SYNCHRONIZING.intersection(fresh):  # RFC 7162 section 3.2.3: QRESYNC enables CONDSTORE, too
        session.enable_condstore()
    session.enabled |= set(fresh)
    session.send(EnabledData(fresh).encode())
    return Done("ENABLE completed.")


async def unauthenticate(session: Session, command: Unauthenticate) -> Done:
    """RFC 8437 section 2: everything is as after the greeting, but TLS stays. Compression
    cannot, because its state knows what the last user read; it is not offered then."""
    if session.compression is not None:
        return Done("Not while the connection is compressed.", status=BAD)
    session.leave()
    return Done("UNAUTHENTICATE completed.", capability_code(session))


async def compress(session: Session, command: Compress) -> Done:
    """RFC 4978 section 3."""
    if command.algorithm != "DEFLATE":
        return Done("Only DEFLATE is offered.", status=BAD)
    if session.compression is not None:
        return Done("Compression is on already.", b"COMPRESSIONACTIVE", NO)
    session.after = session.begin_compression
    return Done("Compression begins.")


async def starttls(session: Session, command: StartTls) -> Done:
    """RFC 9051 section 6.2.1."""
    if session.peer.tls:
        return Done("TLS is on already.", status=BAD)
    if session.host.tls is None:
        return Done("TLS is not available here.", status=BAD)
    session.after = session.begin_tls
    return Done("Begin TLS now.")

"""One connection: what it knows of its client, when work begins, and how it ends.

One task runs while there is a command to run (see `work`); an idle connection has none. What arrives
meanwhile waits in the framer, and past `INPUT_LIMIT` in the client's own socket, because the transport is
paused.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from mailkeep.imap import responses
from mailkeep.imap.framing import Framer
from mailkeep.imap.limits import NOT_AUTHENTICATED
from mailkeep.imap.names import NameForm
from mailkeep.imap.response_codes import NumberCode
from mailkeep.imap.state import State
from mailkeep.model.principal import Peer, Principal
from mailkeep.model.uids import NO_UIDS, UidSet
from mailkeep.observe.correlation import new_session_id, session_context
from mailkeep.observe.logs import get_logger
from mailkeep_imap import updates
from mailkeep_imap.capabilities import (
    CONDSTORE,
    IMAP4REV2,
    QRESYNC,
    UIDONLY,
    UTF8_ACCEPT,
    capability_code,
)
from mailkeep_imap.compression import Compression
from mailkeep_imap.outcome import Exchange
from mailkeep_imap.pushing import Pusher
from mailkeep_imap.selected import Selected
from mailkeep_imap.updates import Reporting
from mailkeep_imap.work import work
from mailkeep_imap.writer import PARTING_SECONDS, Output

if TYPE_CHECKING:
    from mailkeep_imap.access import Reached
    from mailkeep_imap.contexts import Context
    from mailkeep_imap.host import Host
    from mailkeep_imap.notifications import Notifications
    from mailkeep_imap.upload import Upload

INPUT_LIMIT = 256 * 1024  # octets received and not yet looked at, before the transport is paused
log = get_logger(__name__)


class Session:
    """Handlers in `mailkeep_imap.commands` read and set the public attributes."""

    __slots__ = (
        "__weakref__",
        "_heard",
        "_reading_paused",
        "_started",
        "_task",
        "_timer",
        "after",
        "appended_to",
        "compression",
        "context",
        "contexts",
        "enabled",
        "errors",
        "exchange",
        "farewell",
        "form",
        "framer",
        "host",
        "id",
        "idling",
        "is_fresh",
        "notifications",
        "output",
        "peer",
        "principal",
        "pusher",
        "saved",
        "selected",
        "state",
        "stop_watch",
        "upload",
    )

    def __init__(self, host: Host, peer: Peer, output: Output) -> None:
        self.host = host
        self.id = new_session_id()
        self.context = session_context(self.id)
        self.peer = peer
        self.output = output
        self.state = State.NOT_AUTHENTICATED
        self.framer = Framer(NOT_AUTHENTICATED)
        self.form = NameForm.MODIFIED_UTF7
        self.enabled: frozenset[str] = frozenset()
        self.saved: UidSet = NO_UIDS  # the search result that `$` stands for (RFC 5182)
        self.contexts: dict[str, Context] = {}  # searches that are followed, by tag (RFC 5267)
        self.principal: Principal | None = None
        self.selected: Selected | None = None
        self.upload: Upload | None = None
        self.appended_to: tuple[str, Reached] | None = None  # by the last APPEND, as it was written
        self.compression: Compression | None = None
        self.after: Callable[[], None] | None = None
        self.stop_watch: Callable[[], None] | None = None
        self.exchange: Exchange | None = None
        self.pusher = Pusher(self)
        self.notifications: Notifications | None = None
        self.idling = False
        self.farewell: str | None = None
        self._task: asyncio.Task[None] | None = None
        self._reading_paused = False
        self.errors = 0
        self.is_fresh = False  # the snapshot is as new as the last input: pipelined commands came together
        loop = asyncio.get_running_loop()
        self._started = self._heard = loop.time()
        self._timer = loop.call_later(host.imap.login_timeout_seconds, self._check_time)

    # --- from the transport ---------------------------------------------------------------------

    def greet(self) -> None:
        """RFC 9051 section 7.1: the greeting, with the capabilities to save a round trip."""
        self.send(responses.untagged_ok("Mailkeep is ready.", capability_code(self)))
        self.output.flush()

    def data_received(self, octets: bytes) -> None:
        """What the client sent, in any pieces."""
        if self.output.gone:
            return
        self._heard = asyncio.get_running_loop().time()
        self.is_fresh = False
        if self.compression is None:
            self.framer.receive_data(octets)
        else:
            self.compression.feed(octets)
        if self._task is None:
            self._task = self.host.tasks.spawn(work(self), "imap session", self.context)
        elif self._held > INPUT_LIMIT and not self._reading_paused:
            self._reading_paused = True
            self.output.pause_reading()

    @property
    def _held(self) -> int:
        """Octets received and not yet looked at."""
        return self.framer.buffered + (self.compression.waiting if self.compression else 0)

    def inflate(self) -> bool:
        """Give the framer the next piece of what came compressed. False if there is none. Raises
        ImapSyntaxError."""
        if self.compression is None or not self.compression.waiting:
            return False
        self.framer.receive_data(self.compression.inflate())
        return True

    def connection_lost(self) -> None:
        """Let go of everything. A write that was under way is committed or not, and nobody hears."""
        self.output.stopProducing()
        self.state = State.LOGOUT
        self._timer.cancel()
        self.pusher.cancel()
        self.leave_mailbox()
        self._stop_watching()
        if self._task is not None:
            self._task.cancel()
        elif self.upload is not None:
            self.host.tasks.spawn(self.drop_upload(), "imap upload dropped", self.context)

    def rested(self) -> None:
        """The task has ended: read again, and tell what came up behind the last answer."""
        self._task = None
        if self.notifications is not None or (self.contexts and self.idling):
            self.push()
        if self._reading_paused and not self.output.gone:
            self._reading_paused = False
            self.output.resume_reading()

    # --- for the handlers -----------------------------------------------------------------------

    def send(self, octets: bytes) -> None:
        """One or more whole untagged responses, with their line ends."""
        self.output.write(octets)

    def expect(self, exchange: Exchange) -> None:
        """The next line belongs to the command under way. Its tagged answer comes from `exchange.take`."""
        self.exchange = exchange
        self.framer.expect_line(exchange.limit)

    def enter(self, principal: Principal) -> None:
        """Authentication succeeded."""
        self.principal = principal
        self.state = State.AUTHENTICATED
        self.framer.limits = self.host.authenticated_limits
        self.framer.literal8 = True
        self._timer.cancel()
        self._check_time()
        self.stop_watch = self.host.authenticator.watch(principal, self._access_ended)

    @property
    def condstore(self) -> bool:
        """True if the client has shown that it follows modification sequences (RFC 7162 section 3.1)."""
        return CONDSTORE in self.enabled

    @property
    def qresync(self) -> bool:
        """True if the client hears VANISHED instead of EXPUNGE (RFC 7162 section 3.2.3)."""
        return QRESYNC in self.enabled

    @property
    def rev2(self) -> bool:
        """True if the client speaks IMAP4rev2 (RFC 9051 section 6.3.1)."""
        return IMAP4REV2 in self.enabled

    @property
    def utf8(self) -> bool:
        """True if the client has enabled UTF8=ACCEPT, and so named the charset of all it sends (RFC 6855
        section 3)."""
        return UTF8_ACCEPT in self.enabled

    @property
    def uid_only(self) -> bool:
        """True if the client knows no sequence numbers (RFC 9586)."""
        return UIDONLY in self.enabled

    @property
    def hears_vanished(self) -> bool:
        """True if VANISHED tells it what went (RFC 7162 section 3.2.10, RFC 9586 section 3.4)."""
        return self.qresync or self.uid_only

    def enable_uid_only(self) -> None:
        """Numbers mean UIDs from now on."""
        self.enabled |= {UIDONLY}
        if self.selected is not None:
            self.selected.uid_only = True
        for context in self.contexts.values():
            context.uid = True

    def enable_utf8(self, names: frozenset[str]) -> None:
        """IMAP4rev2 or UTF8=ACCEPT: names travel in UTF-8; the former knows no \\Recent."""
        self.enabled |= names
        self.form = NameForm.UTF8
        if self.rev2 and self.selected is not None:
            self.selected.forget_recent()

    def enable_condstore(self) -> None:
        """Whatever mentions a modification sequence enables it."""
        if not self.condstore:
            self.enabled |= {CONDSTORE}
            if self.selected is not None:
                modseq = NumberCode("HIGHESTMODSEQ", self.selected.snapshot.highestmodseq)
                self.send(responses.untagged_ok("CONDSTORE is on.", modseq.encode()))

    def begin_tls(self) -> None:
        """What came in before TLS is thrown away, because anybody may have put it there (RFC 9051 section
        6.2.1), and what the session has learnt with it."""
        self.framer.discard_buffer()
        self.peer = replace(self.peer, tls=True)
        self.output.start_tls(self.host.tls)

    def begin_compression(self) -> None:
        """RFC 4978 section 3: what follows the tagged OK is compressed, both ways. A client waits for it,
        so nothing honest is in the buffer."""
        self.framer.discard_buffer()
        self.compression = Compression()
        self.output.deflate = self.compression.deflate

    def notify(self, notifications: Notifications) -> None:
        """The client has said what it wants to hear (RFC 5465)."""
        if self.notifications is not None:
            self.notifications.stop()
        self.notifications = notifications
        self.attend()

    def attend(self) -> None:
        """Have the selected mailbox call when it changes, if the client is to be told at once."""
        view, notifications = self.selected, self.notifications
        if view is not None:
            view.hears_flags = notifications is None or notifications.tells_flags
            at_once = self.idling if notifications is None else notifications.tells_selected
            view.changed = self.push if at_once else None

    def push(self) -> None:
        """While no command is under way: tell what has changed, if the client takes it."""
        view = self.selected
        if not self.output.has_room:
            return
        if self.contexts or self.notifications is not None:
            if self._task is None:  # else the command's answer tells it, or `rested` comes back to it
                self.pusher.push()
        elif view is not None and view.changed is not None:
            updates.report(self, Reporting.EVERYTHING)
            self.output.flush()

    def leave(self) -> None:
        """Nobody is authenticated any more."""
        self.leave_mailbox()
        self._stop_watching()
        self.principal = None
        self.enabled = frozenset()
        self.form = NameForm.MODIFIED_UTF7
        self.state = State.NOT_AUTHENTICATED
        self.framer.limits = NOT_AUTHENTICATED
        self.framer.literal8 = False
        self._started = asyncio.get_running_loop().time()
        self._timer.cancel()
        self._check_time()

    def _stop_watching(self) -> None:
        if self.notifications is not None:
            self.notifications.stop()
            self.notifications = None
        if self.stop_watch is not None:
            self.stop_watch()
            self.stop_watch = None

    def output_resumed(self) -> None:
        """The client has taken what was waiting for it: tell it what gathered meanwhile."""
        if (self.idling or self.notifications is not None) and self._task is None:
            self.push()

    def enter_mailbox(self, view: Selected) -> None:
        """SELECT succeeded."""
        self.selected = view
        view.voided = self._voided
        self.attend()
        self.saved = NO_UIDS  # RFC 5182 section 2.1
        self.state = State.SELECTED

    def _voided(self) -> None:
        """RFC 2180 section 3.3: who has a mailbox selected that somebody deletes is disconnected. A command
        that is under way, or on its way in, comes to its end first: see work.py."""
        if self._task is None and self.upload is None:
            self.close(self.view.void)

    async def drop_upload(self) -> None:
        """Forget the messages of an APPEND that is over, or never came to its end."""
        upload, self.upload = self.upload, None
        if upload is not None:
            await upload.close()

    def leave_mailbox(self) -> None:
        """Nothing is selected any more."""
        self.contexts.clear()
        if self.selected is not None:
            if self.notifications is not None:
                self.notifications.left(self.selected)
            self.selected.close()
            self.selected = None
        if self.state is State.SELECTED:
            self.state = State.AUTHENTICATED

    @property
    def account_id(self) -> int:
        """The account of the authenticated user."""
        assert self.principal is not None
        assert self.principal.account_id is not None
        return self.principal.account_id

    @property
    def view(self) -> Selected:
        """The selected mailbox, for handlers that run in the selected state only."""
        assert self.selected is not None
        return self.selected

    @property
    def is_private(self) -> bool:
        """True if secrets may be sent: nobody else reads, or the operator permits it from loopback."""
        return self.peer.tls or (self.host.settings.auth.insecure_loopback_auth and self.peer.is_loopback)

    # --- the end --------------------------------------------------------------------------------

    def close(self, text: str, code: bytes = b"") -> None:
        """BYE, unless an answer is half sent, and the end of the connection."""
        if self.output.gone:
            return
        if self.output.midway:
            self.output.abort()
        else:
            self.send(responses.bye(text, code))
            self.output.close()
        if self._task is not None and self._task is not asyncio.current_task():
            self._task.cancel()

    def finish(self, text: str) -> None:
        """The host stops: BYE as soon as the command under way has been answered."""
        if self._task is None:
            # A client that idles over TLS may not read for hours, nor answer our close_notify.
            self.output.linger_seconds = PARTING_SECONDS
            self.close(text)
        else:
            self.farewell = text

    def _access_ended(self, reason: str) -> None:
        user_id = str(self.principal and self.principal.user_id)
        log.info("session ended", session=self.id, reason=reason, user_id=user_id)
        self.close("Your access has ended.")

    def _check_time(self) -> None:
        """Autologout (RFC 9051 section 5.4). One timer a connection, moved only when it fires."""
        settings, loop = self.host.imap, asyncio.get_running_loop()
        if self.state is State.NOT_AUTHENTICATED:
            ends = self._started + settings.login_timeout_seconds
        elif self._task is not None:
            ends = loop.time() + settings.idle_timeout_seconds
        else:
            ends = self._heard + settings.idle_timeout_seconds
        if ends <= loop.time():
            self.close("Autologout: you have been silent for too long.")
        else:
            self._timer = loop.call_at(ends, self._check_time)

"""All of browser sessions behind one face: made with the host, asked by its routes, gone with it."""

from __future__ import annotations

import asyncio
import ctypes
import resource
import time
from contextlib import suppress
from datetime import UTC, datetime
from uuid import NAMESPACE_OID, uuid5

from fastapi import Request

from mailkeep.auth import Authenticator
from mailkeep.auth.audit import AuditLog
from mailkeep.net.limits import network_of
from mailkeep.net.tasks import TaskRegistry
from mailkeep.settings import Settings
from mailkeep.storage.interface import Store
from mailkeep_api.rates import RateClass, Rates
from mailkeep_api.sessions.browser import BrowserSessions, Session
from mailkeep_api.sessions.cookies import Cookies, session_id_of
from mailkeep_api.sessions.signin import SignIns

PR_SET_DUMPABLE = 4  # linux/prctl.h


class BrowserDoor:
    """`start` before the first request, `close` after the last."""

    def __init__(self, settings: Settings, store: Store, authenticator: Authenticator) -> None:
        chosen = settings.sessions
        public_url = settings.api.public_url or f"http://{settings.api.listen[0]}"
        self.cookies = Cookies(public_url)
        self.sessions = BrowserSessions(authenticator, chosen.timeout_seconds, chosen.limit)
        self._audit = AuditLog(store.audit, "api")
        self.sign_ins = SignIns(chosen.providers, public_url, self.sessions, authenticator, self._audit)
        self._cleanup_seconds = chosen.cleanup_seconds
        self._rates = Rates()
        self._tasks = TaskRegistry()

    def start(self) -> None:
        """Begin to clean up. From here on this process holds tokens of people, so it leaves no core dump."""
        forbid_core_dumps()
        self._audit.start()
        self._tasks.spawn(self._clean_for_ever(), "browser sessions' cleaner")

    async def close(self) -> None:
        """Sign everybody out."""
        await self._tasks.close()
        self.sessions.close()
        await self.sign_ins.close()
        await self._audit.close()

    def session_of(self, request: Request) -> Session | None:
        """The session of the request's cookie."""
        session_id = session_id_of(request)
        return self.sessions.find(session_id, datetime.now(UTC)) if session_id else None

    def take_rate(self, host: str) -> None:
        """Count one step of a sign-in from this network. Raises TooManyRequests."""
        caller = uuid5(NAMESPACE_OID, network_of(host))
        self._rates.take(RateClass.WRITE, caller, time.monotonic())

    async def _clean_for_ever(self) -> None:
        while True:
            await asyncio.sleep(self._cleanup_seconds)
            self.sessions.clean(datetime.now(UTC))
            self.sign_ins.clean()


def forbid_core_dumps() -> None:
    """No dump to a file (RLIMIT_CORE), and none through a pipe either, which asks only whether the process is
    dumpable (core(5), prctl(2))."""
    with suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)

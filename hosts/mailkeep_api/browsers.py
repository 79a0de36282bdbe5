"""Which browser belongs to whom, for the few requests that a page cannot put a token into.

The web client of the contract opens its hub connection and shows attachments without a credential. Its first
request of each load gets a cookie; when a later one carries the cookie beside a valid bearer, the cookie
stands for that caller, for those two uses and no other. Nothing is kept of a cookie that never came with a
bearer, and everything is in memory alone. A binding ends with what it was made by: when the token expires,
the key is revoked, the user is disabled, or after some hours without a call.

Scripts cannot read the cookie, other sites cannot send it (SameSite=Strict), and over TLS no other host of
the domain can plant one (`__Host-`, RFC 6265bis section 4.1.3.2).
"""

from __future__ import annotations

import re
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from typing import TYPE_CHECKING

from mailkeep.auth import Authenticator

if TYPE_CHECKING:
    from mailkeep_api.deps import UserCaller

COOKIE = "mailkeep_browser"
SECURE_COOKIE = "__Host-mailkeep_browser"
BINDINGS_LIMIT = 20_000  # the one that was silent longest is forgotten, and signs in with its next call
SILENT_SECONDS = 12 * 3600.0

_FORM = re.compile(r"[A-Za-z0-9_-]{43}\Z")


@dataclass(slots=True, eq=False)
class _Binding:
    caller: UserCaller
    unwatch: Callable[[], None]
    seen: float


def new_cookie() -> str:
    """256 random bits."""
    return secrets.token_urlsafe(32)


def cookie_of(cookies: Mapping[str, str]) -> str:
    """The browser's cookie, or ""."""
    value = cookies.get(SECURE_COOKIE) or cookies.get(COOKIE) or ""
    return value if _FORM.match(value) else ""


class Browsers:
    """The bindings of one process."""

    def __init__(self, authenticator: Authenticator) -> None:
        self._authenticator = authenticator
        self._bindings: OrderedDict[bytes, _Binding] = OrderedDict()
        self._waiting: dict[bytes, set[Callable[[], None]]] = {}

    def __len__(self) -> int:
        return len(self._bindings)

    def bind(self, cookie: str, caller: UserCaller) -> None:
        """The cookie came with a credential that proved this caller."""
        name = _name(cookie)
        known = self._bindings.get(name)
        if known is not None and _proven_alike(known.caller, caller):
            known.seen = time.monotonic()
            self._bindings.move_to_end(name)
            return
        self._end(name)
        unwatch = self._authenticator.watch(caller.principal, lambda reason: self._end(name))
        self._bindings[name] = _Binding(caller, unwatch, time.monotonic())
        while len(self._bindings) > BINDINGS_LIMIT:
            self._end(next(iter(self._bindings)))
        self._tell(name)

    def caller_of(self, cookie: str) -> UserCaller | None:
        """Whom the cookie stands for now."""
        name = _name(cookie)
        binding = self._bindings.get(name)
        if binding is None:
            return None
        if time.monotonic() - binding.seen > SILENT_SECONDS:
            self._end(name)
            return None
        return binding.caller

    def listen(self, cookie: str, changed: Callable[[], None]) -> Callable[[], None]:
        """Call `changed` when the cookie comes to stand for somebody else, or for nobody. Returns the
        function that stops it."""
        name = _name(cookie)
        self._waiting.setdefault(name, set()).add(changed)
        return partial(self._leave, name, changed)

    def _leave(self, name: bytes, changed: Callable[[], None]) -> None:
        listeners = self._waiting.get(name, set())
        listeners.discard(changed)
        if not listeners:
            self._waiting.pop(name, None)

    def _end(self, name: bytes) -> None:
        binding = self._bindings.pop(name, None)
        if binding is not None:
            binding.unwatch()
            self._tell(name)

    def _tell(self, name: bytes) -> None:
        for changed in tuple(self._waiting.get(name, ())):
            changed()


def _proven_alike(known: UserCaller, caller: UserCaller) -> bool:
    """A token that was renewed, or another key, makes another binding: it ends with that."""
    return known.principal == caller.principal


def _name(cookie: str) -> bytes:
    """What is kept in place of the secret."""
    return sha256(cookie.encode()).digest()

"""The sessions themselves: who a browser is, and which accounts elsewhere it has lent us.

Found by the digest of a random id that only the browser has. A session lives for the configured time, or as
long as the shortest of its tokens, and ends at once when its key is revoked or its user disabled. A new
sign-in makes a new id (no session fixation) and carries over what the old one had connected.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from mailkeep.auth import Authenticator
from mailkeep.errors import Throttled
from mailkeep.model.principal import Principal
from mailkeep_api.sessions.attempts import digest_of, random_word


@dataclass(frozen=True, slots=True)
class Connection:
    """A mailbox elsewhere that the browser's user has lent this session."""

    provider: str
    address: str
    access_token: str = field(repr=False)
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Seen:
    """From where a browser came, and what it calls itself: so that its user knows it again."""

    network: str = ""
    agent: str = ""


@dataclass(frozen=True, slots=True)
class Session:
    """What a browser may do, until `ends_at`. `principal` is None if it has only connected an account; `name`
    is how its user ends it from elsewhere, and opens nothing."""

    ends_at: datetime
    principal: Principal | None = None
    connections: Mapping[str, Connection] = field(default_factory=dict)
    began_at: datetime | None = None
    seen: Seen = Seen()
    name: UUID = field(default_factory=uuid4)
    csrf_token: str = field(default_factory=random_word, repr=False)

    def live_connections(self, now: datetime) -> tuple[Connection, ...]:
        """Those whose token still works."""
        return tuple(one for one in self.connections.values() if one.expires_at > now)


@dataclass(frozen=True, slots=True)
class _Kept:
    session: Session
    unwatch: Callable[[], None]


class BrowserSessions:
    """The sessions of this process. `seconds` is what one lives at most."""

    def __init__(self, authenticator: Authenticator, seconds: float, limit: int) -> None:
        self._authenticator = authenticator
        self._life = timedelta(seconds=seconds)
        self._limit = limit
        self._kept: dict[bytes, _Kept] = {}

    def __len__(self) -> int:
        return len(self._kept)

    def find(self, session_id: str, now: datetime) -> Session | None:
        """The session of an id that a browser sent; None for none, an ended one, an invented one."""
        key = digest_of(session_id)
        kept = self._kept.get(key)
        if kept is None:
            return None
        if kept.session.ends_at <= now:
            self._end(key)
            return None
        return kept.session

    def of_user(self, user_id: UUID, now: datetime) -> Sequence[Session]:
        """All of a user, the latest first."""
        found = [
            kept.session
            for kept in self._kept.values()
            if kept.session.principal is not None
            and kept.session.principal.user_id == user_id
            and kept.session.ends_at > now
        ]
        return sorted(found, key=lambda one: one.began_at or one.ends_at, reverse=True)

    def end_named(self, user_id: UUID, name: UUID | None = None) -> Sequence[Session]:
        """End the user's session of that name, or all of theirs. Those that were ended."""
        ended = []
        for key, kept in list(self._kept.items()):
            principal = kept.session.principal
            if principal is None or principal.user_id != user_id or name not in {None, kept.session.name}:
                continue
            ended.append(kept.session)
            self._end(key)
        return ended

    def sign_in(
        self, old_id: str, principal: Principal, now: datetime, seen: Seen = Seen()
    ) -> tuple[str, Session]:
        """A session for a proven user, under a new id. Raises Throttled if there are too many."""
        carried = self._carried(old_id, now)
        if carried.principal is not None and carried.principal.user_id != principal.user_id:
            carried = Session(now)  # somebody else at the same browser: what was lent stays theirs
        return self._open(old_id, replace(carried, principal=principal, began_at=now, seen=seen), now)

    def connect(self, old_id: str, connection: Connection, now: datetime) -> tuple[str, Session]:
        """The browser's session, or a new one, with this account connected, under a new id.

        Raises Throttled if there are too many.
        """
        carried = self._carried(old_id, now)
        connections = {**carried.connections, connection.provider: connection}
        return self._open(old_id, replace(carried, connections=connections), now)

    def disconnect(self, session_id: str, provider: str, now: datetime) -> None:
        """Forget a connected account, and the session if it was all that it had."""
        session = self.find(session_id, now)
        if session is None or provider not in session.connections:
            return
        left = {name: one for name, one in session.connections.items() if name != provider}
        if not left and session.principal is None:
            self.end(session_id)
            return
        key = digest_of(session_id)
        self._kept[key] = replace(self._kept[key], session=replace(session, connections=left))

    def end(self, session_id: str) -> None:
        """Forget the session, if there is one."""
        self._end(digest_of(session_id))

    def clean(self, now: datetime) -> None:
        """Forget what has ended: a token has no business in memory after its time."""
        for key in [key for key, kept in self._kept.items() if kept.session.ends_at <= now]:
            self._end(key)

    def close(self) -> None:
        """Forget all."""
        for key in list(self._kept):
            self._end(key)

    def _carried(self, old_id: str, now: datetime) -> Session:
        """What goes on under a new id: everything but the id, the CSRF token and the end."""
        old = self.find(old_id, now)
        if old is None:
            return Session(now)
        lent = {one.provider: one for one in old.live_connections(now)}
        return Session(now, old.principal, lent, old.began_at, old.seen)

    def _open(self, old_id: str, session: Session, now: datetime) -> tuple[str, Session]:
        self.end(old_id)
        if len(self._kept) >= self._limit:
            self.clean(now)
        if len(self._kept) >= self._limit:
            raise Throttled("Too many people are signed in here; try again later.")
        session = replace(session, ends_at=self._end_of(session, now))
        session_id = random_word()
        key = digest_of(session_id)
        unwatch = _nothing
        if session.principal is not None:
            unwatch = self._authenticator.watch(session.principal, lambda reason: self._end(key))
        self._kept[key] = _Kept(session, unwatch)
        return session_id, session

    def _end_of(self, session: Session, now: datetime) -> datetime:
        """The configured time, or the sign-in's token's; without a sign-in, the last connection's."""
        latest = now + self._life
        if session.principal is not None:
            return min(latest, session.principal.expires_at or latest)
        return min(latest, max((one.expires_at for one in session.connections.values()), default=now))

    def _end(self, key: bytes) -> None:
        kept = self._kept.pop(key, None)
        if kept is not None:
            kept.unwatch()


def _nothing() -> None:
    return None

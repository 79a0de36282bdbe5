"""One credential in, one principal or one refusal out; every attempt leaves an audit row.

The order of a login with a key: form and checksum, the memory of verified keys, lookup and bcrypt, then
revocation, expiry, network, user, identity, scope. The scope is asked last: only who has proven everything
else hears that it is the scope that is missing. Access tokens go their own way, see `tokens.verifier`. All
other refusals sound the same and may be held back for a while, see `throttle`.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Literal

from prometheus_client import Counter

from mailkeep.auth import apikeys
from mailkeep.auth.audit import AuditLog, printable
from mailkeep.auth.last_used import LastUsed
from mailkeep.auth.reasons import Reason, Refused
from mailkeep.auth.rules import objection
from mailkeep.auth.throttle import Throttle
from mailkeep.auth.verified import VerifiedKey
from mailkeep.auth.verifier import KeyVerifier
from mailkeep.auth.watch import SessionWatch
from mailkeep.errors import (
    AuthenticationFailed,
    InvalidName,
    IssuerUnavailable,
    ScopeMissing,
    StoreUnavailable,
    Throttled,
)
from mailkeep.model.address import Address
from mailkeep.model.principal import Credential, CredentialKind, Peer, Principal
from mailkeep.model.scope import Scope
from mailkeep.observe import metrics
from mailkeep.observe.correlation import current_session
from mailkeep.observe.logs import get_logger
from mailkeep.sasl import MECHANISMS
from mailkeep.sasl.mechanism import OAuthError
from mailkeep.settings import AuthSettings
from mailkeep.storage.interface import AuditRecord, Store

if TYPE_CHECKING:
    from mailkeep.auth.tokens.verifier import TokenVerifier, VerifiedToken

HostName = Literal["smtp", "pop3", "imap", "api"]

_MECHANISMS = frozenset({*MECHANISMS, "USER", "bearer", "apikey", "key", "browser"})

hold_back = asyncio.sleep  # by a name of its own, so that tests need not wait

log = get_logger(__name__)
_level = logging.getLogger(__name__)


class Authenticator:
    """One a process; `start` before the first login, `close` after the last. `proxies` are networks that are
    trusted to speak for others."""

    def __init__(
        self, store: Store, settings: AuthSettings, host: HostName, proxies: Iterable[str] = ()
    ) -> None:
        self._host = host
        self._store = store
        self._settings = settings
        self._tokens: TokenVerifier | None = None
        self._keys = KeyVerifier(store, settings)
        self._throttle = Throttle(proxies=proxies)
        self._audit = AuditLog(store.audit, host, days=settings.audit_days)
        self._last_used = LastUsed(store, settings.last_used_flush_seconds)
        self._watch = SessionWatch(store, self._keys.remembered.vouches_for)

    async def start(self) -> None:
        """Begin to write audit rows and times of last use, and to take logins."""
        self._audit.start()
        self._last_used.start()
        await self._keys.start()
        self.trust(self._settings)

    def trust(self, settings: AuthSettings) -> None:
        """Take the tokens of these issuers from now on. On the loop: at the start, and whenever the settings
        are read again. Sessions that are open stay for as long as their token said."""
        if self._tokens is not None:
            self._tokens.reload(settings)
        elif settings.issuers or settings.development_tokens != "off":
            from mailkeep.auth.tokens.verifier import TokenVerifier  # noqa: PLC0415  who takes none needs none

            self._tokens = TokenVerifier(self._store.directory, settings)

    async def close(self) -> None:
        """Write what waits, end all watches without telling the sessions, forget all keys."""
        await self._watch.close()
        if self._tokens is not None:
            await self._tokens.close()
        self._keys.close()
        await self._last_used.close()
        await self._audit.close()

    async def authenticate(self, credential: Credential, any_of: frozenset[Scope], peer: Peer) -> Principal:
        """The principal whom this credential proves, holding at least one of the scopes.

        An API key is taken as a password or as a bearer; with an identity, that must be a verified
        address of its user, and only a bearer may come without. An access token is taken as a bearer
        alone; its user is made if it is the first. Raises AuthenticationFailed (perhaps after some
        seconds), ScopeMissing, Throttled, StoreUnavailable, IssuerUnavailable.
        """
        now = datetime.now(UTC)
        try:
            verified = await self._verify(credential, any_of, peer, now)
        except Refused as caught:
            refused = caught
        except BaseException as error:
            self._record(credential, peer, now, _failed(error))
            raise
        else:
            return self._welcome(credential, peer, now, verified)
        raise await self._refusal(credential, peer, now, refused)

    @property
    def sessions(self) -> int:
        """How many sessions are watched now: those that are logged in."""
        return self._watch.sessions

    def watch(self, principal: Principal, ended: Callable[[str], None]) -> Callable[[], None]:
        """Call `ended(reason)` once when the principal's key is revoked or expires, or its user is
        disabled: within a second, on the event loop. Returns the function that stops the watch."""
        return self._watch.watch(principal, ended)

    def explain(self, refusal: AuthenticationFailed, identity: str = "") -> OAuthError:
        """What the bearer mechanisms tell their client about a refusal (RFC 7628 section 3.2.2)."""
        found = self._tokens.openid_configuration(identity) if self._tokens is not None else ""
        if isinstance(refusal, ScopeMissing):
            return OAuthError("insufficient_scope", self._host, found)
        return OAuthError(openid_configuration=found)

    # --- the way in -------------------------------------------------------------------------------

    async def _verify(
        self, credential: Credential, any_of: frozenset[Scope], peer: Peer, now: datetime
    ) -> VerifiedKey | VerifiedToken:
        if not credential.secret:
            raise Refused(Reason.EMPTY)
        narrow = self._throttle.is_narrow(peer.host, _prefix(credential))
        verified: VerifiedKey | VerifiedToken
        if self._tokens is not None and _may_be_token(credential):
            verified = await self._tokens.verify(credential.secret, now, narrow=narrow)
            reason = None
        else:
            verified = await self._keys.verify(credential.secret, narrow=narrow)
            reason = objection(verified, peer, now)
        reason = reason or await self._identity_objection(verified, credential)
        if reason is None and verified.scopes.isdisjoint(any_of):
            reason = Reason.SCOPE
        if reason is not None:
            raise Refused(reason, verified.key_id, verified.user_id)
        return verified

    async def _identity_objection(
        self, verified: VerifiedKey | VerifiedToken, credential: Credential
    ) -> Reason | None:
        if credential.identity:
            if not await self._is_own(verified, credential.identity):
                return Reason.IDENTITY
        elif credential.kind is not CredentialKind.BEARER:
            return Reason.IDENTITY
        acting_as = credential.authorization_identity  # RFC 4422 section 3.4.1
        if acting_as in {"", credential.identity} or await self._is_own(verified, acting_as):
            return None
        return Reason.AUTHORIZATION_IDENTITY

    async def _is_own(self, verified: VerifiedKey | VerifiedToken, identity: str) -> bool:
        try:
            address = Address.parse(identity)
        except InvalidName:
            return False
        if isinstance(verified, VerifiedKey):
            return await self._keys.owns(verified, address)
        return await self._store.directory.owns(verified.user_id, address)

    def _welcome(
        self, credential: Credential, peer: Peer, now: datetime, verified: VerifiedKey | VerifiedToken
    ) -> Principal:
        user = verified.user
        self._throttle.succeeded(_counted(credential), _prefix(credential))
        self._last_used.note(verified.key_id, verified.user_id, now)
        self._record(credential, peer, now, verified)
        return Principal(
            user_id=verified.user_id,
            account_id=user.account_id if user else None,
            address=user.primary_address if user else "",
            scopes=verified.scopes,
            key_id=verified.key_id,
            expires_at=verified.ends_at,
            host=peer.host,
            issued_at=verified.issued_at,
        )

    # --- the way out ------------------------------------------------------------------------------

    async def _refusal(
        self, credential: Credential, peer: Peer, now: datetime, refused: Refused
    ) -> AuthenticationFailed:
        self._record(credential, peer, now, refused)
        if refused.reason is Reason.SCOPE:
            what = "key" if _prefix(credential) else "token"
            return ScopeMissing(f"This {what} was not made for {self._host}.")
        delay = self._throttle.failed(peer.host, _counted(credential), _prefix(credential))
        if delay:
            await hold_back(delay)
        return AuthenticationFailed("The user name or the key is wrong.")

    def _record(
        self,
        credential: Credential,
        peer: Peer,
        now: datetime,
        outcome: VerifiedKey | VerifiedToken | Refused,
    ) -> None:
        refused = isinstance(outcome, Refused)
        row = AuditRecord(
            at=now,
            host=self._host,
            mechanism=printable(credential.mechanism or credential.kind.value),
            address=printable(credential.identity),
            network=printable(peer.host),
            outcome="failure" if refused else "success",
            reason=outcome.reason.value if isinstance(outcome, Refused) else "",
            user_id=outcome.user_id,
            key_id=outcome.key_id,
            session=current_session(),
        )
        _counter(_mechanism(row.mechanism), row.outcome, row.reason).inc()
        self._audit.record(row)
        if refused:
            log.info("login refused", **_told(row))
        elif _level.isEnabledFor(logging.DEBUG):  # successes are the hot path
            log.debug("login", **_told(row))


@cache  # few, all of them ours; the library's own look takes longer than the count
def _counter(mechanism: str, outcome: str, reason: str) -> Counter:
    return metrics.LOGINS.labels(mechanism, outcome, reason)


def _mechanism(name: str) -> str:
    """As a label: what a peer can name freely must not become one."""
    kind = name.partition(":")[0]
    return kind if kind in _MECHANISMS else "other"


def _told(row: AuditRecord) -> dict[str, str | None]:
    """What the audit log keeps, as the log tells it; when is the log's own to say."""
    return {
        "host": row.host,
        "mechanism": row.mechanism,
        "address": row.address,
        "network": row.network,
        "outcome": row.outcome,
        "reason": row.reason,
        "user_id": str(row.user_id) if row.user_id else None,
        "key_id": str(row.key_id) if row.key_id else None,
    }


def _prefix(credential: Credential) -> str:
    """The clear part of an API key, to count failures by; "" for what is none."""
    return apikeys.prefix_of(credential.secret) if apikeys.looks_like_key(credential.secret) else ""


def _may_be_token(credential: Credential) -> bool:
    return credential.kind is CredentialKind.BEARER and not apikeys.looks_like_key(credential.secret)


def _counted(credential: Credential) -> str:
    return credential.identity.casefold()


def _failed(error: BaseException) -> Refused:
    if isinstance(error, StoreUnavailable):
        return Refused(Reason.STORE_UNAVAILABLE)
    if isinstance(error, IssuerUnavailable):
        return Refused(Reason.ISSUER_UNAVAILABLE)
    if isinstance(error, Throttled):
        return Refused(Reason.THROTTLED)
    if isinstance(error, asyncio.CancelledError):
        return Refused(Reason.ABANDONED)
    return Refused(Reason.FAULT)

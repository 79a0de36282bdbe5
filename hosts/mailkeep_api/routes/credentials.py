"""The caller's API keys. Who makes a key gives no more than they hold, unless they hold `app`, the scope of
the first-party clients, which manage every key; `internal` is given to nobody here."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit
from uuid import UUID

from fastapi import APIRouter, Response

from mailkeep.auth import KeyInfo, KeyLimits, KeyService
from mailkeep.errors import InvalidName, NotFound, PermissionRefused
from mailkeep.model.scope import USER_SCOPES, Scope, parse_scopes
from mailkeep.settings import Settings
from mailkeep_api.deps import KeyReader, KeyWriter, ServicesDep, UserCaller
from mailkeep_api.schemas.credentials import (
    ConnectionInfo,
    Credentials,
    KeyChange,
    MadeKey,
    MobileKey,
    NewKey,
    Rotation,
    ShownKey,
)

router = APIRouter(prefix="/api/smtp-credentials", tags=["credentials"])

MOBILE_NAME_LIMIT = 100  # characters, as the contract has it


@router.get("", summary="Where to connect, and the keys that work")
async def list_credentials(caller: KeyReader, services: ServicesDep) -> Credentials:
    """Revoked and expired keys are not listed."""
    now = datetime.now(UTC)
    keys = await KeyService(services.store, services.settings.auth).list(caller.user_id)
    shown = [ShownKey.of(key) for key in keys if key.is_usable(now)]
    user = await services.store.directory.user(caller.user_id)
    username = user.primary_address if user else caller.principal.address
    return Credentials(connection_info=_connection(services.settings, username, len(shown)), keys=shown)


@router.post("", summary="Make a key")
async def create_key(body: NewKey, caller: KeyWriter, services: ServicesDep) -> MadeKey:
    """The key itself is in this answer alone."""
    name = _named(body.name)
    scopes = _given(caller, parse_scopes(body.scopes or ()))
    keys = KeyService(services.store, services.settings.auth)
    return MadeKey.of(await keys.create(caller.user_id, name, scopes, body.networks or (), body.expires_at))


@router.post("/mobile", summary="Make a key for the app on a device")
async def create_mobile_key(body: MobileKey, caller: KeyWriter, services: ServicesDep) -> MadeKey:
    """It has the scope `app`, and is named by the device."""
    device = "".join(char for char in body.device_name if char.isprintable()).strip()
    if not device:
        raise InvalidName("A device needs a name.")
    name = f"Mobile App - {device} ({body.platform})"[:MOBILE_NAME_LIMIT]
    scopes = _given(caller, frozenset({Scope.APP}))
    keys = KeyService(services.store, services.settings.auth)
    return MadeKey.of(await keys.create(caller.user_id, name, scopes))


@router.post("/{key_id:uuid}/rotate", summary="Replace a key by a new one")
async def rotate_key(
    key_id: UUID, caller: KeyWriter, services: ServicesDep, body: Rotation | None = None
) -> MadeKey:
    """The new key opens what the former one opens, and both work until the overlap is over."""
    keys = KeyService(services.store, services.settings.auth)
    key = await _own(keys, key_id, caller)
    _given(caller, key.scopes)
    return MadeKey.of(await keys.rotate(key_id, timedelta(seconds=(body or Rotation()).overlap_seconds)))


@router.patch("/{key_id:uuid}", summary="Rename a key, or let it open less")
async def change_key(key_id: UUID, body: KeyChange, caller: KeyWriter, services: ServicesDep) -> ShownKey:
    """Sessions that the key would not open any more end within a second."""
    keys = KeyService(services.store, services.settings.auth)
    key = await _own(keys, key_id, caller)
    if body.scopes is not None or body.networks is not None or body.expires_at is not None:
        scopes = None if body.scopes is None else parse_scopes(body.scopes)
        networks = None if body.networks is None else tuple(body.networks)
        key = await keys.restrict(key_id, KeyLimits(scopes, networks, body.expires_at))
    if body.name is not None:
        key = await keys.rename(key_id, _named(body.name))
    return ShownKey.of(key)


@router.delete("/{key_id:uuid}", summary="Revoke a key", status_code=204)
async def revoke_key(key_id: UUID, caller: KeyWriter, services: ServicesDep) -> Response:
    """Its sessions end on every host within a second."""
    keys = KeyService(services.store, services.settings.auth)
    await _own(keys, key_id, caller)
    await keys.revoke(key_id)
    return Response(status_code=204)


async def _own(keys: KeyService, key_id: UUID, caller: UserCaller) -> KeyInfo:
    """A usable key of the caller's. Raises NotFound."""
    key = await keys.get(key_id)
    if key.user_id != caller.user_id or not key.is_usable(datetime.now(UTC)):
        raise NotFound("There is no such key.")
    return key


def _named(name: str) -> str:
    if not name.strip():
        raise InvalidName("A key needs a name.")
    return name


def _given(caller: UserCaller, wanted: frozenset[Scope]) -> frozenset[Scope]:
    """The scopes that a new key gets. Raises InvalidName for `internal`, PermissionRefused for too much."""
    if Scope.INTERNAL in wanted:
        raise InvalidName("The scope internal is for services, not for users.")
    may_give = USER_SCOPES if caller.principal.may(Scope.APP) else caller.principal.scopes & USER_SCOPES
    if wanted - may_give:
        raise PermissionRefused("A key without the scope app gives no scope that it does not hold.")
    return wanted or may_give


def _connection(settings: Settings, username: str, active: int) -> ConnectionInfo:
    host = urlsplit(settings.api.public_url).hostname or settings.smtp.hostname
    smtp, pop3, imap = settings.smtp, settings.pop3, settings.imap
    return ConnectionInfo(
        smtp_server=host,
        smtp_port=_port(smtp.submission, 587),
        smtp_secure_port=_port(smtp.submissions, 465),
        smtp_enabled=bool(smtp.submission or smtp.submissions),
        pop3_server=host,
        pop3_port=_port(pop3.plain, 110),
        pop3_secure_port=_port(pop3.tls, 995),
        pop3_enabled=bool(pop3.plain or pop3.tls),
        imap_server=host,
        imap_port=_port(imap.plain, 143),
        imap_secure_port=_port(imap.tls, 993),
        imap_enabled=bool(imap.plain or imap.tls),
        username=username,
        active_key_count=active,
    )


def _port(endpoints: tuple[str, ...], registered: int) -> int:
    return int(endpoints[0].rpartition(":")[2]) if endpoints else registered

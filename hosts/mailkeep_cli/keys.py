"""`mailkeep keys`: API keys of users and of services."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

import click

from mailkeep.auth import CreatedKey, KeyInfo, KeyLimits, KeyService
from mailkeep.errors import InvalidName, NotFound
from mailkeep.model.address import Address
from mailkeep.model.scope import Scope, format_scopes, parse_scopes
from mailkeep.storage.interface import Store
from mailkeep_cli.context import CommandContext, Hints, PlainError, store_command
from mailkeep_cli.expiry import EXPIRY, SPAN
from mailkeep_cli.output import Row, plain, show_done, show_rows
from mailkeep_cli.people import ADDRESS, USERS_HINT, user_of

COLUMNS = {
    "id": "ID",
    "prefix": "PREFIX",
    "owner": "OWNER",
    "name": "NAME",
    "scopes": "SCOPES",
    "networks": "NETWORKS",
    "expires_at": "EXPIRES",
    "last_used_at": "LAST USED",
    "revoked_at": "REVOKED",
    "state": "STATE",
}
TABLE = ("prefix", "owner", "name", "scopes", "expires_at", "last_used_at", "state")
LIST_HINT = "See them all with: mailkeep keys list"
CHANGE_HINTS: Hints = {NotFound: LIST_HINT, InvalidName: "Make another with: mailkeep keys create --help"}
SCOPE_NAMES = [scope.value for scope in Scope]


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What the operator asked for."""

    address: Address | None
    service: str | None
    name: str
    scopes: tuple[str, ...]
    networks: tuple[str, ...]
    expires_at: datetime | None


@click.group()
def keys() -> None:
    """API keys: what mail clients and services log in with.

    A mail client takes one as its password, with any of its user's addresses as user name.
    """


@keys.command()
@click.argument("address", type=ADDRESS, required=False)
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    type=click.Choice(SCOPE_NAMES),
    help="What the key opens; repeat it for more.  [default: all that the owner may have]",
)
@click.option("--name", default="", help="What it is for, such as the device.")
@click.option(
    "--expires",
    "expires_at",
    type=EXPIRY,
    help="When it ends: 2027-01-31 (the end of that day, UTC), 2027-01-31T12:00+01:00, 90d, 12h. "
    " [default: never]",
)
@click.option(
    "--network", "networks", multiple=True, metavar="CIDR", help="Usable from there only; repeat it for more."
)
@click.option("--service", metavar="NAME", help="A key of a service, not of a user; its scope is internal.")
@store_command
def create(context: CommandContext, **given: object) -> None:
    """Make a key for the user who has ADDRESS, and print it: this once, for it is not kept.

    \b
    Examples:
      mailkeep keys create alice@example.org --name thunderbird --scope imap --scope smtp
      mailkeep keys create alice@example.org --name phone --expires 90d
      mailkeep keys create alice@example.org --name backup --scope imap --network 192.0.2.0/24
      mailkeep keys create --service smtp-host
    """
    wanted = _Wanted(**given)  # type: ignore[arg-type]  # click has converted each
    if wanted.address is not None and wanted.service is not None:
        raise click.UsageError("Give the ADDRESS of a user or --service NAME, and not both.")
    if wanted.address is None and wanted.service is None:
        raise click.UsageError("Give the ADDRESS of a user, or --service NAME.")
    made = context.run(
        lambda store: _create(context, store, wanted),
        hints={NotFound: USERS_HINT, InvalidName: "See: mailkeep keys create --help"},
    )
    owner = str(wanted.address or wanted.service)
    facts = {**_row(made.key, owner), "api_key": made.api_key}
    if context.as_json:
        show_done(facts, "", as_json=True)
        return
    click.echo(made.api_key)
    click.echo(
        f"\nThis is the key of {owner}; it opens {plain(facts['scopes'])}. It is shown once.", err=True
    )
    click.echo(f"To take it back: mailkeep keys revoke {made.id}", err=True)


@keys.command("list")
@click.argument("address", type=ADDRESS, required=False)
@store_command
def list_(context: CommandContext, address: Address | None) -> None:
    """List all keys, or those of the user who has ADDRESS: newest first, never their secrets.

    \b
    Examples:
      mailkeep keys list
      mailkeep keys list alice@example.org --json
    """

    async def work(store: Store) -> Sequence[Row]:
        user = await user_of(store, address) if address else None
        found = await KeyService(store, context.settings.auth).list(user.id if user else None)
        owners = {user.id: user.primary_address for user in await store.directory.users()}
        return [_row(key, _owner(key, owners)) for key in found]

    rows = context.run(work, hints={NotFound: USERS_HINT})
    show_rows(
        rows,
        COLUMNS,
        as_json=context.as_json,
        empty="No keys yet; make one with: mailkeep keys create ADDRESS",
        table=TABLE,
    )


@keys.command()
@click.argument("key", metavar="ID")
@store_command
def revoke(context: CommandContext, key: str) -> None:
    """Take back the key with this ID, or with this 12-character prefix, for ever.

    Its live sessions end within a second.

    \b
    Examples:
      mailkeep keys revoke 0d5c8a52-4b1f-4f0e-9b57-1f6f3f2f7f55
      mailkeep keys revoke mk_3Xk09qRtZ
    """

    async def work(store: Store) -> KeyInfo:
        service = KeyService(store, context.settings.auth)
        return await service.revoke(await _key_id(service, key))

    revoked = context.run(work, hints={NotFound: LIST_HINT})
    show_done(
        _row(revoked, None), f"The key {revoked.prefix} opens nothing any more.", as_json=context.as_json
    )


@keys.command()
@click.argument("key", metavar="ID")
@click.option(
    "--overlap",
    type=SPAN,
    default="7d",
    show_default=True,
    help="How long the old key works beside the new one: 7d, 12h, 30m, 0s.",
)
@store_command
def rotate(context: CommandContext, key: str, overlap: timedelta) -> None:
    """Make a successor of the key with this ID or prefix, and print it: this once.

    It opens what the old key opens. Both work until the overlap is over; then the old key's sessions end.

    \b
    Examples:
      mailkeep keys rotate mk_3Xk09qRtZ
      mailkeep keys rotate mk_3Xk09qRtZ --overlap 12h
    """

    async def work(store: Store) -> tuple[CreatedKey, KeyInfo]:
        service = KeyService(store, context.settings.auth)
        former = await _key_id(service, key)
        return await service.rotate(former, overlap), await service.get(former)

    made, former = context.run(work, hints=CHANGE_HINTS)
    if context.as_json:
        facts = {**_row(made.key, None), "api_key": made.api_key}
        show_done({**facts, "former": _row(former, None)}, "", as_json=True)
        return
    click.echo(made.api_key)
    click.echo(
        f"\nThis is the successor of {former.prefix}, which works until {plain(former.expires_at)}. "
        "It is shown once.",
        err=True,
    )


@keys.command()
@click.argument("key", metavar="ID")
@click.argument("name")
@store_command
def rename(context: CommandContext, key: str, name: str) -> None:
    """Call the key with this ID or prefix NAME.

    \b
    Example:
      mailkeep keys rename mk_3Xk09qRtZ "thunderbird at work"
    """

    async def work(store: Store) -> KeyInfo:
        service = KeyService(store, context.settings.auth)
        return await service.rename(await _key_id(service, key), name)

    renamed = context.run(work, hints=CHANGE_HINTS)
    show_done(
        _row(renamed, None), f"The key {renamed.prefix} is called {renamed.name}.", as_json=context.as_json
    )


@keys.command()
@click.argument("key", metavar="ID")
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    type=click.Choice(SCOPE_NAMES),
    help="What the key still opens; repeat it for more.",
)
@click.option(
    "--network", "networks", multiple=True, metavar="CIDR", help="Usable from there only; repeat it for more."
)
@click.option("--expires", "expires_at", type=EXPIRY, help="When it ends: 2027-01-31, 90d, 12h.")
@store_command
def restrict(
    context: CommandContext,
    key: str,
    scopes: tuple[str, ...],
    networks: tuple[str, ...],
    expires_at: datetime | None,
) -> None:
    """Let the key with this ID or prefix open less than now, for ever.

    What is not named stays as it is. Sessions that the key would not open any more end within a second.

    \b
    Examples:
      mailkeep keys restrict mk_3Xk09qRtZ --scope imap --scope smtp
      mailkeep keys restrict mk_3Xk09qRtZ --network 192.0.2.0/24 --expires 30d
    """
    if not (scopes or networks or expires_at):
        raise click.UsageError("Give at least one of --scope, --network and --expires.")
    limits = KeyLimits(parse_scopes(scopes) if scopes else None, networks or None, expires_at)

    async def work(store: Store) -> KeyInfo:
        service = KeyService(store, context.settings.auth)
        return await service.restrict(await _key_id(service, key), limits)

    limited = context.run(work, hints=CHANGE_HINTS)
    opens = plain(format_scopes(limited.scopes))
    show_done(_row(limited, None), f"The key {limited.prefix} opens {opens}.", as_json=context.as_json)


async def _create(context: CommandContext, store: Store, wanted: _Wanted) -> CreatedKey:
    user = await user_of(store, wanted.address) if wanted.address else None
    if user is not None and user.disabled:
        raise PlainError(
            f"{user.primary_address} is locked out, and a key would open nothing.",
            f"Let them in first: mailkeep users enable {user.primary_address}",
        )
    return await KeyService(store, context.settings.auth).create(
        user.id if user else None,
        wanted.name or wanted.service or "",
        parse_scopes(wanted.scopes),
        wanted.networks,
        wanted.expires_at,
    )


async def _key_id(service: KeyService, text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        return (await service.by_prefix(text)).id


def _owner(key: KeyInfo, owners: dict[UUID, str]) -> str:
    return "(service)" if key.user_id is None else owners.get(key.user_id, str(key.user_id))


def _row(key: KeyInfo, owner: str | None) -> Row:
    return {
        "id": key.id,
        "owner": owner,
        "user_id": key.user_id,
        "name": key.name,
        "prefix": key.prefix,
        "scopes": format_scopes(key.scopes),
        "networks": key.networks,
        "created_at": key.created_at,
        "expires_at": key.expires_at,
        "last_used_at": key.last_used_at,
        "revoked_at": key.revoked_at,
        "state": _state(key),
    }


def _state(key: KeyInfo) -> str:
    if key.revoked_at is not None:
        return "revoked"
    return "active" if key.is_usable(datetime.now(UTC)) else "expired"

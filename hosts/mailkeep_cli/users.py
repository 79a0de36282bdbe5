"""`mailkeep users`: who has a mailbox here."""

from __future__ import annotations

import click

from mailkeep.errors import AlreadyExists, NotFound
from mailkeep.model.address import Address
from mailkeep.model.directory import User
from mailkeep.model.quota import Quota
from mailkeep.storage.interface import Store
from mailkeep_cli.context import CommandContext, store_command
from mailkeep_cli.output import Row, show_done, show_rows
from mailkeep_cli.people import ADDRESS, USERS_HINT, user_of
from mailkeep_cli.sizes import DEFAULT, LIMIT, shown_size

COLUMNS = {
    "address": "ADDRESS",
    "name": "NAME",
    "issuer": "ISSUER",
    "disabled": "DISABLED",
    "last_login_at": "LAST LOGIN",
    "id": "ID",
}


@click.group()
def users() -> None:
    """Who has a mailbox here.

    Users who sign in through the identity provider appear by themselves; this is for adding them by hand
    and for locking them out.
    """


@users.command()
@click.argument("address", type=ADDRESS)
@click.option("--name", default="", help="The person's name.")
@store_command
def add(context: CommandContext, address: Address, name: str) -> None:
    """Make a user whose primary address is ADDRESS.

    All mail that was kept for that address is theirs at once. They log in with an API key, see
    `mailkeep keys create`.

    \b
    Example:
      mailkeep users add alice@example.org --name "Alice Example"
    """
    made = context.run(
        lambda store: store.directory.add_user(address, name),
        hints={
            AlreadyExists: USERS_HINT,
            NotFound: f"Take mail for the domain first: mailkeep domains add {address.domain}",
        },
    )
    show_done(
        _row(made),
        f"Added {made.primary_address}. Next: mailkeep keys create {made.primary_address}",
        as_json=context.as_json,
    )


@users.command("list")
@store_command
def list_(context: CommandContext) -> None:
    """List the users."""
    found = context.run(lambda store: store.directory.users())
    rows = [_row(user) for user in found]
    show_rows(
        rows, COLUMNS, as_json=context.as_json, empty="No users yet; add one with: mailkeep users add ADDRESS"
    )


@users.command()
@click.argument("address", type=ADDRESS)
@store_command
def disable(context: CommandContext, address: Address) -> None:
    """Lock out the user who has ADDRESS: live sessions end within a second, mail is still received.

    \b
    Example:
      mailkeep users disable alice@example.org
    """
    user = context.run(lambda store: _set_disabled(store, address, True), hints={NotFound: USERS_HINT})
    show_done(_row(user), f"{user.primary_address} is locked out.", as_json=context.as_json)


@users.command()
@click.argument("address", type=ADDRESS)
@store_command
def enable(context: CommandContext, address: Address) -> None:
    """Let a disabled user in again, with the keys that they had.

    \b
    Example:
      mailkeep users enable alice@example.org
    """
    user = context.run(lambda store: _set_disabled(store, address, False), hints={NotFound: USERS_HINT})
    show_done(_row(user), f"{user.primary_address} may log in.", as_json=context.as_json)


@users.command("sign-out")
@click.argument("address", type=ADDRESS)
@store_command
def sign_out(context: CommandContext, address: Address) -> None:
    """End what the user who has ADDRESS has signed in by access token so far, on every host.

    Their keys go on: revoke those with mailkeep keys revoke. The issuer is not told, and may give new tokens.

    \b
    Example:
      mailkeep users sign-out alice@example.org
    """
    user = context.run(lambda store: _signed_out(store, address), hints={NotFound: USERS_HINT})
    show_done(_row(user), f"{user.primary_address} is signed out everywhere.", as_json=context.as_json)


@users.command()
@click.argument("address", type=ADDRESS)
@click.option("--storage", type=LIMIT, help="Octets, with K, M, G or T; or none, or default.")
@click.option("--messages", type=LIMIT, help="A number; or none, or default.")
@store_command
def quota(
    context: CommandContext, address: Address, storage: int | str | None, messages: int | str | None
) -> None:
    """Show what the user who has ADDRESS holds and may hold, or set another limit.

    A limit that is not named stays. The default is [store] quota_storage and quota_messages of the hosts'
    settings, so name the same --config here to see it.

    \b
    Examples:
      mailkeep users quota alice@example.org
      mailkeep users quota alice@example.org --storage 2G --messages none
    """
    found = context.run(lambda store: _quota(store, address, storage, messages), hints={NotFound: USERS_HINT})
    show_done(
        {
            "address": str(address),
            "storage": found.storage,
            "storage_limit": found.limits.storage or None,
            "messages": found.messages,
            "messages_limit": found.limits.messages or None,
        },
        _sentence(address, found),
        as_json=context.as_json,
    )


async def _quota(
    store: Store, address: Address, storage: int | str | None, messages: int | str | None
) -> Quota:
    user = await user_of(store, address)
    if storage is not None or messages is not None:
        own_storage, own_messages = await store.quotas.own_limits(user.id)
        await store.quotas.set_limits(
            user.id,
            own_storage if storage is None else _own(storage),
            own_messages if messages is None else _own(messages),
        )
    return await store.quotas.of(user.account_id)


def _sentence(address: Address, quota: Quota) -> str:
    most = quota.limits
    storage = f" of {shown_size(most.storage)}" if most.storage else ", without a limit,"
    messages = f" of {most.messages}" if most.messages else ""
    return f"{address} holds {shown_size(quota.storage)}{storage} in {quota.messages}{messages} messages."


def _own(limit: int | str) -> int | None:
    """An account's own limit from a word of the command line."""
    return None if limit == DEFAULT else int(limit)


async def _set_disabled(store: Store, address: Address, disabled: bool) -> User:
    user = await user_of(store, address)
    await store.directory.set_disabled(user.id, disabled)
    return await user_of(store, address)


async def _signed_out(store: Store, address: Address) -> User:
    user = await user_of(store, address)
    await store.directory.end_sign_ins(user.id)
    return await user_of(store, address)


def _row(user: User) -> Row:
    return {
        "id": user.id,
        "address": user.primary_address,
        "name": user.name,
        "issuer": user.issuer,
        "subject": user.subject,
        "disabled": user.disabled,
        "created_at": user.created_at,
        "last_login_at": user.last_login_at,
    }

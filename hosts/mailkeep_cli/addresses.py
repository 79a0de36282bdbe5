"""`mailkeep addresses`: which addresses belong to whom, and which wait for an owner."""

from __future__ import annotations

from collections.abc import Sequence

import click

from mailkeep.errors import AlreadyExists, InUse, NotFound
from mailkeep.model.address import Address
from mailkeep.model.directory import AddressRecord
from mailkeep.storage.interface import Store
from mailkeep_cli.context import CommandContext, store_command
from mailkeep_cli.output import Row, show_done, show_rows
from mailkeep_cli.people import ADDRESS, USERS_HINT, user_of

COLUMNS = {
    "address": "ADDRESS",
    "owner": "OWNER",
    "primary": "PRIMARY",
    "verified": "VERIFIED",
    "created_at": "SINCE",
    "user_id": "USER ID",
}
TABLE = ("address", "owner", "primary", "verified", "created_at")
LIST_HINT = "See them all with: mailkeep addresses list"


@click.group()
def addresses() -> None:
    """Which addresses belong to whom.

    An address that has received mail and belongs to nobody is listed without an owner; its mail waits
    for the first user who has it.
    """


@addresses.command()
@click.argument("user", type=ADDRESS)
@click.argument("address", type=ADDRESS)
@store_command
def add(context: CommandContext, user: Address, address: Address) -> None:
    """Give the user who has the address USER the further address ADDRESS.

    Mail that was kept for ADDRESS moves into the user's INBOX.

    \b
    Example:
      mailkeep addresses add alice@example.org info@example.org
    """

    async def work(store: Store) -> AddressRecord:
        owner = await user_of(store, user)
        if await store.directory.domain(address.domain) is None:
            raise NotFound(f"{address.domain} is not a domain of this server.")
        return await store.directory.add_address(owner.id, address)

    made = context.run(
        work,
        hints={
            NotFound: f"{USERS_HINT}, and the domains with: mailkeep domains list",
            AlreadyExists: LIST_HINT,
        },
    )
    show_done(_row(made, str(user)), f"{made.address} belongs to {user}.", as_json=context.as_json)


@addresses.command("list")
@click.argument("user", type=ADDRESS, required=False)
@store_command
def list_(context: CommandContext, user: Address | None) -> None:
    """List all addresses, or those of the user who has the address USER.

    \b
    Examples:
      mailkeep addresses list
      mailkeep addresses list alice@example.org
    """

    async def work(store: Store) -> Sequence[Row]:
        owner = await user_of(store, user) if user else None
        found = await store.directory.addresses(owner.id if owner else None)
        owners = {person.id: person.primary_address for person in await store.directory.users()}
        return [_row(record, owners.get(record.user_id) if record.user_id else None) for record in found]

    rows = context.run(work, hints={NotFound: USERS_HINT})
    show_rows(
        rows,
        COLUMNS,
        as_json=context.as_json,
        empty="No addresses yet; a user brings the first: mailkeep users add ADDRESS",
        table=TABLE,
    )


@addresses.command()
@click.argument("address", type=ADDRESS)
@store_command
def remove(context: CommandContext, address: Address) -> None:
    """Take ADDRESS from its user. Mail received so far stays with the user.

    \b
    Example:
      mailkeep addresses remove info@example.org
    """
    context.run(
        lambda store: store.directory.remove_address(address),
        hints={
            NotFound: LIST_HINT,
            InUse: "A primary address stays; to lock its user out: mailkeep users disable ADDRESS",
        },
    )
    show_done({"removed": address.key}, f"{address} belongs to nobody.", as_json=context.as_json)


def _row(record: AddressRecord, owner: str | None) -> Row:
    return {
        "id": record.id,
        "address": record.address,
        "owner": owner,
        "user_id": record.user_id,
        "primary": record.primary,
        "verified": record.verified,
        "created_at": record.created_at,
    }

"""`mailkeep addresses`: which addresses belong to whom, and which wait for an owner."""

from __future__ import annotations

from collections.abc import Sequence

import click

from mailkeep.auth.addresses import AddressProofs
from mailkeep.delivery.code_mail import MailedCodes
from mailkeep.errors import AlreadyExists, CodeRefused, InUse, NotFound, RelayDenied
from mailkeep.model.address import Address
from mailkeep.model.directory import AddressRecord
from mailkeep.model.proof import AddressProof
from mailkeep.storage.interface import Store
from mailkeep_cli.context import CommandContext, Hints, store_command
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
PROOF_HINTS: Hints = {
    NotFound: LIST_HINT,
    AlreadyExists: LIST_HINT,
    RelayDenied: "Mail goes there unless [relay] route is off; or vouch for it: mailkeep addresses add",
    CodeRefused: "Mail another one: mailkeep addresses ask USER ADDRESS",
}


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


@addresses.command()
@click.argument("user", type=ADDRESS)
@click.argument("address", type=ADDRESS)
@store_command
def ask(context: CommandContext, user: Address, address: Address) -> None:
    """Mail a code to ADDRESS, with which the user who has the address USER proves that it is theirs.

    Users do the same for themselves over the API. `add` needs no code: there your word counts.

    \b
    Example:
      mailkeep addresses ask alice@example.org alice@elsewhere.example
    """

    async def work(store: Store) -> AddressProof:
        owner = await user_of(store, user)
        return await AddressProofs(store, MailedCodes(store, context.settings)).ask(owner.id, address)

    proof = context.run(work, hints=PROOF_HINTS)
    show_done(
        _waiting_row(proof, str(user)),
        f"A code is on its way to {proof.address}. When it is there: "
        f"mailkeep addresses confirm {user} {proof.address}",
        as_json=context.as_json,
    )


@addresses.command()
@click.argument("user", type=ADDRESS)
@click.argument("address", type=ADDRESS)
@store_command
def confirm(context: CommandContext, user: Address, address: Address) -> None:
    """Type in the code that was mailed to ADDRESS, for the user who has the address USER.

    The code is asked for, or read from standard input.

    \b
    Example:
      mailkeep addresses confirm alice@example.org alice@elsewhere.example
    """
    code = click.prompt("Code", err=True)

    async def work(store: Store) -> AddressRecord:
        owner = await user_of(store, user)
        proofs = AddressProofs(store, MailedCodes(store, context.settings))
        for proof in await proofs.waiting(owner.id):
            if proof.address == address.key:
                return await proofs.prove(owner.id, proof.id, code)
        raise NotFound(f"{user} has not asked for {address}.")

    made = context.run(work, hints=PROOF_HINTS)
    show_done(_row(made, str(user)), f"{made.address} belongs to {user}.", as_json=context.as_json)


@addresses.command("list")
@click.argument("user", type=ADDRESS, required=False)
@store_command
def list_(context: CommandContext, user: Address | None) -> None:
    """List all addresses, or those of the user who has the address USER, asked for and not proven ones too.

    \b
    Examples:
      mailkeep addresses list
      mailkeep addresses list alice@example.org
    """

    async def work(store: Store) -> Sequence[Row]:
        owner = await user_of(store, user) if user else None
        found = await store.directory.addresses(owner.id if owner else None)
        people = [owner] if owner else await store.directory.users()
        owners = {person.id: person.primary_address for person in people}
        rows = [_row(record, owners.get(record.user_id) if record.user_id else None) for record in found]
        waiting = await store.proofs.of_user(owner.id) if owner else ()
        return [*rows, *(_waiting_row(proof, owners[proof.user_id]) for proof in waiting)]

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


def _waiting_row(proof: AddressProof, owner: str) -> Row:
    return {
        "id": proof.id,
        "address": proof.address,
        "owner": owner,
        "user_id": proof.user_id,
        "primary": False,
        "verified": False,
        "created_at": proof.created_at,
    }


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

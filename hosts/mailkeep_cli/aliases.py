"""`mailkeep aliases`: addresses whose mail goes to others, here or elsewhere, one or a small list."""

from __future__ import annotations

import click

from mailkeep.errors import InUse, LimitExceeded, NotFound
from mailkeep.model.address import Address
from mailkeep.model.directory import Alias
from mailkeep.storage.interface import Store
from mailkeep_cli.context import CommandContext, store_command
from mailkeep_cli.output import Row, show_done, show_rows
from mailkeep_cli.people import ADDRESS

COLUMNS = {"address": "ALIAS", "targets": "GOES TO"}
_FATES = {
    "srs": "leaves this server, under a rewritten reverse-path.",
    "plain": "leaves this server, under the sender's own reverse-path.",
    "off": "does not leave this server: [relay] says so.",
}
LIST_HINT = "See what is there with: mailkeep aliases list"


@click.group()
def aliases() -> None:
    """Addresses whose mail goes to others.

    Targets are any addresses, and other aliases. Mail for targets in domains that are not this server's is
    forwarded as [relay] forwarding says: sealed (ARC), and by default with a rewritten reverse-path (SRS). An
    address that a user has is theirs: an alias of that name rests while they have it.
    """


@aliases.command()
@click.argument("alias", type=ADDRESS)
@click.argument("targets", type=ADDRESS, nargs=-1, required=True)
@store_command
def add(context: CommandContext, alias: Address, targets: tuple[Address, ...]) -> None:
    """Have mail for ALIAS go to the TARGETS as well.

    \b
    Examples:
      mailkeep aliases add support@example.org ann@example.org bob@example.org
      mailkeep aliases add postmaster@example.org ann@example.org
      mailkeep aliases add ann@example.org ann.li@elsewhere.example
    """
    made, hosted = context.run(
        lambda store: _add(store, alias, targets),
        hints={
            NotFound: "See the domains with: mailkeep domains list",
            InUse: "See whose it is with: mailkeep addresses list",
            LimitExceeded: "Make several aliases, and one that goes to them.",
        },
    )
    sentence = f"{made.address} goes to {', '.join(made.targets)}."
    outside = [one for one in made.targets if one.rpartition("@")[2] not in hosted]
    if outside:
        fate = _FATES[context.settings.relay.forwarding if context.settings.relay.route != "off" else "off"]
        sentence += f" Mail for {', '.join(outside)} {fate}"
    show_done(_row(made), sentence, as_json=context.as_json)


async def _add(store: Store, alias: Address, targets: tuple[Address, ...]) -> tuple[Alias, set[str]]:
    """The alias, and the domains that are ours."""
    made = await store.aliases.add(alias, targets)
    return made, {domain.name for domain in await store.directory.domains()}


@aliases.command()
@click.argument("alias", type=ADDRESS)
@click.argument("targets", type=ADDRESS, nargs=-1)
@store_command
def remove(context: CommandContext, alias: Address, targets: tuple[Address, ...]) -> None:
    """Take the TARGETS from ALIAS, or end it without any.

    \b
    Example:
      mailkeep aliases remove support@example.org bob@example.org
    """
    context.run(lambda store: store.aliases.remove(alias, targets), hints={NotFound: LIST_HINT})
    gone = ", ".join(map(str, targets))
    sentence = f"{alias} goes to {gone} no more." if gone else f"{alias} is no alias any more."
    show_done(
        {"alias": alias.key, "removed": [one.key for one in targets]}, sentence, as_json=context.as_json
    )


@aliases.command("list")
@store_command
def list_(context: CommandContext) -> None:
    """List the aliases."""
    rows = [_row(alias) for alias in context.run(lambda store: store.aliases.list())]
    empty = "No aliases; make one with: mailkeep aliases add ALIAS TARGET"
    show_rows(rows, COLUMNS, as_json=context.as_json, empty=empty)


def _row(alias: Alias) -> Row:
    return {"address": alias.address, "targets": list(alias.targets)}

"""`mailkeep objects`: which large content lies in the object store, moving it there and back."""

from __future__ import annotations

from dataclasses import asdict

import click

from mailkeep.errors import InUse, SettingsError, StoreCorrupt, StoreUnavailable
from mailkeep.storage.interface import Moved, Store
from mailkeep_cli.context import CommandContext, Hints, store_command
from mailkeep_cli.output import show_done
from mailkeep_cli.progress import progress
from mailkeep_cli.sizes import shown_size

_HINTS: Hints = {
    InUse: "Another process is moving content; look again with: mailkeep objects status",
    SettingsError: "Name the bucket and how it is reached: see docs/storage.md.",
    StoreUnavailable: "Look at it with: mailkeep doctor. What was moved until then stays where it is now.",
    StoreCorrupt: "mailkeep verify says which; they are in the last backup.",
}


@click.group()
def objects() -> None:
    """Large content in an object store."""


@objects.command()
@click.option("--back", is_flag=True, help="Take everything back into the database.")
@store_command
def move(context: CommandContext, back: bool) -> None:
    """Move large content that has aged to the object store now.

    The SMTP host does it by itself every few hours, with rests; this does not rest. It may run while the
    hosts do. All hosts on the store have to know [objects] before: those that do not cannot read what was
    moved.

    With --back everything comes into the database again. Set [objects] move to false before, or it is moved
    again; the rest of the section is needed for another day, in which its objects are removed.

    \b
    Examples:
      mailkeep objects move
      mailkeep objects move --back
    """
    done = context.run(lambda store: _moved(store, back), hints=_HINTS)
    way = "came back into the database" if back else "went to the object store"
    sentence = f"{done.blobs} large contents, {shown_size(done.octets)}, {way}."
    if done.left:
        sentence += f" {done.left} stayed: they are in use at this moment, damaged, or too large."
    show_done(asdict(done), sentence, as_json=context.as_json)


async def _moved(store: Store, back: bool) -> Moved:
    usage = await store.objects.usage()
    with progress("Moving", usage.in_objects if back else usage.due) as told:
        return await (
            store.objects.bring_back(told) if back else store.objects.move(in_a_hurry=True, told=told)
        )


@objects.command()
@store_command
def status(context: CommandContext) -> None:
    """Say how much lies in the object store, and how much is to go there.

    \b
    Example:
      mailkeep objects status
    """
    usage = context.run(lambda store: store.objects.usage())
    due = (
        f"{usage.due} of them old enough to be moved"
        if context.settings.objects.bucket
        else "[objects] is not set"
    )
    sentence = (
        f"{usage.in_objects} large contents lie in the object store, {shown_size(usage.octets)};"
        f" {usage.in_database} in the database, {due}."
    )
    if usage.leaving:
        sentence += f" {usage.leaving} objects are not needed any more, or just being written."
    show_done(asdict(usage), sentence, as_json=context.as_json)

"""`mailkeep verify`: does the store hold what it says?"""

from __future__ import annotations

import asyncio
import sys
from dataclasses import asdict

import click

from mailkeep.errors import MailkeepError
from mailkeep.storage.checking import Fault, Seen, check
from mailkeep.storage.objects.bucket import opened_bucket
from mailkeep.storage.opening import opened_database
from mailkeep_cli.context import CommandContext, PlainError, store_command
from mailkeep_cli.output import show_done

SHOWN = 100  # faults in words; --json has all


@click.command()
@store_command
def verify(context: CommandContext) -> None:
    """Check that the store holds what it says.

    Reads every blob and compares it with its digest, in the object store as well, and every message, UID,
    counter and reference. It changes nothing, and the hosts go on meanwhile. The exit code is 1 if something
    is wrong.

    \b
    Examples:
      mailkeep verify
      mailkeep verify --json > report.json
    """
    context.require_store()
    seen = Seen()
    try:
        faults = asyncio.run(_faults(context, seen))
    except MailkeepError as error:
        raise PlainError(str(error), "Check what does not answer: mailkeep doctor") from error
    facts = {**asdict(seen), "faults": [asdict(fault) for fault in faults]}
    if not context.as_json:
        for fault in faults[:SHOWN]:
            click.echo(fault.sentence, err=True)
    sentence = f"{seen.messages} messages in {seen.mailboxes} mailboxes, {seen.blobs} blobs: "
    told = f"{len(faults)} faults." if faults else "all is well."
    show_done(facts, sentence + told, as_json=context.as_json)
    if faults:
        sys.exit(1)


async def _faults(context: CommandContext, seen: Seen) -> list[Fault]:
    async with opened_database(context.settings.store) as database:
        bucket = opened_bucket(context.settings.objects)
        return [fault async for fault in check(database, seen, bucket)]

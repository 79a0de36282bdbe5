"""`mailkeep upstream`: mail of accounts elsewhere, kept in a user's mailboxes here."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import click

from mailkeep.errors import NotFound
from mailkeep.model.address import Address
from mailkeep.model.upstream import UpstreamRecord
from mailkeep.settings_credentials import CREDENTIAL
from mailkeep.storage.interface import Store
from mailkeep.upstream.config import ALL_FOLDERS, AccountConfig, open_account, read_config
from mailkeep.upstream.environment import DEFAULT_PREFIX
from mailkeep.upstream.errors import UpstreamError
from mailkeep.upstream.sync.account import SyncedFolder, sync_account
from mailkeep_cli.context import CommandContext, PlainError, store_command
from mailkeep_cli.output import show_done, show_rows
from mailkeep_cli.people import ADDRESS
from mailkeep_cli.upstream_accounts import HINTS, one_account
from mailkeep_cli.upstream_progress import progress
from mailkeep_cli.upstream_run import reload, run
from mailkeep_cli.upstream_send import send

PRESETS = {
    "gmail": {"imap": "imap.gmail.com:993", "smtp": "smtp.gmail.com:465", "provider": "google"},
    "outlook": {
        "imap": "outlook.office365.com:993",
        "smtp": "smtp.office365.com:587",
        "provider": "microsoft",
    },
}
NONE = "There is no account elsewhere yet; begin with: mailkeep upstream add --help"
ACCOUNT_COLUMNS = {
    "name": "Name",
    "address": "Address",
    "folders": "Folders",
    "state": "State",
    "last_sync_at": "Last sync",
    "said": "What went wrong",
}
SYNC_COLUMNS = {
    "account": "Account",
    "folder": "Folder",
    "mailbox": "Mailbox here",
    "fetched": "Fetched",
    "too_large": "Too large",
    "flags_here": "Flags here",
    "flags_there": "Flags there",
    "gone_there": "Gone there",
}


@click.group()
def upstream() -> None:
    """Mail of accounts elsewhere, kept here.

    It goes into a user's mailboxes; docs/upstream.md says what an account needs.
    """


upstream.add_command(send)
upstream.add_command(run)
upstream.add_command(reload)


@upstream.command()
@click.argument("name")
@click.option("--user", type=ADDRESS, required=True, help="Whose mailboxes here the mail goes to.")
@click.option("--address", required=True, help="The user name there, usually the address.")
@click.option("--kind", type=click.Choice(sorted(PRESETS)), help="Fills in servers and provider.")
@click.option("--imap", help="HOST:PORT of its IMAP server.")
@click.option("--smtp", help="HOST:PORT of its submission server.")
@click.option(
    "--provider", help="Who refreshes tokens: google, microsoft, oidc, command, or a third party's."
)
@click.option("--client-id", default="", help="Ours at the provider.")
@click.option("--scope", default="", help="Asked for at each refresh.")
@click.option(
    "--option", "options", multiple=True, metavar="NAME=VALUE", help="tenant, issuer, command, endpoint."
)
@click.option(
    "--env-file",
    type=click.Path(path_type=Path),
    help="Where its secrets lie, mode 0600; or credential:NAME.",
)
@click.option("--prefix", default=DEFAULT_PREFIX, show_default=True, help="Of its variables.")
@click.option("--ca-file", default="", help="PEM of a private CA.")
@click.option(
    "--folder", "folders", multiple=True, default=("INBOX",), show_default=True, help="Or * for all."
)
@click.option("--into", default="", help="A mailbox here, below which everything goes.")
@click.option(
    "--flags", type=click.Choice(["none", "pull", "push", "both"]), default="both", show_default=True
)
@click.option("--deletions", type=click.Choice(["keep", "mirror"]), default="keep", show_default=True)
@click.option("--sender", default="", help="The address it sends from, if the user name is none.")
@click.option(
    "--sent-copy",
    type=click.Choice(["here", "there"]),
    help="Who keeps a copy of what is sent.  [default: here; there, if it is of a --kind with all folders]",
)
@click.option("--interval", type=float, default=300.0, show_default=True, help="Seconds between syncs.")
@store_command
def add(context: CommandContext, name: str, user: Address, **given: Any) -> None:
    """Add an account elsewhere for a user here.

    \b
    Examples:
      mailkeep upstream add work --user ann@example.org --kind outlook --address ann@work.example \\
          --client-id 9c1e... --env-file /etc/mailkeep/outlook_oauth.local.env
      mailkeep upstream sync work
    """
    config = _config(given)

    async def work(store: Store) -> UpstreamRecord:
        found = await store.directory.user_by_address(user)
        if found is None:
            raise NotFound(f"There is no user with the address {user}.")
        return await store.upstreams.add(found.id, name, config.to_json())

    record = context.run(work, hints=HINTS)
    show_done(_facts(record), f"Added. Now: mailkeep upstream sync {name}", as_json=context.as_json)


@upstream.command(name="list")
@store_command
def list_accounts(context: CommandContext) -> None:
    """All accounts elsewhere, with how their last sync ended.

    \b
    Examples:
      mailkeep upstream list
      mailkeep upstream list --json
    """
    records = context.run(lambda store: store.upstreams.list(), hints=HINTS)
    rows = [_facts(record) for record in records]
    show_rows(rows, ACCOUNT_COLUMNS, as_json=context.as_json, empty=NONE)


@upstream.command()
@click.argument("name")
@store_command
def remove(context: CommandContext, name: str) -> None:
    """Forget an account. What was fetched stays here; its secrets lie where you put them.

    \b
    Examples:
      mailkeep upstream remove work
    """

    async def work(store: Store) -> UpstreamRecord:
        record = await one_account(store, name)
        await store.upstreams.remove(record.id)
        return record

    record = context.run(work, hints=HINTS)
    show_done(_facts(record), "Removed.", as_json=context.as_json)


@upstream.command()
@click.argument("names", nargs=-1)
@store_command
def sync(context: CommandContext, names: Sequence[str]) -> None:
    """Sync accounts once, all of them unless named. What was broken off goes on where it was.

    \b
    Examples:
      mailkeep upstream sync
      mailkeep upstream sync work
    """

    async def work(store: Store) -> dict[str, Sequence[SyncedFolder]]:
        records = [await one_account(store, name) for name in names] or list(await store.upstreams.list())
        done = {}
        with progress(hidden=context.as_json) as told:
            for record in records:
                config = read_config(record.config)
                account = await asyncio.to_thread(open_account, record.name, config)
                shown = partial(told, record.name)
                try:
                    done[record.name] = await sync_account(store, record, config, account, shown)
                finally:
                    await account.close()
        return done

    done = context.run(work, hints=HINTS)
    rows = [
        {
            "account": name,
            "folder": one.folder,
            "mailbox": one.mailbox,
            "fetched": one.result.fetched,
            "too_large": one.result.too_large,
            "flags_here": one.result.flags_here,
            "flags_there": one.result.flags_there,
            "gone_there": one.result.gone,
        }
        for name, folders in done.items()
        for one in folders
    ]
    show_rows(rows, SYNC_COLUMNS, as_json=context.as_json, empty=NONE)


def _config(given: dict[str, Any]) -> AccountConfig:
    preset = PRESETS.get(given.pop("kind") or "", {})
    for name in ("imap", "smtp", "provider"):
        given[name] = given[name] or preset.get(name, "")
    comes_back = bool(preset) and ALL_FOLDERS in given["folders"]
    given["sent_copy"] = given["sent_copy"] or ("there" if comes_back else "here")
    env_file = given.pop("env_file")
    options = dict(option.partition("=")[::2] for option in given.pop("options"))
    try:
        return AccountConfig(
            **given | {"interval_seconds": given.pop("interval"), "folders": tuple(given.pop("folders"))},
            options=options,
            env_file=_place(env_file) if env_file else "",
        )
    except UpstreamError as error:
        raise PlainError(str(error), HINTS[UpstreamError]) from None


def _place(env_file: Path) -> str:
    """A path from anywhere; a credential is named and not found."""
    return str(env_file) if str(env_file).startswith(CREDENTIAL) else str(env_file.absolute())


def _facts(record: UpstreamRecord) -> dict[str, Any]:
    config = read_config(record.config)
    return {
        "name": record.name,
        "id": record.id,
        "address": config.address,
        "folders": list(config.folders),
        "state": record.state or "ok",
        "said": record.said,
        "last_sync_at": record.last_sync_at,
    }

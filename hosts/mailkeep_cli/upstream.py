"""`mailkeep upstream`: mail of accounts elsewhere, kept in a user's mailboxes here."""

from __future__ import annotations

import asyncio
import fcntl
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import click
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from mailkeep.errors import InUse, NotFound
from mailkeep.model.address import Address
from mailkeep.model.upstream import UpstreamRecord
from mailkeep.observe.logs import configure
from mailkeep.storage.interface import Store
from mailkeep.upstream.config import AccountConfig, open_account, read_config
from mailkeep.upstream.environment import DEFAULT_PREFIX
from mailkeep.upstream.errors import UpstreamError
from mailkeep.upstream.sync.account import SyncedFolder, sync_account
from mailkeep.upstream.sync.runner import UpstreamRunner
from mailkeep_cli.context import CommandContext, PlainError, store_command
from mailkeep_cli.output import show_done, show_rows
from mailkeep_cli.people import ADDRESS

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
PID_FILE = "upstream.pid"
HINTS = {
    UpstreamError: "docs/upstream.md says what an account needs.",
    InUse: "Another sync of the account is under way; let it finish.",
}


@click.group()
def upstream() -> None:
    """Mail of accounts elsewhere, kept here.

    It goes into a user's mailboxes; docs/upstream.md says what an account needs.
    """


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
@click.option("--env-file", type=click.Path(path_type=Path), help="Where its secrets lie, mode 0600.")
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
        record = await _one(store, name)
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
        records = [await _one(store, name) for name in names] or list(await store.upstreams.list())
        done = {}
        with _progress(hidden=context.as_json) as told:
            for record in records:
                config = read_config(record.config)
                account = await asyncio.to_thread(open_account, record.name, config)
                try:
                    done[record.name] = await sync_account(store, record, config, account, told)
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


@upstream.command()
@store_command
def run(context: CommandContext) -> None:
    """Keep all accounts in step until stopped: by IDLE and by interval. SIGHUP reads everything again.

    \b
    Examples:
      mailkeep upstream run
    """
    configure(context.settings.log)
    with _pid_file(Path(context.settings.store.data_dir)):
        context.run(_run_until_stopped, hints=HINTS)


@upstream.command()
@store_command
def reload(context: CommandContext) -> None:
    """Have the running `mailkeep upstream run` read configuration and secrets again.

    \b
    Examples:
      mailkeep upstream reload
    """
    path = Path(context.settings.store.data_dir) / PID_FILE
    try:
        with path.open("r+") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.kill(int(file.read()), signal.SIGHUP)
                show_done({"reloaded": True}, "Told it to read everything again.", as_json=context.as_json)
                return
    except (OSError, ValueError):
        pass
    raise PlainError(
        "No `mailkeep upstream run` is running on this data directory.", "Start it, or use sync."
    )


async def _run_until_stopped(store: Store) -> None:
    runner = UpstreamRunner(store)
    loop = asyncio.get_running_loop()
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    loop.add_signal_handler(signal.SIGHUP, runner.reload)
    running = asyncio.create_task(runner.run())
    stopped = asyncio.create_task(stopping.wait())
    await asyncio.wait({running, stopped}, return_when=asyncio.FIRST_COMPLETED)
    stopped.cancel()
    running.cancel()
    await asyncio.wait({running})
    if not running.cancelled() and (error := running.exception()) is not None:
        raise error


@contextmanager
def _pid_file(directory: Path) -> Iterator[None]:
    """Held by a lock that dies with us, so a stale file means nothing."""
    directory.mkdir(parents=True, exist_ok=True)
    with (directory / PID_FILE).open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise PlainError(
                "Another `mailkeep upstream run` has this data directory.", "Stop it first."
            ) from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield


@contextmanager
def _progress(*, hidden: bool) -> Iterator[Callable[[str, int, int], None]]:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
    )
    with ExitStack() as stack:
        shown = None if hidden else stack.enter_context(Progress(*columns, transient=True))
        tasks: dict[str, Any] = {}

        def told(folder: str, done: int, total: int) -> None:
            if shown is None or not total:
                return
            if folder not in tasks:
                tasks[folder] = shown.add_task(folder, total=total, rate="")
            task = next(one for one in shown.tasks if one.id == tasks[folder])
            rate = f"{task.speed:.0f}/s" if task.speed else ""
            shown.update(tasks[folder], completed=done, total=total, rate=rate)

        yield told


def _config(given: dict[str, Any]) -> AccountConfig:
    preset = PRESETS.get(given.pop("kind") or "", {})
    for name in ("imap", "smtp", "provider"):
        given[name] = given[name] or preset.get(name, "")
    env_file = given.pop("env_file")
    options = dict(option.partition("=")[::2] for option in given.pop("options"))
    try:
        return AccountConfig(
            **given | {"interval_seconds": given.pop("interval"), "folders": tuple(given.pop("folders"))},
            options=options,
            env_file=str(env_file.absolute()) if env_file else "",
        )
    except UpstreamError as error:
        raise PlainError(str(error), HINTS[UpstreamError]) from None


async def _one(store: Store, name: str) -> UpstreamRecord:
    found = [record for record in await store.upstreams.list() if name in {record.name, str(record.id)}]
    if not found:
        raise NotFound(f"There is no account elsewhere named {name}.")
    if len(found) > 1:
        raise NotFound(f"Several users have an account named {name}: name it by its id.")
    return found[0]


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

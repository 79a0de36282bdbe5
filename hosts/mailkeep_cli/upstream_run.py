"""`mailkeep upstream run`, the daemon that keeps accounts elsewhere in step, and the command that tells it to
read everything again.

One runs on a data directory: a locked file there names it.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from mailkeep.errors import SettingsError
from mailkeep.net import sdnotify
from mailkeep.net.tasks import TaskRegistry
from mailkeep.observe import tracing
from mailkeep.observe.logs import configure, get_logger, set_level
from mailkeep.settings import load_settings
from mailkeep.storage.interface import Store
from mailkeep.upstream.sync.runner import UpstreamRunner
from mailkeep_cli.context import CommandContext, PlainError, store_command
from mailkeep_cli.output import show_done
from mailkeep_cli.upstream_accounts import HINTS

READY = {"READY": "1", "STATUS": "Keeping accounts in step"}
PID_FILE = "upstream.pid"

log = get_logger(__name__)


@click.command()
@store_command
def run(context: CommandContext) -> None:
    """Keep all accounts in step until stopped: by IDLE and by interval. SIGHUP reads everything again.

    \b
    Examples:
      mailkeep upstream run
    """
    configure(context.settings.log)
    tracing.configure("upstream")
    try:
        with _pid_file(Path(context.settings.store.data_dir)):
            context.run(lambda store: _run_until_stopped(store, context.config), hints=HINTS)
    finally:
        tracing.close()


@click.command()
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


async def _run_until_stopped(store: Store, config: Path | None) -> None:
    runner, tasks = UpstreamRunner(store), TaskRegistry()
    loop = asyncio.get_running_loop()
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)

    loop.add_signal_handler(signal.SIGHUP, lambda: tasks.spawn(_reload(runner, config), "reload"))
    beating = asyncio.create_task(_beat())
    sdnotify.notify(READY)
    running = asyncio.create_task(runner.run())
    stopped = asyncio.create_task(stopping.wait())
    await asyncio.wait({running, stopped}, return_when=asyncio.FIRST_COMPLETED)
    sdnotify.notify({"STOPPING": "1"})
    for task in (stopped, beating, running):
        task.cancel()
    await tasks.close()
    await asyncio.wait({running})
    if not running.cancelled() and (error := running.exception()) is not None:
        raise error


async def _reload(runner: UpstreamRunner, config: Path | None) -> None:
    sdnotify.notify(sdnotify.reloading_fields())
    await _reload_level(config)
    runner.reload()
    sdnotify.notify(READY)


async def _reload_level(config: Path | None) -> None:
    try:
        level = (await asyncio.to_thread(load_settings, config)).log.level
    except SettingsError as error:
        log.error("the log level is not reloaded: the settings cannot be used", reason=str(error))
    else:
        set_level(level)
        log.info("reloaded", log_level=level)


async def _beat() -> None:
    """The loop turns: a stuck one falls silent, and is started again."""
    seconds = sdnotify.watchdog_seconds()
    while seconds is not None:
        sdnotify.notify({"WATCHDOG": "1"})
        await asyncio.sleep(seconds / 2)


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

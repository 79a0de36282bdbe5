"""The frame that every host process runs in: settings, logs, one uvloop loop, signals, an exit code.

A host is one coroutine `main(settings, lifecycle)`, which had best import what it needs itself. The frame
turns SIGTERM and SIGINT into `lifecycle.stopping` and gives the host STOP_SECONDS to return before it is
cancelled. SIGHUP has the settings read again (`mailkeep.net.reloading`). Mistakes in settings end in one
sentence and no traceback; faults are logged. With `workers` above one the process becomes their parent
instead (`mailkeep.net.workers`), and this frame is every worker's. What the frame refuses: a second loop,
threads that serve, work after `main` has returned.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import resource
import signal
import sys
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeAlias

import uvloop

from mailkeep.errors import MailkeepError, SettingsError, StoreUnavailable
from mailkeep.net import parent, worker_place, workers
from mailkeep.net.exits import EXIT_FAULT, EXIT_OK, EXIT_SETTINGS, EXIT_UNAVAILABLE
from mailkeep.net.lifecycle import Lifecycle
from mailkeep.net.reloading import Reloader
from mailkeep.observe import logs, tracing
from mailkeep.settings import Settings, load_settings

Main: TypeAlias = Callable[[Settings, Lifecycle], Awaitable[None]]

STOP_SECONDS = 10.0  # for open sessions to end after SIGTERM; systemd's own limit is 90

log = logs.get_logger(__name__)


def run_host(name: str, main: Main, argv: Sequence[str] | None = None) -> int:
    """Run a host on asyncio to its end and return the process's exit code. `name`: smtp, pop3, imap, api."""
    return _run(name, main, argv, _run_loop)


def run_twisted_host(name: str, main: Main, argv: Sequence[str] | None = None) -> int:
    """The same with Twisted's reactor on that loop. `main` may import `twisted.internet.reactor`; nothing may
    import it earlier."""
    return _run(name, main, argv, _run_reactor)


def _run(
    name: str, main: Main, argv: Sequence[str] | None, runner: Callable[[Callable[[], Awaitable[int]]], int]
) -> int:
    parent.die_with_supervisor()
    gc.disable()  # until Lifecycle.ready: a start makes what stays, and a tenth of it was looking for garbage
    _allow_open_files()
    config = _config_file(name, argv)
    try:
        settings = load_settings(config)
    except SettingsError as error:
        return _complain(name, error, EXIT_SETTINGS)
    worker = worker_place.place()
    logs.configure(settings.log, name if worker is None else f"{name}-{worker.number}")
    logs.observe_interpreter()
    try:
        if worker is None and workers.count_of(name, settings) > 1:
            gc.enable()
            return _run_loop(lambda: _parent(name, settings, lambda: load_settings(config)))
        tracing.configure(name)
        return runner(lambda: _supervised(name, main, settings, lambda: load_settings(config)))
    finally:
        tracing.close()
        logs.close()
        gc.enable()


def _allow_open_files() -> None:
    """Every connection is an open file, and the usual soft limit of 1,024 is far below `max_connections`."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(OSError, ValueError):  # where it is forbidden, the limit stays what it was
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _config_file(name: str, argv: Sequence[str] | None) -> Path | None:
    parser = argparse.ArgumentParser(
        prog=f"mailkeep_{name}",
        description=f"Mailkeep's {name.upper()} host. It reads a TOML file and MAILKEEP_* variables.",
    )
    parser.add_argument("--config", type=Path, metavar="FILE", help="TOML file; default: $MAILKEEP_CONFIG")
    chosen: Path | None = parser.parse_args(argv).config
    return chosen


def _complain(name: str, error: MailkeepError, code: int) -> int:
    """One plain sentence for whoever started us; it is all that they need."""
    logs.close()  # what was logged before comes first
    print(f"mailkeep-{name}: {error}", file=sys.stderr, flush=True)
    return code


async def _parent(name: str, settings: Settings, load: Callable[[], Settings]) -> int:
    try:
        return await workers.Workers(name, settings, load).run()
    except SettingsError as error:
        return _complain(name, error, EXIT_SETTINGS)


async def _supervised(name: str, main: Main, settings: Settings, load: Callable[[], Settings]) -> int:
    lifecycle = Lifecycle(name)
    _install_signals(lifecycle, Reloader(lifecycle, load))
    work = asyncio.ensure_future(main(settings, lifecycle))
    try:
        await _until_stopped(work, lifecycle)
        return EXIT_OK
    except SettingsError as error:
        return _complain(name, error, EXIT_SETTINGS)
    except StoreUnavailable as error:
        return _complain(name, error, EXIT_UNAVAILABLE)
    except asyncio.CancelledError:
        log.error("did not stop in time", seconds=STOP_SECONDS)
        return EXIT_FAULT
    except Exception as error:  # the frame is the last place that can name it
        log.critical("host failed", correlation_id=logs.new_correlation_id(), exc_info=error)
        return EXIT_FAULT
    finally:
        await lifecycle.tasks.close()


async def _until_stopped(work: asyncio.Future[None], lifecycle: Lifecycle) -> None:
    """Wait for the host; once it has been asked to stop, no longer than STOP_SECONDS."""
    asked = asyncio.ensure_future(lifecycle.stopping.wait())
    try:
        waited: set[asyncio.Future[Any]] = {work, asked}
        await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
        if not work.done():
            await asyncio.wait({work}, timeout=STOP_SECONDS)
        if not work.done():
            work.cancel()
        await work
    finally:
        asked.cancel()


def _install_signals(lifecycle: Lifecycle, reloader: Reloader) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, lifecycle.stop, signal.Signals(number).name)
    loop.add_signal_handler(signal.SIGHUP, reloader.ask)


def _run_loop(work: Callable[[], Awaitable[int]]) -> int:
    async def whole() -> int:
        return await work()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(whole())


def _run_reactor(work: Callable[[], Awaitable[int]]) -> int:
    """Install the reactor on a uvloop loop and run both until the work is done."""
    from twisted.internet import asyncioreactor  # noqa: PLC0415  costs 130 ms, and only here

    loop = uvloop.new_event_loop()
    asyncio.set_event_loop(loop)
    asyncioreactor.install(loop)  # type: ignore[no-untyped-call]
    from twisted.internet import reactor as installed  # noqa: PLC0415  exists only after the line above

    reactor: Any = installed  # Twisted types the module by interfaces that lack half of its methods

    logs.observe_twisted()

    async def whole() -> int:
        try:
            return await work()
        finally:
            reactor.callLater(0, reactor.stop)

    # Made before the loop runs: Twisted's start hooks run too early to await anything.
    task = loop.create_task(whole())
    reactor.run(installSignalHandlers=False)
    try:
        return task.result() if task.done() else EXIT_FAULT
    finally:
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.run_until_complete(loop.shutdown_default_executor())
        loop.close()

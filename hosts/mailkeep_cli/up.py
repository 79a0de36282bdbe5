"""`mailkeep up`: all four hosts from one command, on this machine, with TLS and something to try.

It is for trials and development. In production a service manager starts each host. Hosts that do not need
the keys start before the store is provisioned, so that both happen at once.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import signal
import sys
import time
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import click

from mailkeep.errors import MailkeepError, SettingsError, StoreUnavailable
from mailkeep.net import listen
from mailkeep.net.development import DevelopmentCa, ensure_ca
from mailkeep.net.exits import EXIT_OK, EXIT_SETTINGS, EXIT_UNAVAILABLE
from mailkeep.settings import load_settings
from mailkeep.settings_identity import DEVELOPMENT_KEY_OCTETS
from mailkeep_cli.supervisor import Supervisor
from mailkeep_cli.supervisor_output import LineWriter
from mailkeep_cli.up_files import (
    clear_ready_file,
    development_key_file,
    sole_holder,
    write_private,
    write_ready_file,
)
from mailkeep_cli.up_plan import HOSTS, LISTENERS, UpPlan

# The SMTP host reads its key to the API at start, so it waits for the key to be made.
_EARLY_HOSTS = tuple(name for name in HOSTS if name != "smtp")


@click.command()
@click.option(
    "--data-dir",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("data"),
    envvar="MAILKEEP_STORE_DATA_DIR",
    show_default=True,
    help="Where mail, certificates and keys are kept.",
)
@click.option(
    "--database",
    default="",
    envvar="MAILKEEP_STORE_DATABASE",
    metavar="URL",
    help="postgresql://... instead of SQLite in the data directory. "
    "A URL with a password belongs into MAILKEEP_STORE_DATABASE: options show in the process list.",
)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on; * for all.")
@click.option(
    "--port-base",
    type=int,
    default=2000,
    show_default=True,
    metavar="N",
    help="Ports are N plus 25, 110, 143, 465, 587, 993, 995, and 80 for the API.",
)
@click.option("--no-demo", is_flag=True, help="Make no demo domain, user and key.")
@click.option(
    "--insecure-loopback-auth", is_flag=True, help="Let clients on this machine log in without TLS."
)
@click.option(
    "--relay", is_flag=True, help="Send mail for other domains to their servers; else it is refused."
)
@click.option(
    "--ready-file",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write a JSON object here, mode 0600, when every listener accepts: ca_file, host and port of each "
    "listener, the API's url, the demo's domain and address, and api_key and internal_key on the start that "
    "made them. With --no-demo there is no domain, address and api_key.",
)
def up(
    *,
    data_dir: Path,
    database: str,
    host: str,
    port_base: int,
    no_demo: bool,
    insecure_loopback_auth: bool,
    relay: bool,
    ready_file: Path | None,
) -> None:
    """Start the SMTP, IMAP, POP3 and API hosts and keep them running.

    The first start makes the domain example.test, the user demo@example.test and one API key, which is the
    password for every protocol and is printed once. Later starts keep everything.
    """
    started = time.monotonic()
    try:
        plan = UpPlan(
            data_dir=data_dir.absolute(),
            database=database,
            host=host,
            port_base=port_base,
            demo=not no_demo,
            insecure_loopback_auth=insecure_loopback_auth,
            relay=relay,
            ready_file=ready_file.absolute() if ready_file else None,
        )
        code = run_up(plan, started)
    except MailkeepError as error:
        print(f"mailkeep: {error}", file=sys.stderr)
        code = EXIT_UNAVAILABLE if isinstance(error, StoreUnavailable) else EXIT_SETTINGS
    raise SystemExit(code)


def run_up(plan: UpPlan, started: float) -> int:
    """Everything from a decided plan to the exit code. `started` is the monotonic time of the call."""
    _make_data_directory(plan.data_dir)
    with sole_holder(plan.data_dir):
        ca = _prepare(plan)
        writer = LineWriter()
        try:
            return asyncio.run(_run(plan, ca, writer, started))
        finally:
            writer.close()


def _make_data_directory(data_dir: Path) -> None:
    try:
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise SettingsError(f"The data directory '{data_dir}' cannot be made: {error.strerror}.") from None


def _prepare(plan: UpPlan) -> DevelopmentCa:
    """All that can be refused before anything is started."""
    if plan.ready_file is not None:
        clear_ready_file(plan.ready_file)
    for listener in LISTENERS:
        listen.bind(plan.endpoint(listener)).close()
    return ensure_ca(plan.certificate_directory, plan.certificate_names)


async def _run(plan: UpPlan, ca: DevelopmentCa, writer: LineWriter, started: float) -> int:
    stopping = asyncio.Event()
    environment = with_development_key(plan.environment(os.environ, ca), plan)
    async with Supervisor(environment, writer) as supervisor:
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            asyncio.get_running_loop().add_signal_handler(number, _asked_to_stop, stopping, supervisor)
        await _unless_stopped(_until_ready(plan, ca, supervisor, started), stopping)
        await supervisor.run(stopping)
        writer.write("mailkeep: stopping")
    development_key_file(plan.data_dir).unlink(missing_ok=True)  # no token of it opens anything any more
    return EXIT_OK


def with_development_key(environment: dict[str, str], plan: UpPlan) -> dict[str, str]:
    """The environment with one random key for all hosts, which `mailkeep tokens dev` finds in its file: only
    where there is no issuer and nobody beyond this machine. Tokens die with the run. Raises SettingsError."""
    key_file = development_key_file(plan.data_dir)
    key_file.unlink(missing_ok=True)
    auth = load_settings(environ=environment).auth  # "off" already if a listener is public
    if auth.issuers or auth.jwt_development_key or auth.development_tokens == "off":
        return environment
    key = secrets.token_urlsafe(DEVELOPMENT_KEY_OCTETS)
    try:
        write_private(key_file, f"{key}\n")
    except OSError as error:
        raise SettingsError(f"The file '{key_file}' cannot be written: {error.strerror}.") from None
    return {**environment, "MAILKEEP_JWT_DEVELOPMENT_KEY": key}


def _asked_to_stop(stopping: asyncio.Event, supervisor: Supervisor) -> None:
    """The first time in order; who asks again does not want to wait."""
    if stopping.is_set():
        supervisor.kill()
    stopping.set()


async def _unless_stopped(work: Coroutine[None, None, None], stopping: asyncio.Event) -> None:
    asked = asyncio.ensure_future(stopping.wait())
    working = asyncio.ensure_future(work)
    both: set[asyncio.Future[Any]] = {asked, working}
    try:
        await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        if working.done():
            await working
    finally:
        for task in both:
            task.cancel()
        await asyncio.wait(both)


async def _until_ready(plan: UpPlan, ca: DevelopmentCa, supervisor: Supervisor, started: float) -> None:
    """Start all, provision meanwhile, wait for every host, tell."""
    await supervisor.start(_EARLY_HOSTS)
    # The store's libraries take half a second to import, in which the hosts are starting already.
    from mailkeep_cli.up_provision import provision  # noqa: PLC0415
    from mailkeep_cli.up_report import print_table, ready_object  # noqa: PLC0415

    made = await provision(plan, load_settings())
    await supervisor.start(["smtp"])
    await supervisor.ready()
    seconds = time.monotonic() - started
    if plan.ready_file is not None:
        write_ready_file(plan.ready_file, ready_object(plan, made, ca.ca_file))
    print_table(plan, made, ca.ca_file, seconds)

"""A private PostgreSQL cluster for tests and benchmarks, made from what the machine has installed.

It lies in a temporary directory, listens on a free loopback port with a random password, and shares
nothing with any other cluster of the machine: no PG* variable reaches it. PostgreSQL refuses to run as
root, so under root its programs run as `nobody`. Nothing here imports pytest: benchmarks use it too.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, TypeVar

import asyncpg
from tests.support.ports import free_port

PROGRAMS_ROOT = Path("/usr/lib/postgresql")  # where Debian keeps them, one directory a version
START_SECONDS = 30.0
UNPRIVILEGED = "nobody"

T = TypeVar("T")


class PostgresMissing(Exception):
    """The machine has no initdb and postgres."""


def programs() -> Path:
    """The directory with initdb and postgres. Raises PostgresMissing."""
    on_path = shutil.which("initdb")
    if on_path and shutil.which("postgres"):
        return Path(on_path).resolve().parent
    for directory in sorted(PROGRAMS_ROOT.glob("*/bin"), key=_version, reverse=True):
        if (directory / "initdb").exists() and (directory / "postgres").exists():
            return directory
    raise PostgresMissing


class PostgresCluster:
    """start, url(database), create_database, stop. Also stop and start again, to test an outage.

    With `durable` commits wait for the disk, as in production; without it tests are faster, and a crash
    of the processes that use the store (not of the machine) still loses nothing.
    """

    def __init__(self, *, durable: bool = False, max_connections: int = 200) -> None:
        self.durable = durable
        self.max_connections = max_connections
        self.port = 0
        self.password = secrets.token_hex(16)
        self.directory: Path | None = None
        self._programs = programs()
        self._server: subprocess.Popen[bytes] | None = None

    # --- life -----------------------------------------------------------------------------------

    def start(self) -> None:
        """Make the cluster if there is none yet, and start it. Returns when it accepts connections."""
        if self.directory is None:
            self._initialise()
        with self._log.open("ab") as log:
            self._server = subprocess.Popen(
                [*_as_unprivileged(), str(self._programs / "postgres"), "-D", str(self._data)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=_clean_environment(),
                cwd="/",
                start_new_session=True,  # Ctrl-C is for the tests, which then stop it in order
            )
        self._wait_until_it_accepts()

    def stop(self, *, immediate: bool = False) -> None:
        """Stop the server, keeping its data; `immediate` is as by a crash."""
        if self._server is not None:
            self._server.send_signal(signal.SIGQUIT if immediate else signal.SIGINT)
            self._server.wait(START_SECONDS)
            self._server = None

    def close(self) -> None:
        """Stop the server and remove its data."""
        self.stop(immediate=True)
        if self.directory is not None:
            shutil.rmtree(self.directory, ignore_errors=True)
            self.directory = None

    def __enter__(self) -> PostgresCluster:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # --- use ------------------------------------------------------------------------------------

    def url(self, database: str = "postgres") -> str:
        """The URL of a database as the settings take it."""
        return f"postgresql+asyncpg://mailkeep:{self.password}@127.0.0.1:{self.port}/{database}"

    def dsn(self, database: str = "postgres") -> str:
        """The same for asyncpg and libpq."""
        return self.url(database).replace("+asyncpg", "")

    def create_database(self, template: str = "template0") -> str:
        """A new database with a name of its own, copied from a template that nobody is connected to."""
        name = f"t_{secrets.token_hex(6)}"
        self.execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY")
        return name

    def drop_database(self, name: str) -> None:
        """Remove a database, disconnecting whoever uses it."""
        self.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    def execute(self, statement: str, database: str = "postgres") -> None:
        """Run one statement outside a transaction. May be called with or without a running loop."""
        run_apart(self._execute(statement, database))

    # --- how ------------------------------------------------------------------------------------

    @property
    def _data(self) -> Path:
        assert self.directory is not None
        return self.directory / "data"

    @property
    def _log(self) -> Path:
        assert self.directory is not None
        return self.directory / "log"

    async def _execute(self, statement: str, database: str) -> None:
        connection = await asyncpg.connect(self.dsn(database), timeout=START_SECONDS)
        try:
            await connection.execute(statement, timeout=START_SECONDS)
        finally:
            await connection.close()

    def _initialise(self) -> None:
        self.directory = Path(tempfile.mkdtemp(prefix="mkpg-"))
        self.port = free_port()
        password_file = self.directory / "password"
        password_file.write_text(self.password)
        if os.getuid() == 0:
            shutil.chown(self.directory, UNPRIVILEGED)
            shutil.chown(password_file, UNPRIVILEGED)
        command = [str(self._programs / "initdb"), "-D", str(self._data), "-U", "mailkeep", "-E", "UTF8"]
        # On loopback a password in clear is as good as a hashed one, and a tenth of the time to connect.
        command += ["--locale=C", "--auth=password", f"--pwfile={password_file}", "--no-sync"]
        made = subprocess.run(
            [*_as_unprivileged(), *command],
            env=_clean_environment(),
            cwd="/",
            capture_output=True,
            check=False,
        )
        if made.returncode != 0:
            raise RuntimeError(f"initdb failed: {made.stderr.decode(errors='replace')}")
        with (self._data / "postgresql.conf").open("a") as settings:
            settings.write(self._settings())

    def _settings(self) -> str:
        lines = [
            "listen_addresses = '127.0.0.1'",
            f"port = {self.port}",
            f"unix_socket_directories = '{self.directory}'",
            f"max_connections = {self.max_connections}",
            "shared_buffers = 128MB",
            "max_wal_size = 1GB",
            "logging_collector = off",
            "timezone = 'UTC'",
        ]
        if not self.durable:
            lines += ["fsync = off", "full_page_writes = off"]
        return "\n".join(lines) + "\n"

    def _wait_until_it_accepts(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            assert self._server is not None
            if self._server.poll() is not None:
                raise RuntimeError(f"postgres ended: {self._log.read_text(errors='replace')[-2000:]}")
            try:
                self.execute("SELECT 1")
            except (OSError, asyncpg.PostgresError):
                time.sleep(0.05)
            else:
                return
        raise RuntimeError("postgres did not accept connections in time")


def run_apart(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end on a loop of its own, in a thread, so that any caller may wait for it."""
    outcome: list[T] = []
    failure: list[BaseException] = []

    def work() -> None:
        try:
            outcome.append(asyncio.run(coroutine))
        except BaseException as error:
            failure.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    if failure:
        raise failure[0]
    return outcome[0]


def _version(directory: Path) -> int:
    name = directory.parent.name
    return int(name) if name.isdigit() else 0


def _as_unprivileged() -> list[str]:
    if os.getuid() != 0:
        return []
    return ["setpriv", f"--reuid={UNPRIVILEGED}", "--regid=nogroup", "--clear-groups", "--"]


def _clean_environment() -> dict[str, str]:
    return {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "LC_ALL": "C", "TZ": "UTC"}

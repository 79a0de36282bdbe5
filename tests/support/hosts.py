"""Real host processes for tests and benchmarks: one `mailkeep up` with a directory of its own.

`MailkeepUp` starts it on free ports, reads the ready file, makes users, and at the end holds it to its
promises: a clean exit, no traceback in what it wrote, and none of the keys that this run minted in its logs
or on any command line. Nothing here imports pytest: benchmarks use it too.
"""

from __future__ import annotations

import json
import os
import random
import secrets
import signal
import ssl
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from tests.support.ports import ATTEMPTS, PORTS, is_free
from tests.support.postgres import run_apart

from mailkeep.auth import KeyService
from mailkeep.model.address import Address
from mailkeep.model.scope import Scope
from mailkeep.settings import AuthSettings, StoreSettings
from mailkeep.storage import open_store
from mailkeep_cli.up_plan import OPERATORS

START_SECONDS = 60.0
STOP_SECONDS = 30.0
HOSTS = ("smtp", "imap", "pop3", "api")
OFFSETS = {
    "mx": 25,
    "pop3": 110,
    "imap": 143,
    "submissions": 465,
    "submission": 587,
    "imaps": 993,
    "pop3s": 995,
    "api": 80,
    **{f"{host} operators": offset for host, offset in OPERATORS.items()},
}


class Place(NamedTuple):
    """Where a client connects to."""

    host: str
    port: int


@dataclass(frozen=True, slots=True)
class Person:
    """A user with a key of their own, the password of every protocol."""

    address: str
    api_key: str = field(repr=False)


class MailkeepUp:
    """start, stop, start again on the same data. Use as a context manager to have it stopped and held."""

    def __init__(
        self,
        directory: Path,
        database: str = "",
        options: Sequence[str] = (),
        environ: Mapping[str, str] | None = None,
        program: Path | None = None,
    ) -> None:
        self.directory = directory
        self._program = str(program or Path(sys.executable).with_name("mailkeep"))
        self.data_dir = directory / "data"
        self.database = database
        self.options = tuple(options)
        self.environ = dict(environ or {})  # settings besides, as MAILKEEP_* variables
        self.port_base = free_port_base()
        self.ready: dict[str, Any] = {}
        self.api_key = ""  # of the demo user, from the start that minted it
        self.internal_key = ""
        self.ready_seconds = 0.0
        password = database.split("@", maxsplit=1)[0].rsplit(":", 1)[-1] if "@" in database else ""
        self._secrets: list[str] = [password] if password else []
        self._process: subprocess.Popen[bytes] | None = None
        directory.mkdir(parents=True, exist_ok=True)

    # --- life -----------------------------------------------------------------------------------

    def start(self) -> None:
        """Start, and return when every listener accepts. Raises RuntimeError with what it said instead."""
        ready_file = self.directory / "ready.json"
        ready_file.unlink(missing_ok=True)
        began = time.monotonic()
        self._process = self.launch("--ready-file", str(ready_file))
        deadline = began + START_SECONDS
        while not ready_file.exists():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.kill()
                raise RuntimeError(f"mailkeep up did not become ready:\n{self.log}\n{self.shown}")
            time.sleep(0.01)
        self.ready_seconds = time.monotonic() - began
        self.ready = json.loads(ready_file.read_text())
        self.api_key = self.ready.get("api_key", self.api_key)
        self.internal_key = self.ready.get("internal_key", self.internal_key)
        self._secrets += [self.ready[name] for name in ("api_key", "internal_key") if name in self.ready]

    def launch(self, *options: str) -> subprocess.Popen[bytes]:
        """Only the process, with these options more; it need not become ready."""
        command = [self._program, "up", "--data-dir", str(self.data_dir)]
        command += ["--port-base", str(self.port_base), *self.options, *options]
        with (self.directory / "log").open("ab") as log, (self.directory / "shown").open("ab") as shown:
            return subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=shown,
                stderr=log,
                cwd=self.directory,
                env=self.environment,
                start_new_session=True,
            )

    def stop(self, number: signal.Signals = signal.SIGTERM) -> None:
        """Stop in order. Raises AssertionError if the end was not clean."""
        assert self._process is not None
        process, self._process = self._process, None
        hosts = [pid for pids in host_pids(process.pid).values() for pid in pids]
        process.send_signal(number)
        try:
            code = process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            raise AssertionError(f"mailkeep up did not stop:\n{self.log}") from None
        assert code == 0, f"exit code {code}:\n{self.log}"
        assert not [pid for pid in hosts if is_alive(pid)], "a host outlived mailkeep up"

    def kill(self) -> None:
        """End the supervisor as a crash would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def keep_secret(self, secret: str) -> None:
        """Hold logs and command lines to this secret too."""
        self._secrets.append(secret)

    def check_log(self) -> None:
        """No traceback, and no secret of this run. Raises AssertionError."""
        log = self.log
        assert "Traceback" not in log, log
        for secret in self._secrets:
            assert secret not in log, "a secret is in the log"

    def __enter__(self) -> MailkeepUp:
        self.start()
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        if self._process is None:
            return
        if kind is not None:
            self.kill()
            return
        self.check_command_lines()
        self.stop()
        self.check_log()

    # --- use ------------------------------------------------------------------------------------

    @property
    def environment(self) -> dict[str, str]:
        """What the process gets: the database's URL travels here, for it holds a password."""
        clean = {name: value for name, value in os.environ.items() if not name.startswith("MAILKEEP_")}
        named = {"MAILKEEP_STORE_DATABASE": self.database} if self.database else {}
        return {**clean, **named, **self.environ}

    @property
    def pid(self) -> int:
        """The supervisor's."""
        assert self._process is not None
        return self._process.pid

    def place(self, listener: str) -> Place:
        """Where a client connects to: mx, submission, submissions, imap, imaps, pop3, pop3s."""
        told = self.ready[listener]
        return Place(told["host"], told["port"])

    @property
    def api_url(self) -> str:
        """The API's base URL."""
        return str(self.ready["api"]["url"])

    @property
    def ca_file(self) -> str:
        """What clients trust."""
        return str(self.ready["ca_file"])

    @property
    def tls(self) -> ssl.SSLContext:
        """A client's context that verifies chain and name."""
        return ssl.create_default_context(cafile=self.ca_file)

    @property
    def demo(self) -> Person:
        """The user whom the first start made."""
        return Person(self.ready["address"], self.api_key)

    @property
    def log(self) -> str:
        """What it wrote to standard error, hosts included."""
        return (self.directory / "log").read_text(errors="replace")

    @property
    def shown(self) -> str:
        """What it wrote to standard output, for people."""
        return (self.directory / "shown").read_text(errors="replace")

    def wait_for_log(self, text: str, seconds: float = 30.0) -> None:
        """Return when the log holds the text. Raises AssertionError."""
        self._wait_for(self.directory / "log", text, seconds)

    def wait_for_shown(self, text: str, seconds: float = 30.0) -> None:
        """Return when the text has been shown to people. Raises AssertionError."""
        self._wait_for(self.directory / "shown", text, seconds)

    def _wait_for(self, path: Path, text: str, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while text not in path.read_text(errors="replace"):
            assert time.monotonic() < deadline, f"not in {path}: {text!r}\n{self.log[-4000:]}"
            time.sleep(0.02)

    def pids(self, host: str) -> list[int]:
        """The processes of one host that run now."""
        return host_pids(self.pid).get(host, [])

    def check_command_lines(self) -> None:
        """No secret of this run is on a command line. Raises AssertionError."""
        lines = [command_line(self.pid), *(command_line(pid) for host in HOSTS for pid in self.pids(host))]
        assert not [line for line in lines if any(secret in line for secret in self._secrets)]

    def cli(self, *arguments: str) -> Any:
        """Run `mailkeep ... --json` on this data and return its answer. Raises CalledProcessError."""
        command = [self._program, *arguments]
        command += ["--data-dir", str(self.data_dir), "--json"]
        ran = subprocess.run(command, env=self.environment, capture_output=True, check=True, timeout=60)
        return json.loads(ran.stdout or b"null")

    def add_person(self, name: str = "", domain: str = "example.test", *scopes: Scope) -> Person:
        """A user who is in no other test, with a key; without scopes it opens every protocol."""
        address = f"{name or 'user-' + secrets.token_hex(4)}@{domain}"
        person = run_apart(self._add_person(Address.parse(address), frozenset(scopes)))
        self._secrets.append(person.api_key)
        return person

    def unclaimed(self) -> str:
        """An address that nobody has."""
        return f"nobody-{secrets.token_hex(4)}@example.test"

    @property
    def store_settings(self) -> StoreSettings:
        """For a second opening of the same store, beside the hosts."""
        return StoreSettings(data_dir=str(self.data_dir), database=self.database)

    async def _add_person(self, address: Address, scopes: frozenset[Scope]) -> Person:
        store = await open_store(self.store_settings)
        try:
            user = await store.directory.user_by_address(address) or await store.directory.add_user(address)
            created = await KeyService(store, AuthSettings()).create(user.id, "test", scopes)
            return Person(str(address), created.api_key)
        finally:
            await store.close()


def free_port_base() -> int:
    """A port base with all of its ports free, outside of the ports that the kernel hands out."""
    for _ in range(ATTEMPTS):
        base = random.choice(PORTS)
        if all(is_free(base + offset) for offset in OFFSETS.values()):
            return base
    raise RuntimeError("no free ports")


def host_pids(supervisor: int) -> Mapping[str, list[int]]:
    """Host name -> its process ids, from /proc."""
    found: dict[str, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and _parent_of(int(entry.name)) == supervisor:
            line = command_line(int(entry.name))
            for host in HOSTS:
                if f"mailkeep_{host}" in line:
                    found.setdefault(host, []).append(int(entry.name))
    return found


def command_line(pid: int) -> str:
    """A process's arguments; "" if it is gone."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return ""


def is_alive(pid: int) -> bool:
    """True if the process runs; a zombie does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def _parent_of(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except (OSError, IndexError):
        return 0

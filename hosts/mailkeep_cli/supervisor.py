"""Keeps host processes running: starts them, hears that they are ready, starts again what dies, stops all.

Each host is a process of its own, so that one that crashes takes nothing with it. A host that dies is started
again after a pause that doubles with every quick death. One that finds its settings unusable at the first
start, or never becomes ready, ends the whole: starting again would not help. What hosts do is not known here.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import tempfile
from collections.abc import Awaitable, Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from mailkeep.errors import SettingsError
from mailkeep.net import parent
from mailkeep.net.exits import EXIT_FAULT, EXIT_SETTINGS, EXIT_UNAVAILABLE
from mailkeep.net.notices import NoticeSocket
from mailkeep_cli.supervisor_output import LINE_LIMIT, LineWriter, relay

STOP_SECONDS = 12.0  # from SIGTERM to SIGKILL; a host gives itself ten
START_SECONDS = 60.0  # for a host to say that it is ready
START_ATTEMPTS = 4  # deaths before the first readiness that end the whole
STEADY_SECONDS = 30.0  # a host that lived so long starts anew with the shortest pause
FIRST_PAUSE_SECONDS = 0.2
LONGEST_PAUSE_SECONDS = 30.0

_REASONS = {
    EXIT_SETTINGS: "its settings cannot be used",
    EXIT_UNAVAILABLE: "the database did not answer",
    EXIT_FAULT: "a fault, which its log names",
}


class HostUnusable(SettingsError):
    """A host could not be started at all; the sentence says why."""


class HostProcess:
    """One host and its restarts."""

    def __init__(self, name: str, environ: Mapping[str, str], directory: Path, writer: LineWriter) -> None:
        self.name = name
        self.begun = asyncio.Event()  # the first process exists
        self.ready = asyncio.Event()  # set by the first readiness, never cleared
        self._environ = dict(environ)
        self._writer = writer
        self._notices = NoticeSocket(directory / f"{name}.sock", self._heard)
        self._process: asyncio.subprocess.Process | None = None
        self._running = asyncio.Event()  # this process has said that it is ready
        self._stopping = asyncio.Event()
        self._deaths = 0

    async def keep(self) -> None:
        """Run the host until `stop`. Raises HostUnusable."""
        await self._notices.open()
        try:
            while not self._stopping.is_set():
                started = asyncio.get_running_loop().time()
                code, last_line = await self._run_once()
                if self._stopping.is_set():
                    return
                lived = asyncio.get_running_loop().time() - started
                await self._pause(self._judge(code, last_line, lived))
        finally:
            self._notices.close()

    def stop(self) -> None:
        """Ask the process to end, and start it no more."""
        self._stopping.set()
        self._signal(signal.SIGTERM)

    def kill(self) -> None:
        """End the process at once."""
        self._stopping.set()
        self._signal(signal.SIGKILL)

    async def _run_once(self) -> tuple[int, str]:
        """One process from start to end: its exit code and the last line that it wrote."""
        self._running.clear()
        self._process = process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", "-m", f"mailkeep_{self.name}"),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            limit=LINE_LIMIT,
            env=self._child_environment(),
            start_new_session=True,  # Ctrl-C reaches the supervisor alone, which stops hosts in order
        )
        self.begun.set()
        if self._stopping.is_set():
            self._signal(signal.SIGTERM)
        assert process.stdout is not None
        output = asyncio.ensure_future(relay(self.name, process.stdout, self._writer))
        watch = asyncio.ensure_future(self._watch_start())
        try:
            code = await process.wait()
            last_line = await asyncio.wait_for(output, STOP_SECONDS)
        finally:
            output.cancel()
            watch.cancel()
        return code, last_line

    async def _watch_start(self) -> None:
        try:
            await asyncio.wait_for(self._running.wait(), START_SECONDS)
        except TimeoutError:
            self._say(f"{self.name} was not ready after {START_SECONDS:g} s and is ended.")
            self._signal(signal.SIGKILL)

    def _judge(self, code: int, last_line: str, lived: float) -> float:
        """How long to wait before the next start, having told the reason. Raises HostUnusable."""
        self._deaths = 1 if lived >= STEADY_SECONDS else self._deaths + 1
        reason = describe_end(code)
        if not self.ready.is_set() and (code == EXIT_SETTINGS or self._deaths >= START_ATTEMPTS):
            raise HostUnusable(f"{self.name} cannot be started: {_sentence(last_line) or reason + '.'}")
        pause = min(FIRST_PAUSE_SECONDS * 2 ** (self._deaths - 1), LONGEST_PAUSE_SECONDS)
        self._say(f"{self.name} ended ({reason}); it starts again in {pause:g} s.")
        return float(pause)

    async def _pause(self, seconds: float) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), seconds)

    def _heard(self, fields: Mapping[str, str]) -> None:
        if self._process is None or fields.get("MAINPID", "") not in ("", str(self._process.pid)):
            return
        if fields.get("READY") == "1":
            if self.ready.is_set() and not self._running.is_set():
                self._say(f"{self.name} is ready again.")
            self._running.set()
            self.ready.set()

    def _child_environment(self) -> dict[str, str]:
        return {
            **self._environ,
            "NOTIFY_SOCKET": str(self._notices.path),
            parent.VARIABLE: str(os.getpid()),
        }

    def _signal(self, number: signal.Signals) -> None:
        if self._process is not None and self._process.returncode is None:
            with suppress(ProcessLookupError):
                self._process.send_signal(number)

    def _say(self, sentence: str) -> None:
        self._writer.write(f"mailkeep: {sentence}")


class Supervisor:
    """The hosts of one `mailkeep up`. Use as an async context manager: leaving it stops them all."""

    def __init__(self, environ: Mapping[str, str], writer: LineWriter) -> None:
        self._environ = environ
        self._writer = writer
        self._directory = tempfile.TemporaryDirectory(prefix="mailkeep-")
        self._hosts: list[HostProcess] = []
        self._keepers: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Supervisor:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()
        self._directory.cleanup()

    async def start(self, names: Sequence[str]) -> None:
        """Start these hosts, all at once. Returns when their processes exist. Raises HostUnusable."""
        before = len(self._hosts)
        for name in names:
            host = HostProcess(name, self._environ, Path(self._directory.name), self._writer)
            self._hosts.append(host)
            self._keepers.append(asyncio.get_running_loop().create_task(host.keep(), name=f"keep {name}"))
        await self._unless_one_gives_up(_all(host.begun for host in self._hosts[before:]))

    async def ready(self) -> None:
        """Return when every started host has said that it is ready. Raises HostUnusable."""
        await self._unless_one_gives_up(_all(host.ready for host in self._hosts))

    async def run(self, stopping: asyncio.Event) -> None:
        """Keep them running until `stopping` is set."""
        await self._unless_one_gives_up(_all([stopping]))

    async def stop(self) -> None:
        """SIGTERM to all, and after STOP_SECONDS SIGKILL to those that are still there."""
        for host in self._hosts:
            host.stop()
        if self._keepers:
            _, late = await asyncio.wait(self._keepers, timeout=STOP_SECONDS)
            for host, keeper in zip(self._hosts, self._keepers, strict=True):
                if keeper in late:
                    self._writer.write(f"mailkeep: {host.name} did not stop in time and is killed.")
                    host.kill()
            if late:
                await asyncio.wait(late, timeout=STOP_SECONDS)
        self._keepers.clear()
        self._hosts.clear()

    def kill(self) -> None:
        """SIGKILL to all, for a user who does not want to wait."""
        for host in self._hosts:
            host.kill()

    async def _unless_one_gives_up(self, until: Awaitable[None]) -> None:
        waiting = asyncio.ensure_future(until)
        try:
            awaited: set[asyncio.Future[None]] = {waiting, *self._keepers}
            done, _ = await asyncio.wait(awaited, return_when=asyncio.FIRST_COMPLETED)
            for ended in done:
                ended.result()
        finally:
            waiting.cancel()


async def _all(events: Iterable[asyncio.Event]) -> None:
    for event in list(events):
        await event.wait()


def describe_end(code: int) -> str:
    """A process's end in words: "killed by SIGKILL", "exit code 70: ...", "exit code 0"."""
    if code < 0:
        try:
            return f"killed by {signal.Signals(-code).name}"
        except ValueError:
            return f"killed by signal {-code}"
    reason = _REASONS.get(code)
    return f"exit code {code}: {reason}" if reason else f"exit code {code}"


def _sentence(last_line: str) -> str:
    """A host's own last words, `mailkeep-imap: Port ... is in use.`, without its name."""
    name, colon, sentence = last_line.partition(": ")
    return sentence if colon and name.startswith("mailkeep-") else ""

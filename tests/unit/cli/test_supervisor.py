"""The supervisor with real processes: small hosts, run as `python -m mailkeep_<name>`."""

from __future__ import annotations

import asyncio
import io
import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from mailkeep.net.exits import EXIT_SETTINGS
from mailkeep_cli.supervisor import HostUnusable, Supervisor, describe_end
from mailkeep_cli.supervisor_output import LineWriter

WAIT = 20.0

STEADY = """
import sys
from mailkeep.net.runtime import run_host
async def main(settings, lifecycle):
    print("pid", __import__("os").getpid(), flush=True)
    lifecycle.ready({"mx": ["127.0.0.1:1"]})
    await lifecycle.stopping.wait()
    print("ended in order", flush=True)
sys.exit(run_host("steady", main))
"""
UNUSABLE = """
import sys
from mailkeep.errors import SettingsError
from mailkeep.net.runtime import run_host
async def main(settings, lifecycle):
    raise SettingsError("Port 25 on 127.0.0.1 is in use by another program.")
sys.exit(run_host("unusable", main))
"""
DYING = "raise SystemExit(70)"
DEAF = """
import os, signal, time
from mailkeep.net import sdnotify
signal.signal(signal.SIGTERM, signal.SIG_IGN)
sdnotify.notify(sdnotify.ready_fields({}))
while True: time.sleep(1)
"""


class Output(io.StringIO):
    """What the user sees, with a way to wait for it."""

    async def until(self, text: str, times: int = 1) -> None:
        async with asyncio.timeout(WAIT):
            while self.getvalue().count(text) < times:
                await asyncio.sleep(0.01)

    def pids(self) -> list[int]:
        return [int(line.rsplit(" ", 1)[1]) for line in self.getvalue().splitlines() if "| pid " in line]


@pytest.fixture
def hosts(tmp_path: Path) -> Callable[[str, str], None]:
    def write(name: str, program: str) -> None:
        package = tmp_path / f"mailkeep_{name}"
        package.mkdir()
        (package / "__init__.py").touch()
        (package / "__main__.py").write_text(program)

    return write


@pytest.fixture
def output() -> Output:
    return Output()


@pytest.fixture
def supervisor(tmp_path: Path, output: Output) -> Supervisor:
    return Supervisor({**os.environ, "PYTHONPATH": str(tmp_path)}, LineWriter(output))


async def test_hosts_become_ready_and_stop_in_order(
    hosts: Callable[[str, str], None], supervisor: Supervisor, output: Output
) -> None:
    hosts("steady", STEADY)
    async with supervisor:
        await supervisor.start(["steady"])
        async with asyncio.timeout(WAIT):
            await supervisor.ready()
    await output.until("steady | ended in order")
    assert not _alive(output.pids()[0])


async def test_a_killed_host_is_started_again_and_the_reason_is_told(
    hosts: Callable[[str, str], None], supervisor: Supervisor, output: Output
) -> None:
    hosts("steady", STEADY)
    async with supervisor:
        await supervisor.start(["steady"])
        await supervisor.ready()
        await output.until("| pid ")
        os.kill(output.pids()[0], signal.SIGKILL)
        await output.until("mailkeep: steady ended (killed by SIGKILL); it starts again in 0.2 s.")
        await output.until("mailkeep: steady is ready again.")
        await output.until("| pid ", times=2)
    assert len(set(output.pids())) == 2


async def test_unusable_settings_end_the_whole_with_the_hosts_own_sentence(
    hosts: Callable[[str, str], None], supervisor: Supervisor
) -> None:
    hosts("steady", STEADY)
    hosts("unusable", UNUSABLE)
    async with supervisor:
        await supervisor.start(["steady", "unusable"])
        with pytest.raises(
            HostUnusable, match=r"^unusable cannot be started: Port 25 on 127\.0\.0\.1 is in use"
        ):
            await supervisor.ready()


async def test_a_host_that_never_becomes_ready_is_given_up(
    hosts: Callable[[str, str], None], supervisor: Supervisor, output: Output
) -> None:
    hosts("dying", DYING)
    async with supervisor:
        await supervisor.start(["dying"])
        with pytest.raises(HostUnusable, match="exit code 70: a fault, which its log names"):
            await supervisor.ready()
    await output.until("it starts again in", times=3)


async def test_a_host_that_does_not_stop_is_killed(
    hosts: Callable[[str, str], None],
    supervisor: Supervisor,
    output: Output,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("mailkeep_cli.supervisor.STOP_SECONDS", 0.3)
    hosts("deaf", DEAF)
    async with supervisor:
        await supervisor.start(["deaf"])
        await supervisor.ready()
    await output.until("mailkeep: deaf did not stop in time and is killed.")


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (-9, "killed by SIGKILL"),
        (-99, "killed by signal 99"),
        (0, "exit code 0"),
        (EXIT_SETTINGS, "exit code 78: its settings cannot be used"),
    ],
)
def test_an_end_is_told_in_words(code: int, words: str) -> None:
    assert describe_end(code) == words


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True

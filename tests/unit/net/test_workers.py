"""A host with workers, seen from outside: one host to its service manager, several processes to its
clients."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.request import urlopen

import pytest
from tests.support.ports import free_port

from mailkeep.net import sdnotify
from mailkeep.net.exits import EXIT_SETTINGS

SECONDS = 60
PROGRAM = """
import asyncio, os, sys, time
from mailkeep.errors import SettingsError
from mailkeep.net.listen import address_of, bind_all
from mailkeep.net.runtime import run_host

async def main(settings, lifecycle):
    sockets = bind_all(settings.pop3.plain)
    if settings.log.level == "error":
        raise SettingsError("The setting that only a worker looks at is wrong.")
    async def serve(reader, writer):
        said = await reader.readline()
        if said == b"hang\\n":
            time.sleep(600)
        writer.write(b"%d\\n" % os.getpid())
        writer.close()
    for listener in sockets:
        await asyncio.start_server(serve, sock=listener)
    lifecycle.on_reload(lambda renewed: print("reloaded", os.getpid(), flush=True))
    lifecycle.ready({"pop3": [address_of(one) for one in sockets]})
    await lifecycle.stopping.wait()

sys.exit(run_host("pop3", main))
"""


class HostWithWorkers:
    """The program above with its notices."""

    def __init__(self, directory: Path, **environ: str) -> None:
        program = directory / "host.py"
        program.write_text(PROGRAM)
        self._notices = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._notices.bind(str(directory / "notify"))
        self._notices.settimeout(SECONDS)
        self.port = free_port()
        self.statuses: list[str] = []
        settings = {"PLAIN": f"127.0.0.1:{self.port}", "WORKERS": "2"}
        self.process = subprocess.Popen(
            [sys.executable, str(program)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={
                **os.environ,
                "NOTIFY_SOCKET": str(directory / "notify"),
                **{f"MAILKEEP_POP3_{name}": value for name, value in settings.items()},
                **environ,
            },
        )

    def until(self, wanted: Callable[[dict[str, str]], bool]) -> dict[str, str]:
        """The first notice that is wanted."""
        deadline = time.monotonic() + SECONDS
        while time.monotonic() < deadline:
            fields = sdnotify.parse(self._notices.recv(sdnotify.DATAGRAM_LIMIT))
            if wanted(fields):
                return fields
        raise AssertionError("no such notice came")

    def until_status(self, ending: str) -> None:
        self.until(lambda fields: fields.get("STATUS", "").endswith(ending))

    def ask(self, line: bytes = b"who\n") -> int:
        """The process that answers a connection; 0 if none does."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=SECONDS) as client:
            client.sendall(line)
            return int(client.recv(100) or b"0")

    def workers(self) -> set[int]:
        """The processes that answer, once both have."""
        found: set[int] = set()
        deadline = time.monotonic() + SECONDS
        while len(found) < 2 and time.monotonic() < deadline:
            found.add(self.ask())
        return found

    def end(self) -> tuple[int, str, str]:
        out, err = self.process.communicate(timeout=SECONDS)
        return self.process.returncode, out, err

    def close(self) -> None:
        self._notices.close()
        if self.process.poll() is None:
            self.process.kill()
            self.process.communicate()


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Callable[..., HostWithWorkers]]:
    made: list[HostWithWorkers] = []

    def make(**environ: str) -> HostWithWorkers:
        made.append(HostWithWorkers(tmp_path, **environ))
        return made[-1]

    yield make
    for one in made:
        one.close()


def is_ready(fields: dict[str, str]) -> bool:
    return fields.get("READY") == "1"


def test_it_lives_as_one_host(host: Callable[..., HostWithWorkers]) -> None:
    """Ready when all are; a worker that is killed is replaced; SIGHUP reaches each; SIGTERM ends all in
    order."""
    program = host()
    ready = program.until(is_ready)
    assert ready["MAINPID"] == str(program.process.pid)
    assert ready["STATUS"].endswith("2 of 2 workers")
    assert sdnotify.parse_listeners(ready) == {"pop3": [f"127.0.0.1:{program.port}"]}
    workers = program.workers()
    assert len(workers) == 2
    assert program.process.pid not in workers

    victim = min(workers)
    os.kill(victim, signal.SIGKILL)
    program.until_status("1 of 2 workers")
    assert program.ask() == max(workers)
    program.until_status("2 of 2 workers")
    renewed = program.workers()
    assert len(renewed) == 2
    assert victim not in renewed

    program.process.send_signal(signal.SIGHUP)
    program.until(lambda fields: fields.get("RELOADING") == "1")
    program.until(is_ready)
    program.process.send_signal(signal.SIGTERM)
    program.until(lambda fields: fields.get("STOPPING") == "1")
    code, out, err = program.end()
    assert code == 0
    assert {f"reloaded {pid}" for pid in renewed} == set(out.splitlines())
    assert "Traceback" not in err


def test_what_a_worker_finds_wrong_with_the_settings_ends_the_whole(
    host: Callable[..., HostWithWorkers],
) -> None:
    code, _, err = host(MAILKEEP_LOG_LEVEL="error").end()
    assert code == EXIT_SETTINGS
    assert "mailkeep-pop3: The setting that only a worker looks at is wrong." in err
    assert "Traceback" not in err


def test_a_port_in_use_is_one_sentence(host: Callable[..., HostWithWorkers]) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        address = f"127.0.0.1:{other.getsockname()[1]}"
        code, _, err = host(MAILKEEP_POP3_PLAIN=address).end()
    assert code == EXIT_SETTINGS
    assert err.count("is in use by another program.") == 1


def test_the_watchdog_is_fed_and_a_stuck_worker_is_replaced(host: Callable[..., HostWithWorkers]) -> None:
    program = host(WATCHDOG_USEC="8000000")
    program.until(is_ready)
    program.until(lambda fields: fields.get("WATCHDOG") == "1")
    with socket.create_connection(("127.0.0.1", program.port)) as client:
        client.sendall(b"hang\n")
        program.until_status("1 of 2 workers")
    program.until_status("2 of 2 workers")
    program.until(lambda fields: fields.get("WATCHDOG") == "1")


def test_workers_end_with_a_parent_that_is_killed(host: Callable[..., HostWithWorkers]) -> None:
    program = host()
    program.until(is_ready)
    workers = program.workers()
    program.process.kill()
    program.process.wait()
    deadline = time.monotonic() + SECONDS
    while any(Path(f"/proc/{pid}").exists() for pid in workers):
        assert time.monotonic() < deadline, "a worker outlived its parent"
        time.sleep(0.05)


def test_the_parent_says_how_its_workers_are(host: Callable[..., HostWithWorkers]) -> None:
    port = free_port()
    program = host(MAILKEEP_METRICS_POP3=f"127.0.0.1:{port}")
    program.until(is_ready)
    with urlopen(f"http://127.0.0.1:{port}/metrics", timeout=SECONDS) as answer:
        text = answer.read().decode()
    assert 'mailkeep_workers{state="ready"} 2.0' in text
    assert 'mailkeep_workers{state="wanted"} 2.0' in text

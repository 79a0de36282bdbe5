"""The frame of a host, seen from outside: a process with signals, an exit code and what it says."""

from __future__ import annotations

import gc
import os
import resource
import signal
import socket
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

from mailkeep.net import parent, sdnotify
from mailkeep.net.lifecycle import GARBAGE_THRESHOLDS

SECONDS = 30
FRAMES = ("run_host", "run_twisted_host")


class HostProgram:
    """A host written for one test, and its notices."""

    def __init__(self, directory: Path, frame: str, body: str) -> None:
        self._program = directory / "host.py"
        self._program.write_text(
            "import asyncio, sys\n"
            f"from mailkeep.net.runtime import {frame} as run\n"
            "from mailkeep.observe.logs import get_logger\n"
            "async def main(settings, lifecycle):\n"
            f"{textwrap.indent(textwrap.dedent(body), '    ')}\n"
            "sys.exit(run('test', main))\n"
        )
        self._address = str(directory / "notify")
        self._notices = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._notices.bind(self._address)
        self._notices.settimeout(SECONDS)
        self.process: subprocess.Popen[str] | None = None

    def start(self, *arguments: str, **environ: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, str(self._program), *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "NOTIFY_SOCKET": self._address, **environ},
        )

    def start_with_descriptors(self, descriptors: list[int]) -> None:
        """As descriptors 3 and further, told of by LISTEN_PID and LISTEN_FDS."""
        starter = (
            "import os, sys\n"
            "for place, given in enumerate(sys.argv[2:]): os.dup2(int(given), 100 + place)\n"
            "for place in range(len(sys.argv) - 2): os.dup2(100 + place, 3 + place); os.close(100 + place)\n"
            "os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS=str(len(sys.argv) - 2))\n"
            "os.execv(sys.executable, [sys.executable, sys.argv[1]])\n"
        )
        self.process = subprocess.Popen(
            [sys.executable, "-c", starter, str(self._program), *map(str, descriptors)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            pass_fds=descriptors,
            env={**os.environ, "NOTIFY_SOCKET": self._address},
        )

    def notice(self) -> dict[str, str]:
        return sdnotify.parse(self._notices.recv(sdnotify.DATAGRAM_LIMIT))

    def signal(self, number: signal.Signals) -> None:
        assert self.process is not None
        self.process.send_signal(number)

    def end(self) -> tuple[int, str, str]:
        assert self.process is not None
        out, err = self.process.communicate(timeout=SECONDS)
        return self.process.returncode, out, err

    def close(self) -> None:
        self._notices.close()
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.communicate()


@pytest.fixture
def host(tmp_path: Path) -> Callable[[str, str], HostProgram]:
    made: list[HostProgram] = []

    def make(frame: str, body: str) -> HostProgram:
        made.append(HostProgram(tmp_path, frame, body))
        return made[-1]

    yield make  # type: ignore[misc]
    for one in made:
        one.close()


@pytest.mark.parametrize("frame", FRAMES)
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_a_host_in_order(
    host: Callable[[str, str], HostProgram], frame: str, number: signal.Signals
) -> None:
    program = host(
        frame,
        """
        assert type(asyncio.get_running_loop()).__module__.startswith("uvloop")
        lifecycle.ready({"mx": ["127.0.0.1:25"]})
        await lifecycle.stopping.wait()
        await asyncio.sleep(0.01)
        print("sessions ended")
        """,
    )
    program.start()
    ready = program.notice()
    assert ready["READY"] == "1"
    assert sdnotify.parse_listeners(ready) == {"mx": ["127.0.0.1:25"]}
    program.signal(number)
    assert program.notice()["STOPPING"] == "1"
    assert program.end()[:2] == (0, "sessions ended\n")


@pytest.mark.parametrize("frame", FRAMES)
def test_settings_that_cannot_be_used_are_one_sentence(
    host: Callable[[str, str], HostProgram], frame: str
) -> None:
    program = host(frame, "pass")
    program.start(MAILKEEP_SMTP_MAX_ERRORS="many")
    code, out, err = program.end()
    assert (code, out) == (78, "")
    assert err.startswith("mailkeep-test: The settings cannot be used: ")
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    ("raised", "code"),
    [
        ("SettingsError('Port 25 on 127.0.0.1 is in use.')", 78),
        ("StoreUnavailable('The database does not answer.')", 75),
    ],
)
@pytest.mark.parametrize("frame", FRAMES)
def test_a_host_that_cannot_start_says_why_without_a_traceback(
    host: Callable[[str, str], HostProgram], frame: str, raised: str, code: int
) -> None:
    program = host(frame, f"import mailkeep.errors\nraise mailkeep.errors.{raised}")
    program.start()
    ended, _, err = program.end()
    assert ended == code
    assert "Traceback" not in err
    assert err.splitlines()[-1].startswith("mailkeep-test: ")


@pytest.mark.parametrize("frame", FRAMES)
def test_a_fault_is_logged_and_its_secrets_are_not(
    host: Callable[[str, str], HostProgram], frame: str
) -> None:
    program = host(frame, "raise RuntimeError('broken by Authorization: Bearer abcdefghijkl')")
    program.start(MAILKEEP_LOG_FORMAT="json")
    code, _, err = program.end()
    assert code == 70
    assert "host failed" in err
    assert "correlation_id" in err
    assert "abcdefghijkl" not in err


@pytest.mark.parametrize("frame", FRAMES)
def test_a_host_that_does_not_return_is_cancelled(
    host: Callable[[str, str], HostProgram], frame: str
) -> None:
    program = host(
        frame,
        """
        import mailkeep.net.runtime
        mailkeep.net.runtime.STOP_SECONDS = 0.1
        lifecycle.ready({})
        await asyncio.Event().wait()
        """,
    )
    program.start()
    program.notice()
    program.signal(signal.SIGTERM)
    code, _, err = program.end()
    assert code == 70
    assert "did not stop in time" in err


def test_background_tasks_end_with_the_host(host: Callable[[str, str], HostProgram]) -> None:
    program = host(
        "run_host",
        """
        async def work():
            try:
                await asyncio.Event().wait()
            finally:
                print("task ended")
        lifecycle.tasks.spawn(work(), "work")
        await asyncio.sleep(0)
        print("main ended", flush=True)
        """,
    )
    program.start()
    assert program.end()[:2] == (0, "main ended\ntask ended\n")


def test_a_host_may_open_as_many_files_as_the_machine_permits(
    host: Callable[[str, str], HostProgram],
) -> None:
    program = host("run_host", "import resource\nprint(*resource.getrlimit(resource.RLIMIT_NOFILE))")
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    program.start()
    assert program.end()[:2] == (0, f"{hard} {hard}\n")


@pytest.mark.parametrize("frame", FRAMES)
def test_garbage_is_collected_once_the_host_is_ready(
    host: Callable[[str, str], HostProgram], frame: str
) -> None:
    look = "print(gc.isenabled(), gc.get_threshold())"
    program = host(frame, f"import gc\n{look}\nlifecycle.ready({{}})\n{look}")
    program.start()
    assert program.end()[:2] == (0, f"False {gc.get_threshold()}\nTrue {GARBAGE_THRESHOLDS}\n")


def test_a_file_of_settings_is_named_on_the_command_line(
    host: Callable[[str, str], HostProgram], tmp_path: Path
) -> None:
    (tmp_path / "mail.toml").write_text('[smtp]\nhostname = "mx.example.test"\n')
    program = host("run_host", "print(settings.smtp.hostname)")
    program.start("--config", str(tmp_path / "mail.toml"))
    assert program.end()[:2] == (0, "mx.example.test\n")


def test_a_host_ends_when_its_supervisor_is_killed(
    host: Callable[[str, str], HostProgram], tmp_path: Path
) -> None:
    program = host("run_host", "lifecycle.ready({})\nawait lifecycle.stopping.wait()")
    supervisor = tmp_path / "supervisor.py"
    supervisor.write_text(
        "import os, subprocess, sys, time\n"
        f"environ = dict(os.environ, {parent.VARIABLE}=str(os.getpid()))\n"
        f"subprocess.Popen([sys.executable, {str(program._program)!r}], env=environ)\n"
        "time.sleep(60)\n"
    )
    environ = {**os.environ, "NOTIFY_SOCKET": program._address}
    with subprocess.Popen([sys.executable, str(supervisor)], env=environ) as parent_process:
        assert program.notice()["READY"] == "1"
        parent_process.kill()
    assert program.notice()["STATUS"] == "Stopping: SIGTERM"


def test_a_host_whose_supervisor_is_gone_does_not_begin(host: Callable[[str, str], HostProgram]) -> None:
    program = host("run_host", "print('began')")
    program.start(**{parent.VARIABLE: "1" if os.getppid() != 1 else "2"})
    assert program.end()[:2] == (0, "")


@pytest.mark.parametrize("frame", FRAMES)
def test_sighup_reads_the_settings_again_and_tells_the_service_manager(
    host: Callable[[str, str], HostProgram], frame: str, tmp_path: Path
) -> None:
    file = tmp_path / "mailkeep.toml"
    file.write_text('[log]\nlevel = "warning"\n')
    program = host(
        frame,
        """
        import asyncio, logging
        def apply(settings):
            print("level", settings.log.level, logging.getLogger().level, flush=True)
        lifecycle.on_reload(apply)
        loop = asyncio.get_running_loop()
        def in_loop(settings):
            print("in the loop", asyncio.get_running_loop() is loop, flush=True)
        lifecycle.on_reload_in_loop(in_loop)
        lifecycle.ready({"mx": ["127.0.0.1:25"]})
        await lifecycle.stopping.wait()
        """,
    )
    program.start("--config", str(file))
    assert program.notice()["READY"] == "1"
    file.write_text('[log]\nlevel = "debug"\n')
    program.signal(signal.SIGHUP)
    reloading = program.notice()
    assert reloading["RELOADING"] == "1"
    assert int(reloading["MONOTONIC_USEC"]) > 0
    again = program.notice()
    assert (again["READY"], sdnotify.parse_listeners(again)) == ("1", {"mx": ["127.0.0.1:25"]})
    file.write_text("[log]\nlevel = broken\n")
    program.signal(signal.SIGHUP)
    assert [program.notice().get("READY") for _ in range(2)] == [None, "1"]
    program.signal(signal.SIGTERM)
    code, out, err = program.end()
    assert (code, out) == (0, "level debug 10\nin the loop True\n")
    assert "not reloaded: the settings cannot be used" in err


def test_the_watchdog_hears_of_a_loop_that_turns_and_not_of_one_that_is_stuck(
    host: Callable[[str, str], HostProgram],
) -> None:
    program = host(
        "run_host",
        """
        import time
        lifecycle.ready({"mx": ["127.0.0.1:25"]})
        await asyncio.sleep(1.0)
        lifecycle.connections = lambda: 3
        await asyncio.sleep(1.0)
        time.sleep(2.0)
        """,
    )
    program.start(WATCHDOG_USEC="200000")
    heard = [program.notice() for _ in range(12)]
    assert heard[0]["READY"] == "1"
    assert sum(fields.get("WATCHDOG") == "1" for fields in heard) == 11
    assert "Listening: mx on 127.0.0.1:25; 3 connections" in [fields.get("STATUS") for fields in heard]
    assert program.end()[0] == 0


@pytest.mark.parametrize("frame", FRAMES)
def test_a_host_takes_the_sockets_that_were_bound_for_it(
    host: Callable[[str, str], HostProgram], frame: str, tmp_path: Path
) -> None:
    """sd_listen_fds(3): LISTEN_PID is the process's own, so a shell puts it there."""
    with socket.create_server(("127.0.0.1", 0)) as named, socket.create_server(("127.0.0.1", 0)) as unnamed:
        port = named.getsockname()[1]
        program = host(
            frame,
            f"""
            import os
            from mailkeep.net.listen import address_of, bind_all
            (listener,) = bind_all(("127.0.0.1:{port}",))
            print(address_of(listener), listener.fileno(), sorted(n for n in os.environ if "LISTEN" in n))
            lifecycle.ready({{"mx": [address_of(listener)]}})
            """,
        )
        program.start_with_descriptors([named.fileno(), unnamed.fileno()])
        code, out, err = program.end()
        assert (code, out) == (0, f"127.0.0.1:{port} 3 []\n"), err
        assert f"address=127.0.0.1:{unnamed.getsockname()[1]}" in err

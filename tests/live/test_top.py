"""`mailkeep top` beside hosts that work: what it says is what they did."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.support.clients import deliver, imap, message, pop3
from tests.support.hosts import MailkeepUp, free_port_base

SECONDS = 60.0
# Whoever runs the tests in the background may have interrupts ignored, and a program inherits that.
HEARING = (
    "import os, signal, sys; signal.signal(signal.SIGINT, signal.SIG_DFL)"
    "; os.execv(sys.argv[1], sys.argv[1:])"
)
PROGRAM = str(Path(sys.executable).with_name("mailkeep"))


def run(*options: str, **environ: str) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("MAILKEEP_")}
    return subprocess.run(
        [PROGRAM, "top", *options],
        env={**clean, **environ},
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )


def taken(up: MailkeepUp, *options: str) -> dict[str, Any]:
    ran = run("--json", "--port-base", str(up.port_base), *options)
    assert ran.returncode == 0, ran.stderr
    told: dict[str, Any] = json.loads(ran.stdout)
    return told


def sample_while(up: MailkeepUp, work: Callable[[], None]) -> dict[str, Any]:
    """What it says of an interval in which `work` is done over and over."""
    over = threading.Event()

    def go_on() -> None:
        while not over.is_set():
            work()

    worker = threading.Thread(target=go_on)
    worker.start()
    try:
        return taken(up, "--interval", "3")
    finally:
        over.set()
        worker.join()


def by_host(sample: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {one["host"]: one for one in sample["hosts"]}


def test_sessions_rates_and_slow_commands_are_what_clients_did(
    own_mailkeep: Callable[..., MailkeepUp],
) -> None:
    """With two workers, whose sums are the host's; and where every command counts as slow."""
    up = own_mailkeep(
        MAILKEEP_IMAP_WORKERS="2", MAILKEEP_SMTP_WORKERS="2", MAILKEEP_METRICS_SLOW_COMMAND_SECONDS="0.000001"
    )
    up.start()
    person = up.add_person()

    def work() -> None:
        deliver(up, person.address, message(person.address))
        with pop3(up, person) as client:
            client.stat()

    with imap(up, person) as first, imap(up, person) as second:
        first.select("INBOX")
        second.select("INBOX")
        sample = sample_while(up, work)
    hosts = by_host(sample)
    assert set(hosts) == {"smtp", "imap", "pop3", "api"}
    assert {one["state"] for one in hosts.values()} == {"ready"}
    assert (hosts["imap"]["workers_ready"], hosts["imap"]["workers"]) == (2, 2)
    assert hosts["imap"]["sessions"] == 2
    assert hosts["imap"]["connections"] == 2
    assert hosts["smtp"]["deliveries"] > 0
    assert hosts["smtp"]["commands"] > hosts["smtp"]["deliveries"]
    assert hosts["pop3"]["logins"] > 0
    assert hosts["api"]["memory"] > 10_000_000
    assert {"SMTP DATA", "POP3 STAT"} & {one["command"] for one in sample["commands"]}
    assert {"SMTP DATA", "SMTP MAIL", "POP3 STAT"} & {one["command"] for one in sample["slow"]}
    assert all(len(one["session"]) == 12 for one in sample["slow"] if one["host"] != "api")


def test_people_see_tables_and_a_host_that_is_gone(own_mailkeep: Callable[..., MailkeepUp]) -> None:
    up = own_mailkeep()
    up.start()
    nobody = free_port_base()
    base = ("--port-base", str(up.port_base))
    shown = run("--once", "--interval", "0.5", *base)
    assert shown.returncode == 0
    for word in ("HOST", "smtp", "imap", "pop3", "api", "ready", "Queue: 0 waiting", "rates over "):
        assert word in shown.stdout
    partly = run(
        "--at", f"127.0.0.1:{up.port_base + 901}", "--at", f"127.0.0.1:{nobody}", "--interval", "0.2"
    )
    assert partly.returncode == 0
    assert f"127.0.0.1:{nobody}: Nothing listens there." in partly.stdout
    assert "smtp" in partly.stdout


def test_on_a_terminal_it_goes_on_until_it_is_ended(own_mailkeep: Callable[..., MailkeepUp]) -> None:
    up = own_mailkeep()
    up.start()
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [
            sys.executable,
            "-c",
            HEARING,
            PROGRAM,
            "top",
            "--port-base",
            str(up.port_base),
            "--interval",
            "0.2",
        ],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env={**os.environ, "TERM": "xterm", "COLUMNS": "120", "LINES": "40"},
    )
    os.close(theirs)
    shown, deadline = b"", time.monotonic() + SECONDS
    while shown.count(b"Mailkeep at") < 3:
        assert time.monotonic() < deadline, shown[-2000:]
        shown += os.read(ours, 65536)
    process.send_signal(signal.SIGINT)
    threading.Thread(target=lambda: os.read(ours, 65536), daemon=True).start()
    assert process.wait(SECONDS) == 0
    os.close(ours)
    assert b"imap" in shown
    assert b"Traceback" not in shown

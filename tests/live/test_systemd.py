"""The units, on a Debian machine of its own: what they promise holds under systemd itself.

One machine a database: booted, Mailkeep's wheel and units installed as docs/operating.md says, and its mail
sent and read by Debian's own Python. Everything outside of Mailkeep is as Debian ships it.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.support import machine as machines
from tests.support.machine import REPOSITORY, Machine, copy_all

from mailkeep.net.development import ensure_ca

HOSTS = ("smtp", "pop3", "imap", "api")
UNITS = REPOSITORY / "systemd"
EXPOSURE = 15  # tenths, as systemd-analyze counts: 1.5
DOMAIN = "example.test"
ADDRESS = f"alice@{DOMAIN}"
ALONE = Path(tempfile.gettempdir()) / "mailkeep-machine.lock"
REQUIRED = os.environ.get("MAILKEEP_REQUIRE_MACHINE") == "1"
SECONDS = 60.0

pytestmark = [pytest.mark.machine, pytest.mark.timeout(1200)]  # the first run makes a Debian


class Installed:
    """A booted machine with Mailkeep on it, serving."""

    def __init__(self, machine: Machine, backend: str) -> None:
        self.machine = machine
        machine.run("systemd-sysusers")
        machine.run("systemd-tmpfiles", "--create")
        machine.run("sh", "-c", "chgrp mailkeep /etc/mailkeep/tls/* && chmod 640 /etc/mailkeep/tls/*")
        machine.run("/opt/mailkeep/bin/pip", "install", "--no-index", "--no-deps", "-q", *self._wheels())
        if backend == "postgres":
            self._make_database()
        machine.run("systemctl", "daemon-reload")
        machine.run("systemctl", "start", "mailkeep.target")
        for host in HOSTS:
            self.wait_until(lambda host=host: self.state(host) == "active", f"{host} is active")
        self.mailkeep("domains", "add", DOMAIN)
        self.mailkeep("users", "add", ADDRESS)
        self.key = json.loads(self.mailkeep("keys", "create", ADDRESS, "--json"))["api_key"]

    def mailkeep(self, *arguments: str) -> str:
        """The command line, as the operator's guide has it run."""
        config = ("--config", "/etc/mailkeep/mailkeep.toml")
        command = ("runuser", "-u", "mailkeep", "--", "/opt/mailkeep/bin/mailkeep", *arguments, *config)
        return self.machine.run("env", "-C", "/var/lib/mailkeep", *command).stdout

    def client(self, *arguments: str) -> object:
        """Debian's Python, as a client."""
        return json.loads(self.machine.run("python3", "/root/client.py", *arguments).stdout)

    def state(self, host: str) -> str:
        """active, activating, failed, ..."""
        return self.machine.property(f"mailkeep-{host}.service", "ActiveState")

    def wait_until(self, holds: Callable[[], bool], what: str) -> None:
        """Raises AssertionError with the journal."""
        deadline = time.monotonic() + SECONDS
        while not holds():
            assert time.monotonic() < deadline, f"never: {what}\n{self.machine.journal('mailkeep-*')[-6000:]}"
            time.sleep(0.1)

    def _wheels(self) -> list[str]:
        return [f"/root/{found.name}" for found in (self.machine.root / "root").glob("*.whl")]

    def _make_database(self) -> None:
        self.machine.run("systemctl", "start", "postgresql.service")
        self.machine.run("runuser", "-u", "postgres", "--", "createuser", "mailkeep")
        self.machine.run("runuser", "-u", "postgres", "--", "createdb", "-O", "mailkeep", "mailkeep")


@pytest.fixture(scope="module")
def installed(backend: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installed]:
    """Mailkeep, served by systemd."""
    reason = machines.missing()
    if reason and REQUIRED:
        pytest.fail(f"MAILKEEP_REQUIRE_MACHINE=1, and a machine {reason}")
    if reason:
        pytest.skip(f"a machine {reason}")
    with ALONE.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # machines have one name, and several processes may test
        machine = Machine(machines.base())
        try:
            _place(machine.root, backend, tmp_path_factory.mktemp("machine"))
            with machine:
                yield Installed(machine, backend)
        finally:
            machine.close()


def _place(root: Path, backend: str, scratch: Path) -> None:
    """Every file that an operator puts there."""
    copy_all([machines.wheel(scratch)], root / "root")
    shutil.copy(REPOSITORY / "tests/support/machine_client.py", root / "root/client.py")
    units = [path for path in UNITS.iterdir() if path.suffix in {".service", ".socket", ".timer", ".target"}]
    copy_all(units, root / "etc/systemd/system")
    shutil.copy(UNITS / "sysusers.conf", root / "usr/lib/sysusers.d/mailkeep.conf")
    shutil.copy(UNITS / "tmpfiles.conf", root / "usr/lib/tmpfiles.d/mailkeep.conf")
    ca = ensure_ca(scratch / "tls")
    copy_all([ca.ca_file, ca.certificate, ca.key], root / "etc/mailkeep/tls")
    ca.certificate.unlink()
    ensure_ca(scratch / "tls")  # a second certificate of the same authority
    shutil.copy(ca.certificate, root / "root/renewed.pem")
    shutil.copy(ca.key, root / "root/renewed.key")
    settings = (UNITS / "mailkeep.toml").read_text()
    settings = settings.replace("fullchain.pem", "server.pem").replace("privkey.pem", "server.key")
    if backend == "postgres":
        settings = settings.replace("# database =", "database =")
        database = root / "etc/mailkeep/credentials/database"
        database.parent.mkdir()
        database.write_text("postgresql://mailkeep@/mailkeep?host=/run/postgresql\n")
    (root / "etc/mailkeep/mailkeep.toml").write_text(settings)


def test_systemd_finds_nothing_to_say_about_the_units(installed: Installed) -> None:
    """`verify` exits 0 on names that it does not know: what counts is that it prints nothing."""
    units = sorted(path.name for path in UNITS.iterdir() if path.suffix in {".service", ".socket", ".timer"})
    ran = installed.machine.run("systemd-analyze", "verify", *units, "mailkeep.target")
    assert (ran.stdout, ran.stderr) == ("", "")


def test_every_service_is_exposed_as_little_as_can_be(installed: Installed) -> None:
    for unit in sorted(UNITS.glob("*.service")):
        ran = installed.machine.run(
            "systemd-analyze", "security", f"--threshold={EXPOSURE}", "--no-pager", unit.name, check=False
        )
        assert ran.returncode == 0, ran.stdout[-4000:]


def test_hosts_run_without_any_right_and_say_where_they_listen(installed: Installed) -> None:
    for host in HOSTS:
        unit = f"mailkeep-{host}.service"
        pid = installed.machine.property(unit, "MainPID")
        status = installed.machine.run("cat", f"/proc/{pid}/status").stdout
        assert "CapEff:\t0000000000000000" in status
        assert "NoNewPrivs:\t1" in status
        assert "Seccomp:\t2" in status
        assert installed.machine.property(unit, "StatusText").startswith("Listening: ")
        assert installed.machine.property(unit, "WatchdogUSec") == "30s"
    user = installed.machine.run("stat", "-c", "%U:%a", "/var/lib/mailkeep").stdout.strip()
    assert user == "mailkeep:700"


def test_a_message_goes_in_by_smtp_and_out_by_imap_and_pop3(installed: Installed) -> None:
    sent = installed.client("send", ADDRESS, "4")
    assert isinstance(sent, dict)
    assert sent["refused"] == []
    assert len(sent["acknowledged"]) == 4
    held = installed.client("read", ADDRESS, installed.key)
    assert isinstance(held, list)
    assert set(sent["acknowledged"]) <= set(held)
    assert installed.client("pop3", ADDRESS, installed.key) == len(held)


@pytest.mark.parametrize("host", HOSTS)
def test_a_host_that_is_killed_comes_back(installed: Installed, host: str) -> None:
    unit = f"mailkeep-{host}.service"
    killed = installed.machine.property(unit, "MainPID")
    installed.machine.run("systemctl", "kill", "--signal=KILL", unit)
    installed.wait_until(
        # For a moment after its death a unit is still active, with no process.
        lambda: (
            installed.machine.property(unit, "MainPID") not in {killed, "0"}
            and installed.state(host) == "active"
        ),
        f"{host} is back",
    )
    installed.client("read", ADDRESS, installed.key)


def test_new_certificates_are_served_by_a_reload_and_sessions_stay(installed: Installed) -> None:
    pid = installed.machine.property("mailkeep-imap.service", "MainPID")
    seen = installed.client("reload", ADDRESS, installed.key, "mailkeep-imap.service")
    assert isinstance(seen, dict)
    assert seen["still"] == "OK"
    assert seen["before"] != seen["after"]
    assert installed.machine.property("mailkeep-imap.service", "MainPID") == pid
    installed.machine.run("systemctl", "start", "mailkeep-reload.service")
    assert [installed.state(host) for host in HOSTS] == ["active"] * len(HOSTS)


def test_restarts_under_load_lose_nothing_and_refuse_nobody(installed: Installed) -> None:
    sent: list[object] = []
    load = threading.Thread(target=lambda: sent.append(installed.client("send", ADDRESS, "200")))
    load.start()
    restarts = 0
    while load.is_alive() and restarts < 5:
        installed.machine.run("systemctl", "restart", *(f"mailkeep-{host}.service" for host in HOSTS))
        restarts += 1
        time.sleep(0.5)
    load.join()
    assert restarts > 0
    (told,) = sent
    assert isinstance(told, dict)
    assert told["refused"] == []  # the sockets are systemd's, and stay
    assert len(told["acknowledged"]) == 200
    held = installed.client("read", ADDRESS, installed.key)
    assert isinstance(held, list)
    assert set(told["acknowledged"]) <= set(held)


def test_the_timers_do_their_work(installed: Installed) -> None:
    listed = installed.machine.run("systemctl", "list-timers", "--no-pager").stdout
    assert "mailkeep-prune.timer" in listed
    assert "mailkeep-reload.timer" in listed
    installed.machine.run("systemctl", "start", "mailkeep-prune.service")
    assert "0 rows of the audit log were forgotten." in installed.machine.journal("mailkeep-prune.service")


def test_a_host_whose_settings_are_at_fault_is_not_started_for_ever(installed: Installed) -> None:
    broken = "[imap]\nidle_timeout_seconds = 'soon'\n"
    installed.machine.run("sh", "-c", "mkdir -p /run/mk && cat > /run/mk/broken.toml", given=broken)
    drop_in = "/run/systemd/system/mailkeep-imap.service.d"
    start = "ExecStart=/opt/mailkeep/bin/python -m mailkeep_imap --config /run/mk/broken.toml"
    line = f"[Service]\nExecStart=\n{start}\n"
    installed.machine.run("sh", "-c", f"mkdir -p {drop_in} && cat > {drop_in}/broken.conf", given=line)
    installed.machine.run("systemctl", "daemon-reload")
    try:
        installed.machine.run("systemctl", "restart", "mailkeep-imap.service", check=False)
        installed.wait_until(lambda: installed.state("imap") == "failed", "imap gave up")
        assert installed.machine.property("mailkeep-imap.service", "ExecMainStatus") == "78"
        assert "mailkeep-imap: The settings cannot be used" in installed.machine.journal(
            "mailkeep-imap.service"
        )
    finally:
        installed.machine.run("rm", "-r", drop_in)
        installed.machine.run("systemctl", "daemon-reload")
        installed.machine.run("systemctl", "restart", "mailkeep-imap.service")


def test_stopping_the_target_stops_all_and_nothing_was_wrong(installed: Installed) -> None:
    installed.machine.run("systemctl", "stop", "mailkeep.target")
    for host in HOSTS:
        installed.wait_until(lambda host=host: installed.state(host) == "inactive", f"{host} is off")
        assert installed.machine.property(f"mailkeep-{host}.service", "Result") == "success"
        journal = installed.machine.journal(f"mailkeep-{host}.service")
        assert '"level": "critical"' not in journal
        assert "Traceback" not in journal

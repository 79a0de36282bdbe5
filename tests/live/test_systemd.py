"""The units, on a Debian machine of its own: what they promise holds under systemd itself.

One machine a database: booted, Mailkeep installed as docs/operating.md says, and its mail sent and read by
Debian's own Python. Everything outside of Mailkeep is as Debian ships it. The machine with SQLite gets
Mailkeep as a Debian package, the one with PostgreSQL as a wheel and copied units: what is tested holds for
both ways.

Processes that share the tests take them from each other in no order, and a test may be the only one that its
machine sees: so each begins with all hosts serving, and with whatever mail there is.
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
from tests.support.programs import program

from mailkeep.delivery.dkim_keys import DkimKeyFiles
from mailkeep.net.development import ensure_ca

HOSTS = ("smtp", "pop3", "imap", "api")
SERVICES = (*HOSTS, "upstream")
UNITS = REPOSITORY / "systemd"
UPGRADED = ("systemctl", "restart", "mailkeep-*.service")  # what follows a new version
EXPOSURE = 15  # tenths, as systemd-analyze counts: 1.5
DOMAIN = "example.test"
ADDRESS = f"alice@{DOMAIN}"
LEGO_NAME = "mail.lego.test"
LEGO_SETTINGS = f"""
[[tls.certificates]]
certificate = "/etc/mailkeep/tls/{LEGO_NAME}.pem"
key = "/etc/mailkeep/tls/{LEGO_NAME}.key"
"""
INTERNAL = "internal.key"
DKIM_SETTINGS = """
[dkim]
directory = "credential:dkim"
"""
ISSUER = "https://id.example.test"
ISSUER_SETTINGS = f"""
[[auth.issuers]]
issuer = "{ISSUER}"
"""
HOOK = "/usr/share/mailkeep/mailkeep-certificate"
ALONE = Path(tempfile.gettempdir()) / "mailkeep-machine.lock"
REQUIRED = os.environ.get("MAILKEEP_REQUIRE_MACHINE") == "1"
SECONDS = 60.0

pytestmark = [pytest.mark.machine, pytest.mark.timeout(3600)]  # a Debian is made, a machine waits


class Installed:
    """A booted machine with Mailkeep on it, serving."""

    def __init__(self, machine: Machine, backend: str) -> None:
        self.machine = machine
        if backend == "sqlite":
            machine.run("dpkg", "--install", "--force-confold", "--force-unsafe-io", *self.at_root("*.deb"))
        else:
            machine.run("systemd-sysusers")
            machine.run("systemd-tmpfiles", "--create")
            pip = ("/opt/mailkeep/bin/pip", "install", "--no-index", "--no-deps", "-q")
            machine.run(*pip, *self.at_root("*.whl"))
            self._make_database()
            machine.run("systemctl", "daemon-reload")
        machine.run("sh", "-c", "chgrp mailkeep /etc/mailkeep/tls/* && chmod 640 /etc/mailkeep/tls/*")
        machine.run(
            "sh", "-c", "cd /etc/mailkeep && chgrp -R mailkeep credentials && chmod -R g+rX credentials"
        )
        machine.run("systemctl", "start", "mailkeep-migrate.service")
        internal = json.loads(self.mailkeep("keys", "create", "--service", "hosts", "--json"))
        (machine.root / "etc/mailkeep/credentials" / INTERNAL).write_text(internal["api_key"])
        self.serve()
        self.mailkeep("domains", "add", DOMAIN)
        self.mailkeep("users", "add", ADDRESS)
        self.key = json.loads(self.mailkeep("keys", "create", ADDRESS, "--json"))["api_key"]

    def serve(self) -> None:
        """All hosts, whatever was stopped."""
        self.machine.run("systemctl", "start", "mailkeep.target")
        for host in SERVICES:
            self.wait_until(lambda host=host: self.state(host) == "active", f"{host} is active")

    def mailkeep(self, *arguments: str) -> str:
        """The command line, as the operator's guide has it run."""
        config = ("--config", "/etc/mailkeep/mailkeep.toml")
        command = ("runuser", "-u", "mailkeep", "--", "/opt/mailkeep/bin/mailkeep", *arguments, *config)
        return self.machine.run("env", "-C", "/var/lib/mailkeep", *command).stdout

    def has_told_the_api(self) -> bool:
        """True if the internal key has opened it."""
        (key,) = [
            one for one in json.loads(self.mailkeep("keys", "list", "--json")) if one["name"] == "hosts"
        ]
        return key["last_used_at"] is not None

    def client(self, *arguments: str) -> object:
        """Debian's Python, as a client."""
        return json.loads(self.machine.run("python3", "/root/client.py", *arguments).stdout)

    def reload(self, level: str) -> None:
        """Have all read the settings again, to this log level; return when they have."""
        count = {host: self._reloads(host, level) for host in SERVICES}
        self.machine.run("systemctl", "start", "mailkeep-reload.service")
        for host in SERVICES:
            self.wait_until(lambda host=host: self._reloads(host, level) > count[host], f"{host} reloaded")

    def _reloads(self, host: str, level: str) -> int:
        lines = self.machine.journal(f"mailkeep-{host}.service").splitlines()
        return sum('"event": "reloaded"' in line and f'"log_level": "{level}"' in line for line in lines)

    def state(self, host: str) -> str:
        """active, activating, failed, ..."""
        return self.machine.property(f"mailkeep-{host}.service", "ActiveState")

    def wait_until(self, holds: Callable[[], bool], what: str) -> None:
        """Raises AssertionError with the journal."""
        deadline = time.monotonic() + SECONDS
        while not holds():
            assert time.monotonic() < deadline, f"never: {what}\n{self.machine.journal('mailkeep-*')[-6000:]}"
            time.sleep(0.1)

    def at_root(self, pattern: str) -> list[str]:
        """Files that were placed for the installation."""
        return [f"/root/{found.name}" for found in (self.machine.root / "root").glob(pattern)]

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


@pytest.fixture(autouse=True)
def _serving(installed: Installed) -> None:
    installed.serve()


def _place(root: Path, backend: str, scratch: Path) -> None:
    """Every file that an operator puts there."""
    if backend == "sqlite":
        shutil.rmtree(root / "opt/mailkeep")  # the package brings everything
        copy_all([machines.debian_package(scratch)], root / "root")
    else:
        copy_all([machines.wheel(scratch)], root / "root")
        units = [
            path for path in UNITS.iterdir() if path.suffix in {".service", ".socket", ".timer", ".target"}
        ]
        copy_all(units, root / "etc/systemd/system")
        shutil.copy(UNITS / "sysusers.conf", root / "usr/lib/sysusers.d/mailkeep.conf")
        shutil.copy(UNITS / "tmpfiles.conf", root / "usr/lib/tmpfiles.d/mailkeep.conf")
    shutil.copy(REPOSITORY / "tests/support/machine_client.py", root / "root/client.py")
    ca = ensure_ca(scratch / "tls")
    copy_all([ca.ca_file, ca.certificate, ca.key], root / "etc/mailkeep/tls")
    ca.certificate.unlink()
    ensure_ca(scratch / "tls")  # a second certificate of the same authority
    shutil.copy(ca.certificate, root / "root/renewed.pem")
    shutil.copy(ca.key, root / "root/renewed.key")
    lego = ensure_ca(scratch / "lego", [LEGO_NAME])  # until lego has been there
    shutil.copy(lego.certificate, root / f"etc/mailkeep/tls/{LEGO_NAME}.pem")
    shutil.copy(lego.key, root / f"etc/mailkeep/tls/{LEGO_NAME}.key")
    credentials = root / "etc/mailkeep/credentials"
    credentials.mkdir()
    (credentials / INTERNAL).touch()  # it comes when there is a store
    DkimKeyFiles(credentials / "dkim").add(DOMAIN, "spring", "ed25519")
    settings = (UNITS / "mailkeep.toml").read_text() + LEGO_SETTINGS + DKIM_SETTINGS
    for line in ("[notify]", "api_url =", "key_file ="):
        settings = settings.replace(f"# {line}", line)
    settings = settings.replace("mail.example.org.pem", "server.pem")
    settings = settings.replace("mail.example.org.key", "server.key")
    if backend == "postgres":
        settings = settings.replace("# database =", "database =")
        (credentials / "database").write_text("postgresql://mailkeep@/mailkeep?host=/run/postgresql\n")
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
    for host in SERVICES:
        unit = f"mailkeep-{host}.service"
        pid = installed.machine.property(unit, "MainPID")
        status = installed.machine.run("cat", f"/proc/{pid}/status").stdout
        assert "CapEff:\t0000000000000000" in status
        assert "NoNewPrivs:\t1" in status
        assert "Seccomp:\t2" in status
        status = "Keeping accounts in step" if host == "upstream" else "Listening: "
        assert installed.machine.property(unit, "StatusText").startswith(status)
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
    installed.wait_until(installed.has_told_the_api, "the hosts' own key, a credential, was used")


@pytest.mark.parametrize("host", SERVICES)
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


def test_issuers_and_the_log_level_are_the_settings_after_a_reload(installed: Installed) -> None:
    """By the unit that its timer starts, which is to reach every host."""
    file = installed.machine.root / "etc/mailkeep/mailkeep.toml"
    before = file.read_text()
    pids = {host: installed.machine.property(f"mailkeep-{host}.service", "MainPID") for host in SERVICES}
    file.write_text(before.replace("[log]\n", '[log]\nlevel = "debug"\n') + ISSUER_SETTINGS)
    try:
        installed.reload("debug")
        found = f"{ISSUER}/.well-known/openid-configuration"
        told = installed.client("issuers", ADDRESS)
        assert told == {"smtp": found, "pop3": found, "imap": found, "api": [ISSUER]}
    finally:
        file.write_text(before)
        installed.reload("info")
    told = installed.client("issuers", ADDRESS)
    assert told == {"smtp": "", "pop3": "", "imap": "", "api": None}
    for host, pid in pids.items():
        assert installed.machine.property(f"mailkeep-{host}.service", "MainPID") == pid


def test_keys_that_systemd_hands_over_sign_mail_and_the_command_line_knows_them(installed: Installed) -> None:
    signature = installed.client("submit", ADDRESS, installed.key)
    assert isinstance(signature, str)
    assert f"d={DOMAIN};" in signature
    assert "s=spring;" in signature
    (key,) = json.loads(installed.mailkeep("domains", "dkim", "list", DOMAIN, "--json"))
    assert key["selector"] == "spring"


def test_lego_s_hook_brings_a_certificate_that_the_hosts_then_serve(installed: Installed) -> None:
    """Against an authority in the machine: see test_acme.py for what is outside of systemd."""
    machine = installed.machine
    programs = [Path(program(name)) for name in ("lego", "pebble", "pebble-challtestsrv")]
    copy_all(programs, machine.root / "usr/bin")
    copy_all([REPOSITORY / "deploy/acme/mailkeep-certificate"], machine.root / "usr/share/mailkeep")
    tls = "/etc/mailkeep/tls"
    pebble = {
        "listenAddress": "127.0.0.1:14000",
        "managementListenAddress": "127.0.0.1:15000",
        "certificate": f"{tls}/server.pem",
        "privateKey": f"{tls}/server.key",
        "httpPort": 80,
        "tlsPort": 443,
    }
    (machine.root / "root/pebble.json").write_text(json.dumps({"pebble": pebble}))
    off = ("-http01", "", "-https01", "", "-tlsalpn01", "")
    machine.run("systemd-run", "--unit=names", "pebble-challtestsrv", *off, "-defaultIPv6", "")
    server = ("pebble", "-config", "/root/pebble.json", "-dnsserver", "127.0.0.1:8053")
    machine.run("systemd-run", "--unit=pebble", "--setenv=PEBBLE_VA_NOSLEEP=1", *server)
    try:
        before = installed.client("served", LEGO_NAME, "")
        installed.client("fetch", "https://localhost:15000/roots/0", "/root/pebble-root.pem")
        account = ("--path", "/root/lego", "--accept-tos", "--email", f"a@{LEGO_NAME}")
        asked = ("--server", "https://localhost:14000/dir", "--http", "--domains", LEGO_NAME)
        lego = ("lego", *account, *asked, "run", "--run-hook", HOOK)
        machine.run("env", f"LEGO_CA_CERTIFICATES={tls}/ca.pem", "PATH=/usr/bin:/bin", *lego)
        served = installed.client("served", LEGO_NAME, "/root/pebble-root.pem")
        assert served != before
        placed = machine.run("stat", "-c", "%U:%G:%a", f"{tls}/{LEGO_NAME}.key").stdout.strip()
        assert placed == "root:mailkeep:640"
    finally:
        machine.run("systemctl", "stop", "pebble.service", "names.service")


def test_restarts_under_load_lose_nothing_and_refuse_nobody(installed: Installed) -> None:
    sent: list[object] = []
    load = threading.Thread(target=lambda: sent.append(installed.client("send", ADDRESS, "200")))
    load.start()
    restarts = 0
    while load.is_alive() and restarts < 5:
        installed.machine.run(*UPGRADED)
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


def test_a_package_restarts_what_runs_and_takes_no_mail_along_when_it_goes(
    installed: Installed, backend: str
) -> None:
    if backend != "sqlite":
        pytest.skip("this machine has no package")
    unit = "mailkeep-imap.service"
    before = installed.machine.property(unit, "MainPID")
    installed.machine.run("dpkg", "--install", "--force-unsafe-io", *installed.at_root("*.deb"))
    installed.wait_until(lambda: installed.state("imap") == "active", "imap is active")
    assert installed.machine.property(unit, "MainPID") not in {before, "0"}
    settings = installed.machine.root / "etc/mailkeep/mailkeep.toml"
    kept = settings.read_text()
    assert "server.pem" in kept  # what the operator wrote stays
    held = installed.client("read", ADDRESS, installed.key)
    installed.machine.run("dpkg", "--remove", "mailkeep")
    for host in SERVICES:
        assert installed.machine.property(f"mailkeep-{host}.service", "LoadState") == "not-found"
    assert not (installed.machine.root / "opt/mailkeep").exists()
    assert settings.read_text() == kept
    installed.machine.run("dpkg", "--purge", "mailkeep")
    assert not settings.exists()  # what came with the package goes, as everywhere in Debian
    for stays in ("tls/server.key", "credentials/dkim"):
        assert (settings.parent / stays).exists()
    settings.write_text(kept)
    installed.machine.run(
        "dpkg", "--install", "--force-confold", "--force-unsafe-io", *installed.at_root("*.deb")
    )
    assert installed.state("imap") == "inactive"  # nothing is started before it is set up
    installed.serve()
    assert installed.client("read", ADDRESS, installed.key) == held


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
    for host in SERVICES:
        installed.wait_until(lambda host=host: installed.state(host) == "inactive", f"{host} is off")
        assert installed.machine.property(f"mailkeep-{host}.service", "Result") == "success"
        journal = installed.machine.journal(f"mailkeep-{host}.service")
        assert '"level": "critical"' not in journal
        assert "Traceback" not in journal

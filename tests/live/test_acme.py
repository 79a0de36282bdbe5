"""Certificates by ACME: real certbot and real lego prove a name to an authority, and the hook that is shipped
brings what they get to running hosts. Under systemd: test_systemd.py."""

from __future__ import annotations

import json
import os
import ssl
import stat
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
from tests.support.acme import Authority, acme_authority
from tests.support.hosts import MailkeepUp
from tests.support.machine import REPOSITORY
from tests.support.programs import program, run
from tests.support.tls_wire import secured

HOOK = REPOSITORY / "deploy/acme/mailkeep-certificate"
NAME = "mail.acme.test"
LISTENERS = ("submissions", "submission", "imaps", "pop3s")

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="the hook gives files to root, as root")


@pytest.fixture
def authority(tmp_path: Path) -> Iterator[Authority]:
    with acme_authority(tmp_path / "authority") as running:
        yield running


class Certbot:
    """In a directory of its own. A renewal remembers the hook of the first time, as certbot has it."""

    def __init__(self, authority: Authority, directory: Path) -> None:
        places = [f"--{kind}-dir={directory}/{kind}" for kind in ("config", "work", "logs")]
        self._common = [*places, "--server", authority.url, "--non-interactive"]
        self._port = ["--standalone", "--http-01-port", str(authority.http_port)]
        self._program = program("certbot")
        self._environ = {"REQUESTS_CA_BUNDLE": str(authority.ca_file)}

    def first(self, environ: Mapping[str, str]) -> None:
        account = ["--agree-tos", "--register-unsafely-without-email"]
        hook = ["--domains", NAME, "--deploy-hook", str(HOOK)]
        self._run(["certonly", *self._common, *self._port, *account, *hook], environ)

    def again(self, environ: Mapping[str, str]) -> None:
        self._run(["renew", *self._common, "--force-renewal", "--no-random-sleep-on-renew"], environ)

    def _run(self, command: list[str], environ: Mapping[str, str]) -> None:
        ran = run([self._program, *command], environ={**self._environ, **environ})
        assert ran.returncode == 0, (ran.stdout + ran.stderr).decode()
        assert b"Hook '" not in ran.stderr, ran.stderr  # certbot tells a failed hook, and exits 0


class Lego:
    """The same by the other client."""

    def __init__(self, authority: Authority, directory: Path) -> None:
        where = [
            "--path",
            str(directory),
            "--server",
            authority.url,
            "--accept-tos",
            "--email",
            "a@acme.test",
        ]
        proof = ["--http", "--http.port", f"127.0.0.1:{authority.http_port}", "--domains", NAME]
        self._command = [program("lego"), *where, *proof]
        self._environ = {"LEGO_CA_CERTIFICATES": str(authority.ca_file)}

    def first(self, environ: Mapping[str, str]) -> None:
        self._run(["run", "--run-hook", str(HOOK)], environ)

    def again(self, environ: Mapping[str, str]) -> None:
        renew = ["renew", "--days", "9999", "--no-random-sleep", "--renew-hook", str(HOOK)]
        self._run(renew, environ)

    def _run(self, command: list[str], environ: Mapping[str, str]) -> None:
        ran = run([*self._command, *command], environ={**self._environ, **environ})
        assert ran.returncode == 0, (ran.stdout + ran.stderr).decode()


@pytest.mark.parametrize("client", [Certbot, Lego])
def test_a_certificate_is_fetched_served_renewed_and_served_without_ending_a_session(
    client: type[Certbot] | type[Lego], authority: Authority, tmp_path: Path
) -> None:
    directory = tmp_path / "tls"
    directory.mkdir()
    environ = {"MAILKEEP_TLS_DIRECTORY": str(directory), "MAILKEEP_GROUP": "root", "MAILKEEP_RELOAD": "true"}
    acme = client(authority, tmp_path / "client")
    acme.first(environ)
    placed = {path.name: stat.S_IMODE(path.stat().st_mode) for path in directory.iterdir()}
    assert placed == {f"{NAME}.pem": 0o640, f"{NAME}.key": 0o640}

    pair = {"certificate": f"{directory}/{NAME}.pem", "key": f"{directory}/{NAME}.key"}
    settings = {"MAILKEEP_TLS_CERTIFICATES": json.dumps([pair])}
    trusting = ssl.create_default_context(cafile=str(authority.root_file))
    with (
        MailkeepUp(tmp_path / "up", options=("--no-demo",), environ=settings) as up,
        secured(up.place("imaps"), "imaps", trusting, NAME) as session,
    ):
        session.recv(4096)
        first = {listener: served(up, listener, trusting) for listener in LISTENERS}
        pids = [str(pid) for host in ("smtp", "pop3", "imap") for pid in up.pids(host)]
        acme.again({**environ, "MAILKEEP_RELOAD": " ".join(("kill", "-HUP", *pids))})
        for listener in LISTENERS:
            wait_until(lambda at=listener: served(up, at, trusting) != first[at], up)
        session.sendall(b"a NOOP\r\n")
        assert session.recv(4096).startswith(b"a OK")


def served(up: MailkeepUp, listener: str, trusting: ssl.SSLContext) -> bytes:
    """The certificate, whose chain and name hold."""
    with secured(up.place(listener), listener, trusting, NAME) as wrapped:
        return wrapped.getpeercert(binary_form=True) or b""


def wait_until(holds: Callable[[], bool], up: MailkeepUp) -> None:
    deadline = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < deadline, up.log[-2000:]
        time.sleep(0.02)


# --- the hook alone ------------------------------------------------------------------------------------


def test_run_by_nobody_it_says_so_and_changes_nothing(tmp_path: Path) -> None:
    ran = run([str(HOOK)], environ={"MAILKEEP_TLS_DIRECTORY": str(tmp_path)})
    assert ran.returncode == 64
    assert ran.stderr.decode().startswith("mailkeep-certificate: run it as the hook of certbot or lego")
    assert list(tmp_path.iterdir()) == []


def test_half_a_certificate_replaces_nothing(tmp_path: Path) -> None:
    """The chain is there and the key is not: the hosts keep the pair that they have, undisturbed."""
    lineage, directory = tmp_path / "live" / NAME, tmp_path / "tls"
    lineage.mkdir(parents=True)
    directory.mkdir()
    (lineage / "fullchain.pem").write_text("new")
    for kind in ("pem", "key"):
        (directory / f"{NAME}.{kind}").write_text("old")
    environ = {
        "RENEWED_LINEAGE": str(lineage),
        "MAILKEEP_TLS_DIRECTORY": str(directory),
        "MAILKEEP_GROUP": "root",
        "MAILKEEP_RELOAD": f"touch {tmp_path}/reloaded",
    }
    assert run([str(HOOK)], environ=environ).returncode != 0
    assert [(directory / f"{NAME}.{kind}").read_text() for kind in ("pem", "key")] == ["old", "old"]
    assert not (tmp_path / "reloaded").exists()


def test_it_is_plain_shell() -> None:
    """dash is Debian's /bin/sh."""
    subprocess.run([program("dash"), "-n", str(HOOK)], check=True)

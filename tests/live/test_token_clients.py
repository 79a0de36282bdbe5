"""Mail programs that log in with an OpenID Provider's access token: isync, OfflineIMAP and NeoMutt.

Each gets the token from a file that nobody else reads, as its users' helpers give it, and fetches what waited
for the address before anybody had it.
"""

from __future__ import annotations

import os
import pty
import secrets
import select
import subprocess
import time
from pathlib import Path

import pytest
from tests.support.clients import deliver, message
from tests.support.oidc.hosts import MailkeepWithIssuer
from tests.support.oidc.running import RESOURCE, RunningIssuer
from tests.support.programs import private_file, program, run, succeed

SECONDS = 90.0
KINDS = pytest.mark.parametrize("resource", [RESOURCE, ""], ids=["jwt", "opaque"])


@pytest.fixture
def up(mailkeep_with_issuer: MailkeepWithIssuer) -> MailkeepWithIssuer:
    """Hosts that take the issuer's tokens."""
    return mailkeep_with_issuer


@pytest.fixture
def address() -> str:
    """Somebody whom nobody knows yet."""
    return f"person-{secrets.token_hex(4)}@example.test"


def token_file(
    up: MailkeepWithIssuer, issuer: RunningIssuer, address: str, directory: Path, resource: str = RESOURCE
) -> Path:
    """A file with a token of the address's owner; a message waits for them."""
    deliver(up, address, message(address, "waiting"))
    tokens = issuer.sign_in(address.partition("@")[0], resource=resource)
    return private_file(directory / "token", up.keeps_secret(tokens))


def holds_the_message(directory: Path) -> bool:
    """True if a file beneath it holds what was delivered."""
    files = [path for path in directory.rglob("*") if path.is_file()]
    return any(b"Subject: waiting" in path.read_bytes() for path in files)


@KINDS
def test_isync_by_its_sasl_module(
    up: MailkeepWithIssuer, issuer: RunningIssuer, address: str, tmp_path: Path, resource: str
) -> None:
    token = token_file(up, issuer, address, tmp_path, resource)
    near = tmp_path / "near"
    near.mkdir()
    config = private_file(
        tmp_path / "mbsyncrc",
        f"IMAPStore far\nHost localhost\nPort {up.place('imaps').port}\nUser {address}\n"
        f'PassCmd "cat {token}"\nSSLType IMAPS\nCertificateFile {up.ca_file}\nAuthMechs XOAUTH2\n\n'
        f"MaildirStore near\nPath {near}/\nInbox {near}/INBOX\n\n"
        "Channel all\nFar :far:\nNear :near:\nCreate Near\nSyncState *\n",
    )
    succeed([program("mbsync"), "-c", str(config), "-a"], home=tmp_path)
    assert holds_the_message(near)


def offlineimap_file(up: MailkeepWithIssuer, address: str, tmp_path: Path, token: str) -> Path:
    return private_file(
        tmp_path / "offlineimaprc",
        f"[general]\naccounts = all\nmetadata = {tmp_path}/meta\n\n[Account all]\nlocalrepository = near\n"
        f"remoterepository = far\n\n[Repository near]\ntype = Maildir\nlocalfolders = {tmp_path}/near\n\n"
        f"[Repository far]\ntype = IMAP\nremotehost = localhost\nremoteport = {up.place('imaps').port}\n"
        f"ssl = yes\nsslcacertfile = {up.ca_file}\nremoteuser = {address}\nauth_mechanisms = XOAUTH2\n"
        f"oauth2_access_token = {token}\nreadonly = True\n",
    )


@KINDS
def test_offlineimap(
    up: MailkeepWithIssuer, issuer: RunningIssuer, address: str, tmp_path: Path, resource: str
) -> None:
    token = token_file(up, issuer, address, tmp_path, resource).read_text()
    config = offlineimap_file(up, address, tmp_path, token)
    succeed([program("offlineimap"), "-c", str(config), "-o", "-u", "basic"], home=tmp_path)
    assert holds_the_message(tmp_path / "near")


def test_offlineimap_with_a_token_of_somebody_else(
    up: MailkeepWithIssuer, issuer: RunningIssuer, address: str, tmp_path: Path
) -> None:
    token = token_file(up, issuer, f"other-{address}", tmp_path).read_text()
    config = offlineimap_file(up, address, tmp_path, token)
    ran = run([program("offlineimap"), "-c", str(config), "-o", "-u", "basic"], home=tmp_path)
    assert ran.returncode != 0
    assert not holds_the_message(tmp_path / "near")


@pytest.mark.parametrize(
    ("mechanism", "resource"),
    [
        ("oauthbearer", ""),
        ("xoauth2", ""),
        ("xoauth2", RESOURCE),
    ],  # by OAUTHBEARER it sends 512 octets at most
    ids=["oauthbearer-opaque", "xoauth2-opaque", "xoauth2-jwt"],
)
def test_neomutt(
    up: MailkeepWithIssuer,
    issuer: RunningIssuer,
    address: str,
    tmp_path: Path,
    mechanism: str,
    resource: str,
) -> None:
    token = token_file(up, issuer, address, tmp_path, resource)
    copied = tmp_path / "copied"
    config = private_file(
        tmp_path / "neomuttrc",
        f'set imap_user = "{address}"\nset imap_authenticators = "{mechanism}"\n'
        f'set imap_oauth_refresh_command = "cat {token}"\nset certificate_file = "{up.ca_file}"\n'
        "set ssl_force_tls = yes\nset ssl_verify_host = yes\n"
        f"set folder = {tmp_path}\nset mbox_type = Maildir\nset confirmappend = no\nset confirmcreate = no\n"
        "set quit = yes\nset move = no\n"
        f'push "<copy-message><kill-line>{copied}<enter><quit>"\n',
    )
    place = f"imaps://localhost:{up.place('imaps').port}/INBOX"
    shown = in_a_terminal([program("neomutt"), "-n", "-F", str(config), "-f", place], tmp_path)
    assert holds_the_message(copied), shown[-2000:]


def in_a_terminal(command: list[str], home: Path) -> str:
    """Run a program that wants one to its end, or for SECONDS; what it showed."""
    master, slave = pty.openpty()
    environ = {"PATH": os.environ["PATH"], "HOME": str(home), "TERM": "xterm", "LC_ALL": "C.UTF-8"}
    process = subprocess.Popen(command, stdin=slave, stdout=slave, stderr=slave, env=environ, cwd=home)
    os.close(slave)
    shown = b""
    deadline = time.monotonic() + SECONDS
    try:
        while process.poll() is None and time.monotonic() < deadline:
            if select.select([master], [], [], 0.2)[0]:
                try:
                    shown += os.read(master, 65536)
                except OSError:  # the program has closed its side
                    break
        process.wait(max(0.1, deadline - time.monotonic()))
    except subprocess.TimeoutExpired:
        pass
    finally:
        process.kill()
        process.wait()
        os.close(master)
    return shown.decode(errors="replace")

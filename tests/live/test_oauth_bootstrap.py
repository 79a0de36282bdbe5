"""The command that signs in to an account elsewhere, as a person runs it, at a certified OpenID Provider."""

from __future__ import annotations

import os
import re
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urljoin

import httpx2
import pytest
from tests.support.oidc.running import CLIENT_ID, REDIRECT_URI, RunningIssuer, Tokens, running_issuer
from tests.support.ports import free_port

from mailkeep.upstream.secrets_file import read_env_file

SECONDS = 60.0


@pytest.fixture(scope="module")
def issuer() -> Iterator[RunningIssuer]:
    with running_issuer() as running:
        yield running


class Command:
    """`mailkeep oauth bootstrap oidc` in a directory of its own, with what it said."""

    def __init__(self, issuer: RunningIssuer, directory: Path) -> None:
        self.directory = directory
        self._environment = {
            **os.environ,
            "CLIENT_ID": CLIENT_ID,
            "ISSUER": issuer.issuer,
            "REDIRECT_URI": REDIRECT_URI,
            "SCOPE": "openid offline_access imap smtp",
        }

    def start(self, *words: str, stdout: int = subprocess.PIPE, **variables: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [str(Path(sys.executable).with_name("mailkeep")), "oauth", "bootstrap", "oidc", *words],
            cwd=self.directory,
            env={**self._environment, **variables},
            stdin=subprocess.PIPE,
            stdout=stdout,
            stderr=subprocess.STDOUT,
            text=True,
            umask=0,
        )


def address_in(process: subprocess.Popen[str]) -> tuple[str, str]:
    """The address where the person agrees, and all that was said until then."""
    said = ""
    assert process.stdout is not None
    while not (found := re.search(r"^http\S+$", said, re.MULTILINE)):
        line = process.stdout.readline()
        assert line, said
        said += line
    return found[0], said


def agreed(url: str, person: str, redirect_uri: str = REDIRECT_URI) -> str:
    """What the browser's address line shows at the end."""
    with httpx2.Client(timeout=SECONDS, trust_env=False) as browser:
        answer = browser.get(f"{url}&prompt=consent&login_hint={person}")
        for _ in range(10):
            assert answer.is_redirect, answer.text[:2000]
            url = urljoin(url, answer.headers["location"])
            if url.startswith(redirect_uri):
                return url
            answer = browser.get(url)
    raise AssertionError("too many redirects")


def test_a_pasted_address_becomes_a_file_of_tokens_that_nobody_else_can_read(
    issuer: RunningIssuer, tmp_path: Path
) -> None:
    process = Command(issuer, tmp_path).start("--paste")
    url, said = address_in(process)
    rest, _ = process.communicate(agreed(url, f"person-{secrets.token_hex(4)}") + "\n", timeout=SECONDS)
    assert process.returncode == 0, said + rest
    path = tmp_path / "oidc_oauth.local.env"
    assert path.stat().st_mode & 0o777 == 0o600
    kept = read_env_file(path)
    assert set(kept) == {
        *(
            f"MAILKEEP_UPSTREAM_{one}_OAUTH_{what}"
            for one in ("IMAP", "SMTP")
            for what in ("TOKEN", "EXPIRES_AT")
        ),
        "MAILKEEP_UPSTREAM_OAUTH_REFRESH_TOKEN",
    }
    for name, value in kept.items():
        assert name.endswith("EXPIRES_AT") or value not in said + rest
    assert [one.name for one in tmp_path.iterdir()] == [path.name]


def test_a_browser_is_opened_and_comes_back_by_itself(issuer: RunningIssuer, tmp_path: Path) -> None:
    """At a terminal; the browser is a script that writes down where it was sent to."""
    told = tmp_path / "address"
    browser = tmp_path / "browser"
    browser.write_text(f'#!/bin/sh\nprintf %s "$1" > {told}.new && mv {told}.new {told}\n')
    browser.chmod(0o700)
    redirect_uri = f"http://127.0.0.1:{free_port()}/back"
    screen, terminal = os.openpty()
    process = Command(issuer, tmp_path).start(
        stdout=terminal, BROWSER=f"{browser} %s", REDIRECT_URI=redirect_uri
    )
    os.close(terminal)
    try:
        deadline = time.monotonic() + SECONDS
        while not told.exists():
            assert time.monotonic() < deadline, os.read(screen, 65536)
            assert process.poll() is None, os.read(screen, 65536)
            time.sleep(0.05)
        back = agreed(told.read_text(), f"person-{secrets.token_hex(4)}", redirect_uri)
        shown = httpx2.get(back, trust_env=False, timeout=SECONDS)
        assert process.wait(SECONDS) == 0, os.read(screen, 65536)
        said = os.read(screen, 65536).decode()
    finally:
        process.kill()
        os.close(screen)
    assert shown.status_code == 200
    kept = read_env_file(tmp_path / "oidc_oauth.local.env")
    assert kept["MAILKEEP_UPSTREAM_IMAP_OAUTH_TOKEN"] not in said
    assert "Signed in" in said


def test_the_code_is_entered_on_another_device(issuer: RunningIssuer, tmp_path: Path) -> None:
    process = Command(issuer, tmp_path).start("--device")
    assert process.stdout is not None
    said = process.stdout.readline()
    found = re.search(r"open (\S+) and enter the code (\S+)$", said)
    assert found, said + process.communicate(timeout=SECONDS)[0]
    enter(found[1], found[2])
    rest, _ = process.communicate(timeout=SECONDS)
    assert process.returncode == 0, rest
    path = tmp_path / "oidc_oauth.local.env"
    assert path.stat().st_mode & 0o777 == 0o600
    token = read_env_file(path)["MAILKEEP_UPSTREAM_IMAP_OAUTH_TOKEN"]
    assert token not in said + rest
    assert issuer.is_active(Tokens(token, ""))


def enter(place: str, user_code: str) -> None:
    """As the person does it there: the page's form, and the one that asks whether it is the right device."""
    with httpx2.Client(timeout=SECONDS, trust_env=False, follow_redirects=True) as browser:
        page = browser.get(place)
        for _ in range(2):
            hidden = dict(re.findall(r'name="(\w+)" value="([^"]*)"', page.text))
            page = browser.post(place, data={**hidden, "user_code": user_code})
            assert page.status_code == 200, page.text[:2000]


def test_another_file_and_prefix_keep_what_else_stands_there(issuer: RunningIssuer, tmp_path: Path) -> None:
    path = tmp_path / "mine.env"
    path.touch(mode=0o600)
    path.write_text("OTHER=stays\n")
    process = Command(issuer, tmp_path).start("--paste", "--output", str(path), "--prefix", "PRX_EMAIL")
    url, _ = address_in(process)
    process.communicate(agreed(url, f"person-{secrets.token_hex(4)}") + "\n", timeout=SECONDS)
    kept = read_env_file(path)
    assert kept["OTHER"] == "stays"
    assert kept["PRX_EMAIL_IMAP_OAUTH_TOKEN"] == kept["PRX_EMAIL_SMTP_OAUTH_TOKEN"]


def test_an_address_of_another_sign_in_leaves_no_file(issuer: RunningIssuer, tmp_path: Path) -> None:
    process = Command(issuer, tmp_path).start("--paste")
    address_in(process)
    said, _ = process.communicate(f"{REDIRECT_URI}?code=c&state=other\n", timeout=SECONDS)
    assert process.returncode == 1
    assert "belongs to another sign-in" in said
    assert list(tmp_path.iterdir()) == []


def test_a_dry_run_prints_the_address_and_ends(issuer: RunningIssuer, tmp_path: Path) -> None:
    said, _ = Command(issuer, tmp_path).start("--dry-run").communicate(timeout=SECONDS)
    assert said.startswith(f"{issuer.issuer}/auth?")
    assert "code_challenge_method=S256" in said
    assert list(tmp_path.iterdir()) == []


def test_the_short_help_names_the_variables(issuer: RunningIssuer, tmp_path: Path) -> None:
    said, _ = Command(issuer, tmp_path).start("-h").communicate(timeout=SECONDS)
    for name in ("CLIENT_ID", "TENANT", "REDIRECT_URI", "SCOPE", "--output", "--dry-run", "--device"):
        assert name in said

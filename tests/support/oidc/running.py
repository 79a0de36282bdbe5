"""npm's oidc-provider, started for a test session, and people who sign in to it: code flow with PKCE."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import secrets
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qs, urljoin, urlsplit

import httpx2
from tests.support.npm import installed
from tests.support.programs import program

HERE = Path(__file__).parent
FILES = ("package.json", "package-lock.json", "issuer.mjs")
RESOURCE = "urn:mailkeep"
REDIRECT_URI = "http://127.0.0.1/back"
CLIENT_ID = "mail-app"
ALL_SCOPES = "openid email profile offline_access imap pop3 smtp api:read"
SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Tokens:
    """What the token endpoint gave."""

    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    expires_in: int = 0


class RunningIssuer:
    """`issuer` is its URL; `client_secret` that of the client "mailkeep", which may introspect."""

    def __init__(self, issuer: str, client_secret: str) -> None:
        self.issuer = issuer
        self.client_secret = client_secret

    def sign_in(self, subject: str, *, scope: str = ALL_SCOPES, resource: str = RESOURCE) -> Tokens:
        """Authorization code with PKCE (RFC 7636), as a mail program does it. An empty resource gives an
        opaque access token."""
        verifier = secrets.token_urlsafe(48)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=")
        asked = {
            "client_id": CLIENT_ID,
            "response_type": "code",
            "redirect_uri": REDIRECT_URI,
            "scope": scope,
            "prompt": "consent",
            "login_hint": subject,
            "state": "s",
            "code_challenge": challenge.decode(),
            "code_challenge_method": "S256",
        }
        if resource:
            asked["resource"] = resource
        with httpx2.Client(timeout=SECONDS, trust_env=False) as browser:
            code = _code(browser, f"{self.issuer}/auth", asked)
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": REDIRECT_URI}
        return self._token({**form, "code_verifier": verifier}, resource)

    def refresh(self, tokens: Tokens, *, resource: str = RESOURCE) -> Tokens:
        """A new access token for an old refresh token."""
        return self._token({"grant_type": "refresh_token", "refresh_token": tokens.refresh_token}, resource)

    def rotate_keys(self, *, keep_old: bool) -> None:
        """Sign with a new key from now on."""
        self._control("POST", "/test/rotate?keep" if keep_old else "/test/rotate")

    def revoke(self, tokens: Tokens) -> None:
        """RFC 7009."""
        form = {"token": tokens.access_token, "client_id": CLIENT_ID}
        httpx2.post(f"{self.issuer}/token/revocation", data=form, trust_env=False).raise_for_status()

    def is_active(self, tokens: Tokens) -> bool:
        """RFC 7662, of an opaque access token."""
        answer = httpx2.post(
            f"{self.issuer}/token/introspection",
            data={"token": tokens.access_token},
            auth=("mailkeep", self.client_secret),
            trust_env=False,
        )
        answer.raise_for_status()
        active: bool = answer.json()["active"]
        return active

    def count(self, path: str) -> int:
        """How often a path was asked for."""
        return int(self._control("GET", "/test/counts").get(path, 0))

    def _control(self, method: str, path: str) -> dict[str, int]:
        answer = httpx2.request(method, f"{self.issuer}{path}", timeout=SECONDS, trust_env=False)
        answer.raise_for_status()
        found: dict[str, int] = answer.json()
        return found

    def _token(self, form: dict[str, str], resource: str) -> Tokens:
        if resource:
            form["resource"] = resource
        form["client_id"] = CLIENT_ID
        answer = httpx2.post(f"{self.issuer}/token", data=form, timeout=SECONDS, trust_env=False)
        assert answer.status_code == 200, answer.text
        told = answer.json()
        return Tokens(told["access_token"], told.get("refresh_token", ""), told["expires_in"])


@contextmanager
def running_issuer(*, clicked: bool = False) -> Iterator[RunningIssuer]:
    """An issuer on a free port of loopback; with `clicked`, people sign in to it on pages. Skips, or fails if
    clients are required, without node and npm."""
    node = program("node")
    client_secret = secrets.token_urlsafe(24)
    environment = {
        "PATH": os.environ["PATH"],
        "CLIENT_SECRET": client_secret,
        "REDIRECT_URI": REDIRECT_URI,
        "CLICKED": "1" if clicked else "",
    }
    directory = installed(HERE, FILES)
    with (directory / "issuer.log").open("ab") as log:
        process = subprocess.Popen(
            [node, "issuer.mjs"],
            cwd=directory,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
        )
    try:
        assert process.stdout is not None
        said = process.stdout.readline()
        assert said, f"the issuer did not start:\n{(directory / 'issuer.log').read_text()[-2000:]}"
        yield RunningIssuer(json.loads(said)["issuer"], client_secret)
    finally:
        process.kill()
        process.communicate()


def _code(browser: httpx2.Client, url: str, asked: dict[str, str]) -> str:
    """Follow the redirects as a browser does, until one leads back to the client."""
    answer = browser.get(url, params=asked)
    for _ in range(10):
        assert answer.is_redirect, answer.text[:2000]
        url = urljoin(url, answer.headers["location"])
        if url.startswith(REDIRECT_URI):
            found = parse_qs(urlsplit(url).query)
            assert "code" in found, url
            return found["code"][0]
        answer = browser.get(url)
    raise AssertionError("too many redirects")

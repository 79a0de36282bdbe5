"""The issuer goes away: who is known goes on, and nobody is told that a good token is wrong."""

from __future__ import annotations

import imaplib
import smtplib
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx2
import pytest
from tests.live.conftest import _database
from tests.support.clients import SECONDS
from tests.support.hosts import MailkeepUp
from tests.support.oidc.hosts import MailkeepWithIssuer
from tests.support.oidc.running import running_issuer
from tests.support.programs import private_file, program, run

OWN = "person@example.test"


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as opened:
        yield opened


def test_a_jwt_works_without_its_issuer_and_an_opaque_token_is_told_to_wait(
    backend: str, request: pytest.FixtureRequest, tmp_path: Path, stack: ExitStack
) -> None:
    issuer_life = stack.enter_context(ExitStack())
    issuer = issuer_life.enter_context(running_issuer())
    up = stack.enter_context(MailkeepWithIssuer(tmp_path / "up", _database(backend, request), issuer))
    known = up.keeps_secret(issuer.sign_in("person"))
    opaque = up.keeps_secret(issuer.sign_in("person", resource=""))
    assert get_emails(up, known) == 200
    issuer_life.close()

    assert get_emails(up, known) == 200  # its keys are known to this host
    assert get_emails(up, opaque) == 503
    imap = imaplib.IMAP4_SSL(*up.place("imaps"), ssl_context=up.tls, timeout=SECONDS)
    with imap, pytest.raises(imaplib.IMAP4.error, match="UNAVAILABLE"):
        imap.authenticate("XOAUTH2", lambda _: response(opaque))
    with smtplib.SMTP_SSL(*up.place("submissions"), context=up.tls, timeout=SECONDS) as smtp:
        smtp.ehlo()
        with pytest.raises(smtplib.SMTPAuthenticationError) as refused:
            smtp.auth("XOAUTH2", lambda challenge=None: response(opaque).decode())
    assert refused.value.smtp_code == 454
    host, port = up.place("pop3s")
    config = private_file(tmp_path / "curl.conf", f'user = "{OWN}"\noauth2-bearer = "{opaque}"\n')
    command = [
        program("curl"),
        "-q",
        "-v",
        "--cacert",
        up.ca_file,
        "-K",
        str(config),
        f"pop3s://{host}:{port}/",
    ]
    assert b"-ERR [SYS/TEMP]" in run(command).stderr

    assert get_emails(up, up.add_person("other").api_key) == 200  # keys need no issuer


def get_emails(up: MailkeepUp, token: str) -> int:
    headers = {"Authorization": f"Bearer {token}"}
    return httpx2.get(
        f"{up.api_url}/api/emails", headers=headers, timeout=SECONDS, trust_env=False
    ).status_code


def response(token: str) -> bytes:
    return f"user={OWN}\1auth=Bearer {token}\1\1".encode()

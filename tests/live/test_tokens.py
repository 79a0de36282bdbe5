"""People who sign in with access tokens of a real OpenID Provider, on every host, once on each database.

The issuer is npm's oidc-provider: JWT access tokens when a resource is named, opaque ones otherwise. Nobody
here was added by an operator: the first sign-in makes the user.
"""

from __future__ import annotations

import base64
import imaplib
import json
import poplib
import secrets
import smtplib
import sys
import time
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

import httpx2
import pytest
from tests.support.clients import SECONDS, deliver, message
from tests.support.hosts import HOSTS, MailkeepUp
from tests.support.oidc.hosts import MailkeepWithIssuer
from tests.support.oidc.running import RESOURCE, RunningIssuer
from tests.support.programs import private_file, program, run, succeed

CURL_LOGIN_DENIED = 67
CURL_MECHANISMS = ((), ("--login-options", "AUTH=XOAUTH2"))  # by itself it takes OAUTHBEARER


@pytest.fixture
def up(mailkeep_with_issuer: MailkeepWithIssuer) -> MailkeepWithIssuer:
    """Hosts that take the issuer's tokens."""
    return mailkeep_with_issuer


@pytest.fixture
def subject(up: MailkeepWithIssuer) -> str:
    """Somebody whom nobody knows yet."""
    return f"person-{secrets.token_hex(4)}"


def address_of(subject: str) -> str:
    return f"{subject}@example.test"


def xoauth2(user: str, token: str) -> bytes:
    return f"user={user}\1auth=Bearer {token}\1\1".encode()


def oauthbearer(user: str, token: str) -> bytes:
    return f"n,a={user},\1host=localhost\1port=993\1auth=Bearer {token}\1\1".encode()


MECHANISMS = pytest.mark.parametrize(
    ("mechanism", "response"),
    [("XOAUTH2", xoauth2), ("OAUTHBEARER", oauthbearer)],
    ids=["xoauth2", "oauthbearer"],
)
KINDS = pytest.mark.parametrize("resource", [RESOURCE, ""], ids=["jwt", "opaque"])


def imap_client(up: MailkeepUp) -> imaplib.IMAP4_SSL:
    return imaplib.IMAP4_SSL(*up.place("imaps"), ssl_context=up.tls, timeout=SECONDS)


def explained(client: imaplib.IMAP4, mechanism: str, response: bytes) -> dict[str, str]:
    """What the server says about a token before it refuses it."""
    told: list[bytes] = []

    def answer(challenge: bytes) -> bytes:
        told.append(challenge)
        return response if len(told) == 1 else b"\1"

    with pytest.raises(imaplib.IMAP4.error):
        client.authenticate(mechanism, answer)
    found: dict[str, str] = json.loads(told[1])
    return found


def get_emails(up: MailkeepUp, token: str) -> httpx2.Response:
    headers = {"Authorization": f"Bearer {token}"}
    return httpx2.get(f"{up.api_url}/api/emails", headers=headers, timeout=SECONDS, trust_env=False)


def users(up: MailkeepUp) -> Mapping[str, dict[str, object]]:
    return {user["address"]: user for user in up.cli("users", "list")}


@KINDS
@MECHANISMS
def test_the_first_sign_in_by_imap_makes_the_user_and_finds_the_mail_that_waits(
    up: MailkeepWithIssuer, issuer: RunningIssuer, subject: str, mechanism: str, response, resource: str
) -> None:
    deliver(up, address_of(subject), message(address_of(subject), "waiting"))
    token = up.keeps_secret(issuer.sign_in(subject, resource=resource))
    with imap_client(up) as client:
        client.authenticate(mechanism, lambda _: response(address_of(subject), token))
        assert client.select()[1] == [b"1"]
    assert address_of(subject) in users(up)


@KINDS
def test_the_api_takes_the_token_and_knows_the_same_user(
    up: MailkeepWithIssuer, issuer: RunningIssuer, subject: str, resource: str
) -> None:
    deliver(up, address_of(subject), message(address_of(subject), "waiting"))
    token = up.keeps_secret(issuer.sign_in(subject, resource=resource))
    answer = get_emails(up, token)
    assert (answer.status_code, answer.json()["totalCount"]) == (200, 1)
    with imap_client(up) as client:
        client.authenticate("XOAUTH2", lambda _: xoauth2(address_of(subject), token))
        assert client.select()[1] == [b"1"]
    assert len([one for one in users(up) if one == address_of(subject)]) == 1


@KINDS
@MECHANISMS
def test_smtp_takes_the_token(
    up: MailkeepWithIssuer, issuer: RunningIssuer, subject: str, mechanism: str, response, resource: str
) -> None:
    token = up.keeps_secret(issuer.sign_in(subject, resource=resource))
    own = address_of(subject)
    with smtplib.SMTP(*up.place("submission"), timeout=SECONDS) as client:
        client.starttls(context=up.tls)
        client.ehlo()
        client.auth(mechanism, lambda challenge=None: response(own, token).decode())
        client.sendmail(own, [own], message(own, sender=own))
    assert get_emails(up, token).json()["totalCount"] == 1


@KINDS
@pytest.mark.parametrize(
    ("scheme", "listener", "path"), [("imaps", "imaps", "/"), ("pop3s", "pop3s", "/"), ("pop3", "pop3", "/")]
)
def test_curl_reads_with_a_token(
    up: MailkeepWithIssuer,
    issuer: RunningIssuer,
    subject: str,
    tmp_path: Path,
    scheme: str,
    listener: str,
    path: str,
    resource: str,
) -> None:
    deliver(up, address_of(subject), message(address_of(subject)))
    token = up.keeps_secret(issuer.sign_in(subject, resource=resource))
    for options in CURL_MECHANISMS:
        said = succeed([*curl(up, tmp_path, subject, token, scheme, listener, path), *options])
        assert b"INBOX" in said if scheme == "imaps" else said.startswith(b"1 ")


@KINDS
def test_curl_sends_with_a_token(
    up: MailkeepWithIssuer, issuer: RunningIssuer, subject: str, tmp_path: Path, resource: str
) -> None:
    token, own = up.keeps_secret(issuer.sign_in(subject, resource=resource)), address_of(subject)
    command = curl(up, tmp_path, subject, token, "smtps", "submissions", "")
    for options in CURL_MECHANISMS:
        succeed(
            [*command, *options, "--mail-from", own, "--mail-rcpt", own, "-T", "-"],
            stdin=message(own, sender=own),
        )
    assert get_emails(up, token).json()["totalCount"] == len(CURL_MECHANISMS)


def test_curl_is_told_that_another_users_address_is_not_the_tokens(
    up: MailkeepWithIssuer, issuer: RunningIssuer, subject: str, tmp_path: Path
) -> None:
    token = up.keeps_secret(issuer.sign_in(subject))
    for scheme, listener in (("imaps", "imaps"), ("pop3s", "pop3s")):
        ran = run(curl(up, tmp_path, "demo", token, scheme, listener, "/"))
        assert ran.returncode == CURL_LOGIN_DENIED, ran.stderr


@KINDS
@pytest.mark.parametrize("auth", ["oauthbearer", "xoauth2"])
def test_msmtp_and_mpop_with_a_token(
    up: MailkeepWithIssuer, issuer: RunningIssuer, subject: str, tmp_path: Path, auth: str, resource: str
) -> None:
    token, own = up.keeps_secret(issuer.sign_in(subject, resource=resource)), address_of(subject)
    password = private_file(tmp_path / "token", f"{token}\n")
    (host, port), mbox = up.place("submissions"), tmp_path / "mbox"
    both = f"user {own}\nauth {auth}\npasswordeval cat {password}\ntls on\ntls_trust_file {up.ca_file}\n"
    sending = f"account default\nhost {host}\nport {port}\nfrom {own}\ntls_starttls off\n{both}"
    reading = f"account default\nhost {host}\nport {up.place('pop3s').port}\ntls_starttls off\n{both}"
    reading += f"delivery mbox {mbox}\nuidls_file {tmp_path / 'uidls'}\n"
    msmtp_file = private_file(tmp_path / "msmtprc", sending)
    mpop_file = private_file(tmp_path / "mpoprc", reading)
    succeed([program("msmtp"), "-C", str(msmtp_file), own], stdin=message(own, "by msmtp", sender=own))
    succeed([program("mpop"), "-C", str(mpop_file), "-q"], home=tmp_path)
    assert b"Subject: by msmtp" in mbox.read_bytes()


def test_a_refresh_token_gives_the_next_access_token(
    up: MailkeepWithIssuer, issuer: RunningIssuer, subject: str
) -> None:
    first = issuer.sign_in(subject)
    assert get_emails(up, up.keeps_secret(first)).status_code == 200
    assert get_emails(up, up.keeps_secret(issuer.refresh(first))).status_code == 200


def test_tokens_of_a_new_key_are_taken_and_of_the_withdrawn_one_not(
    up: MailkeepWithIssuer, issuer: RunningIssuer, subject: str
) -> None:
    before = up.keeps_secret(issuer.sign_in(subject))
    assert get_emails(up, before).status_code == 200
    issuer.rotate_keys(keep_old=True)
    both = up.keeps_secret(issuer.sign_in(subject))
    assert eventually(lambda: get_emails(up, both).status_code == 200)
    assert get_emails(up, before).status_code == 200
    issuer.rotate_keys(keep_old=False)
    only = up.keeps_secret(issuer.sign_in(subject))
    assert eventually(lambda: get_emails(up, only).status_code == 200)
    assert get_emails(up, before).status_code == 401


def test_an_opaque_token_is_asked_about_once_in_a_while_and_ends_when_it_is_revoked(
    up: MailkeepWithIssuer, issuer: RunningIssuer, subject: str
) -> None:
    tokens = issuer.sign_in(subject, resource="")
    token = up.keeps_secret(tokens)
    assert get_emails(up, token).status_code == 200
    asked = issuer.count("/token/introspection")
    assert get_emails(up, token).status_code == 200
    assert issuer.count("/token/introspection") - asked <= 1  # none, unless two seconds went by
    issuer.revoke(tokens)
    assert eventually(lambda: get_emails(up, token).status_code == 401)


def test_an_address_that_the_issuer_has_not_verified_is_nobodys(
    up: MailkeepWithIssuer, issuer: RunningIssuer, subject: str
) -> None:
    claimed = f"unverified-{subject}"
    deliver(up, address_of(claimed), message(address_of(claimed)))
    token = up.keeps_secret(issuer.sign_in(claimed))
    assert get_emails(up, token).status_code == 401
    assert address_of(claimed) not in users(up)
    assert eventually(lambda: "email_unverified" in reasons(up))


def reasons(up: MailkeepUp) -> set[str]:
    """Why attempts were refused lately."""
    return {row["reason"] for row in up.cli("audit", "--limit", "50")}


@MECHANISMS
def test_a_refused_token_is_told_where_to_get_another(
    up: MailkeepWithIssuer, issuer: RunningIssuer, subject: str, mechanism: str, response
) -> None:
    with imap_client(up) as client:
        told = explained(client, mechanism, response(address_of(subject), "not-a-token"))
    if mechanism == "OAUTHBEARER":
        assert told["status"] == "invalid_token"
        assert told["openid-configuration"] == f"{issuer.issuer}/.well-known/openid-configuration"
    else:
        assert told["status"] == "401"


def test_a_scope_of_the_issuers_own_opens_what_the_setting_says_and_no_more(
    up: MailkeepWithIssuer, issuer: RunningIssuer, subject: str
) -> None:
    tokens = issuer.sign_in(subject, scope="openid email offline_access IMAP.AccessAsUser.All")
    token, own = up.keeps_secret(tokens), address_of(subject)
    with imap_client(up) as client:
        client.authenticate("XOAUTH2", lambda _: xoauth2(own, token))
    assert get_emails(up, token).status_code == 401
    told: list[bytes] = []

    def answer(challenge: bytes | None = None) -> str:
        if challenge:
            told.append(challenge)
        return oauthbearer(own, token).decode() if challenge is None else "\1"

    with smtplib.SMTP_SSL(*up.place("submissions"), context=up.tls, timeout=SECONDS) as client:
        client.ehlo()
        with pytest.raises(smtplib.SMTPAuthenticationError):
            client.auth("OAUTHBEARER", answer)
    assert json.loads(told[0])["status"] == "insufficient_scope"


def test_sessions_on_every_host_end_soon_after_their_token(
    up: MailkeepWithIssuer, issuer: RunningIssuer, subject: str
) -> None:
    own, scope = address_of(subject), "openid email offline_access imap pop3 smtp api:read brief"

    def token() -> str:
        return up.keeps_secret(issuer.sign_in(subject, scope=scope))

    with ExitStack() as stack:
        imap = imap_client(up)
        stack.callback(imap.shutdown)
        imap.authenticate("XOAUTH2", lambda _: xoauth2(own, token()))
        pop3 = poplib.POP3_SSL(*up.place("pop3s"), context=up.tls, timeout=SECONDS)
        stack.callback(pop3.close)
        pop3._shortcmd(f"AUTH XOAUTH2 {base64.b64encode(xoauth2(own, token())).decode()}")
        smtp = smtplib.SMTP_SSL(*up.place("submissions"), context=up.tls, timeout=SECONDS)
        stack.callback(smtp.close)
        smtp.ehlo()
        smtp.auth("XOAUTH2", lambda challenge=None: xoauth2(own, token()).decode())
        events = stack.enter_context(
            httpx2.stream(
                "GET",
                f"{up.api_url}/api/events",
                headers={"Authorization": f"Bearer {token()}"},
                timeout=SECONDS,
                trust_env=False,
            )
        )
        assert events.status_code == 200
        assert imap.sock.recv(1000).startswith(b"* BYE")  # seconds of life, one of grace
        assert pop3.sock.recv(1000) == b""
        assert smtp.sock is not None
        assert smtp.sock.recv(1000)[:4] in {b"421 ", b""}
        assert list(events.iter_bytes()) != []  # ends, and not by the time limit


def test_a_client_learns_that_there_is_an_issuer(up: MailkeepWithIssuer) -> None:
    told = httpx2.get(f"{up.api_url}/api/discovery", trust_env=False).json()
    assert told["oidcEnabled"] is True
    assert "oidc" in told["features"]


def test_an_operators_user_is_adopted_at_the_first_sign_in(
    up: MailkeepWithIssuer, issuer: RunningIssuer, subject: str
) -> None:
    person = up.add_person(subject)
    deliver(up, person.address, message(person.address))
    token = up.keeps_secret(issuer.sign_in(subject))
    assert get_emails(up, token).json()["totalCount"] == 1
    assert get_emails(up, person.api_key).json()["totalCount"] == 1


def curl(
    up: MailkeepUp, tmp_path: Path, subject: str, token: str, scheme: str, listener: str, path: str
) -> list[str]:
    """A command line; the token is in a file, out of the process list."""
    host, port = up.place(listener)
    credential = f'user = "{address_of(subject)}"\noauth2-bearer = "{token}"\n'
    config = private_file(tmp_path / "curl.conf", credential)
    command = [program("curl"), "-q", "-sS", "--cacert", up.ca_file, "--ssl-reqd", "-K", str(config)]
    return [*command, f"{scheme}://{host}:{port}{path}"]


def eventually(holds, seconds: float = 30.0) -> bool:
    """True as soon as it holds; False if it never does."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if holds():
            return True
        time.sleep(0.2)
    return False


# --- without an issuer ----------------------------------------------------------------------------


def test_a_development_token_opens_every_host(mailkeep: MailkeepUp, tmp_path: Path) -> None:
    own = mailkeep.unclaimed()
    deliver(mailkeep, own, message(own))
    token = mailkeep.cli("tokens", "dev", own)["token"]
    assert get_emails(mailkeep, token).json()["totalCount"] == 1
    with imap_client(mailkeep) as client:
        client.authenticate("XOAUTH2", lambda _: xoauth2(own, token))
        assert client.select()[1] == [b"1"]
    subject = own.partition("@")[0]
    assert succeed(curl(mailkeep, tmp_path, subject, token, "pop3s", "pop3s", "/")).startswith(b"1 ")
    with smtplib.SMTP_SSL(*mailkeep.place("submissions"), context=mailkeep.tls, timeout=SECONDS) as client:
        client.ehlo()
        client.auth("XOAUTH2", lambda challenge=None: xoauth2(own, token).decode())
    assert token not in mailkeep.log


def test_a_development_token_with_another_signature_opens_nothing(mailkeep: MailkeepUp) -> None:
    token = mailkeep.cli("tokens", "dev", mailkeep.unclaimed())["token"]
    body, _, signature = token.rpartition(".")
    octets = bytearray(base64.urlsafe_b64decode(signature + "=="))
    octets[0] ^= 1
    forged = f"{body}.{base64.urlsafe_b64encode(octets).rstrip(b'=').decode()}"
    assert get_emails(mailkeep, forged).status_code == 401
    none = base64.urlsafe_b64encode(b'{"alg":"none"}').rstrip(b"=").decode()
    assert get_emails(mailkeep, f"{none}.{body.partition('.')[2]}.").status_code == 401


def test_no_host_starts_where_others_reach_it_and_a_development_key_opens_all(tmp_path: Path) -> None:
    """Whoever has the key is everybody."""
    key = secrets.token_urlsafe(32)
    up = str(Path(sys.executable).with_name("mailkeep"))
    told = [[up, "up", "--data-dir", str(tmp_path / "up"), "--host", "0.0.0.0"]]
    told += [[sys.executable, "-m", f"mailkeep_{host}"] for host in HOSTS]
    public = {
        f"MAILKEEP_{name}": "0.0.0.0:0" for name in ("SMTP_MX", "POP3_PLAIN", "IMAP_PLAIN", "API_LISTEN")
    }
    environ = {"MAILKEEP_JWT_DEVELOPMENT_KEY": key, "MAILKEEP_STORE_DATA_DIR": str(tmp_path / "hosts")}
    for command in told:
        more = public if command[1] == "-m" else {}
        ran = run(command, home=tmp_path, environ={**environ, **more})
        assert ran.returncode not in {0, -15}, command
        assert b"jwt_development_key is for development and a listener is public" in ran.stderr
        assert key.encode() not in ran.stdout + ran.stderr
    assert not (tmp_path / "hosts").exists()

"""Sessions that end from our side: a revoked key, a stopping host, a database that is away."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack

from tests.support.imap_host import Client, ImapHost, Login, Operator, imap_user
from tests.support.postgres import PostgresCluster

from mailkeep.net.development import DevelopmentCa
from mailkeep.settings import StoreSettings

MESSAGE = b"Subject: one\r\n\r\nbody\r\n"


def test_a_revoked_key_ends_its_sessions_and_no_others(
    host: ImapHost, operator: Operator, user: Login, exits: ExitStack
) -> None:
    idling = exits.enter_context(host.log_in(user, "INBOX"))
    idling.play("C: i IDLE\nS: + ...")
    waiting = exits.enter_context(host.log_in(user))
    stranger = exits.enter_context(host.log_in(imap_user(operator)))
    began = time.monotonic()
    operator.revoke(user.key_id)
    for session in (idling, waiting):
        session.play("S: * BYE ...")
        assert session.closed()
    assert time.monotonic() - began < 5  # promised within a second; the machine may be loaded
    stranger.command("NOOP")
    with host.connect() as again:
        again.play(f"S: * OK ...\nC: a LOGIN {user.address} {user.key}\nS: a NO [AUTHENTICATIONFAILED] ...")


def test_a_stopping_host_says_bye(own_host: Callable[..., ImapHost], user: Login, exits: ExitStack) -> None:
    started = own_host()
    idling = exits.enter_context(started.log_in(user, "INBOX"))
    idling.play("C: i IDLE\nS: + ...")
    fresh = exits.enter_context(started.connect())
    fresh.line()
    assert started.stop() == 0
    for session in (idling, fresh):
        session.play("S: * BYE ...")
        assert session.closed()


def test_a_stopping_host_finishes_the_command_under_way(
    own_host: Callable[..., ImapHost], user: Login
) -> None:
    started = own_host()
    with started.log_in(user, "INBOX") as client:
        message = b"Subject: big\r\n\r\n" + b"x" * 700_000
        client.append("INBOX", message)
        client.command("COPY 1 INBOX")
        client.command("COPY 1:* INBOX")
        client.send(b"a FETCH 1:* BODY.PEEK[]\r\n")
        assert client.line() == f"* 1 FETCH (BODY[] {{{len(message)}}}"
        assert started.process is not None
        started.process.terminate()
        time.sleep(0.2)
        assert client.octets(len(message)) == message
        client.line()
        for number in range(2, 5):
            assert client.line() == f"* {number} FETCH (BODY[] {{{len(message)}}}"
            client.octets(len(message))
            client.line()
        client.play("S: a OK ...\nS: * BYE ...")
        assert started.process.wait(20) == 0


def test_a_database_outage_is_survived(
    ca: DevelopmentCa, tmp_path: object, exits: ExitStack, postgres_settings: StoreSettings
) -> None:
    """RFC 5530 section 3: UNAVAILABLE, on a connection that lives on and works again."""
    cluster = exits.enter_context(PostgresCluster())
    settings = StoreSettings(
        data_dir=postgres_settings.data_dir, database=cluster.url(cluster.create_database())
    )
    operator = Operator(settings)
    user = imap_user(operator)
    operator.close()
    started = exits.enter_context(
        ImapHost(settings, ca, {"AUTH_INSECURE_LOOPBACK_AUTH": "true", "STORE_TIMEOUT_SECONDS": "2"})
    )
    client = exits.enter_context(started.log_in(user, "INBOX"))
    client.append("INBOX", MESSAGE)
    cluster.stop(immediate=True)
    for command in (
        "NOOP",
        "FETCH 1 BODY[]",
        r"STORE 1 +FLAGS (\Flagged)",
        "COPY 1 Trash",
        'LIST "" *',
        "SEARCH TEXT body",
    ):
        assert client.refused(command).startswith("NO [UNAVAILABLE]"), command
    client.play("C: w APPEND Trash {10}\nS: w NO [UNAVAILABLE] ...")
    client.play("C: x APPEND INBOX {10}\nS: + ...")  # which it has been appended to before
    client.send(b"0123456789\r\n")
    client.play("S: x NO [UNAVAILABLE] ...")
    client.play("C: y CAPABILITY\nS: * CAPABILITY ...\nS: y OK ...")
    cluster.start()
    _until_ok(client, "NOOP")
    client.play(
        r"""
        C: z FETCH 1:* (FLAGS BODY[TEXT])
        S: * 1 FETCH (FLAGS (\Seen \Recent) BODY[TEXT] {6}
        S: body
        S: )
        S: z OK ...
        """
    )
    client.append("INBOX", MESSAGE)
    assert "mailkeep_imap/" not in started.log  # no traceback through the host


def _until_ok(client: Client, command: str) -> None:
    deadline = time.monotonic() + 20
    while not client.exchange(command)[-1].startswith("OK"):
        assert time.monotonic() < deadline
        time.sleep(0.1)

"""Submission: RFC 6409, RFC 4954, RFC 8314; who may send as whom."""

from __future__ import annotations

import base64
import re
from typing import Any

import pytest
from tests.support.smtp_host import SmtpHost, TestUser, Wire, smtp_host

from mailkeep.model.address import Address
from mailkeep.model.scope import Scope

OWN = b"From: Demo <demo@example.test>\r\nSubject: hi\r\n\r\nhello\r\n.\r\n"


TRACE = re.compile(rb"Return-Path: [^\r]*\r\nReceived: [^\r]*(?:\r\n\t[^\r]*)*\r\n")
ADDED = re.compile(
    rb"Date: \w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d \+0000\r\n"
    rb"Message-ID: <\d{14}\.[0-9a-f]{16}@mx\.example\.test>\r\n\r\n"
)


def untraced(stored: bytes) -> bytes:
    """A stored message without the trace fields, which must be on top."""
    trace = TRACE.match(stored)
    assert trace is not None, stored[:200]
    return stored[trace.end() :]


def mended(stored: bytes) -> bytes:
    """The same without the Date and Message-ID that must have been added at its header's end."""
    octets, count = ADDED.subn(b"\r\n", untraced(stored))
    assert count == 1, stored[:1000]
    return octets


def b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


@pytest.fixture
async def demo(host: SmtpHost) -> TestUser:
    return await host.add_user("demo@example.test")


async def greeted(host: SmtpHost, listener: str) -> Wire:
    wire = await host.connect(listener)
    await wire.expect("220 ")
    await wire.ehlo()
    return wire


# --- before authentication ------------------------------------------------------------------------


async def test_submission_wants_tls_first(host: SmtpHost, demo: TestUser) -> None:
    wire = await host.connect("submission")
    await wire.expect("220 ")
    keywords = await wire.ehlo()
    assert "STARTTLS" in keywords
    assert not [word for word in keywords if word.startswith("AUTH")]
    for command in ("MAIL FROM:<demo@example.test>", "RCPT TO:<a@example.test>", "DATA", "VRFY a"):
        await wire.ask(command, "530 5.7.0 Must issue a STARTTLS command first.")
    await wire.ask(f"AUTH PLAIN {demo.plain}", "538 5.7.11 ")
    await wire.start_tls(host.client_tls)
    assert "AUTH PLAIN LOGIN XOAUTH2 OAUTHBEARER" in await wire.ehlo()
    await wire.ask("MAIL FROM:<demo@example.test>", "530 5.7.0 Authentication required.")
    await wire.ask(f"AUTH PLAIN {demo.plain}", "235 2.7.0 ")
    await wire.close()


async def test_submissions_wants_authentication(host: SmtpHost) -> None:
    wire = await greeted(host, "submissions")
    for command in ("MAIL FROM:<>", "RCPT TO:<a@example.test>", "DATA", "VRFY a"):
        await wire.ask(command, "530 5.7.0 Authentication required.")
    await wire.close()


async def test_plaintext_from_loopback_if_the_operator_permits_it(store: Any, tmp_path: Any, ca: Any) -> None:
    async with smtp_host(store, tmp_path / "data", ca, loopback_auth=True) as host:
        demo = await host.add_user("demo@example.test")
        wire = await greeted(host, "submission")
        await wire.ask(f"AUTH PLAIN {demo.plain}", "235 2.7.0 ")
        await wire.ask("MAIL FROM:<demo@example.test>", "250 ")
        await wire.close()


# --- AUTH -----------------------------------------------------------------------------------------


async def test_every_mechanism_in_any_case_with_and_without_initial_response(
    host: SmtpHost, demo: TestUser
) -> None:
    bearer = f"user={demo.address}\x01auth=Bearer {demo.api_key}\x01\x01"
    oauth = f"n,a={demo.address},\x01auth=Bearer {demo.api_key}\x01\x01"
    for lines in (
        [f"AUTH PLAIN {demo.plain}"],
        [f"auth plain {demo.plain}"],
        ["Auth Plain", demo.plain],
        ["AUTH LOGIN", b64(demo.address), b64(demo.api_key)],
        [f"AUTH login {b64(demo.address)}", b64(demo.api_key)],
        [f"AUTH XOAUTH2 {b64(bearer)}"],
        ["AUTH xoauth2", b64(bearer)],
        [f"AUTH OAUTHBEARER {b64(oauth)}"],
        ["AUTH OAUTHBEARER", b64(oauth)],
    ):
        wire = await greeted(host, "submissions")
        for line in lines[:-1]:
            await wire.ask(line, "334 ")
        await wire.ask(lines[-1], "235 2.7.0 ")
        await wire.ask(f"AUTH PLAIN {demo.plain}", "503 5.5.1 Already authenticated.")
        await wire.close()


async def test_the_challenges_of_login(host: SmtpHost, demo: TestUser) -> None:
    """What Outlook compares them with."""
    wire = await greeted(host, "submissions")
    await wire.play("""
    C: AUTH LOGIN
    S: 334 VXNlcm5hbWU6
    """)
    await wire.ask(b64(demo.address), "334 UGFzc3dvcmQ6")
    await wire.ask(b64(demo.api_key), "235 2.7.0 ")
    await wire.close()


@pytest.mark.parametrize("size", [3_000, 12_000, 16 * 1024])
async def test_long_tokens_are_read_to_their_end(host: SmtpHost, size: int) -> None:
    """A refusal of the token, not of the line; the next command is read as one."""
    response = b64("user=demo@example.test\x01auth=Bearer " + "x" * size + "\x01\x01")
    wire = await greeted(host, "submissions")
    await wire.ask(f"AUTH XOAUTH2 {response}", "334 ")
    await wire.ask("", "535 5.7.8 ")
    await wire.ask("AUTH XOAUTH2", "334 ")
    await wire.ask(response, "334 ")
    await wire.ask("", "535 5.7.8 ")
    await wire.ask("NOOP", "250 2.0.0 Ok")
    await wire.close()


async def test_a_token_past_every_limit(host: SmtpHost) -> None:
    """RFC 4954 section 4."""
    wire = await greeted(host, "submissions")
    await wire.ask("AUTH XOAUTH2 " + "A" * 40_000, "500 5.5.6 ")
    await wire.ask("AUTH XOAUTH2", "334 ")
    await wire.ask("A" * 40_000, "500 5.5.6 ")
    await wire.ask("NOOP", "250 2.0.0 Ok")
    await wire.close()


FAILING = [
    (["AUTH"], "501 5.5.4 "),
    (["AUTH SCRAM-SHA-256"], "504 5.5.4 "),
    (["AUTH PLAIN !!!"], "501 5.5.2 "),
    (["AUTH PLAIN", "*"], "501 5.7.0 "),
    (["AUTH LOGIN", "ZGVtbw==", "*"], "501 5.7.0 "),
    (["AUTH PLAIN", "ZGVtbw"], "501 5.5.2 "),
    (["AUTH PLAIN ="], "501 5.5.2 "),
    (["AUTH PLAIN " + b64("\0demo@example.test\0wrong")], "535 5.7.8 "),
    (["AUTH PLAIN " + b64("\0demo@example.test\0mk_abcdefghi_" + "A" * 50)], "535 5.7.8 "),
]


async def test_failing_to_authenticate(host: SmtpHost, demo: TestUser) -> None:
    """The connection lives on, and the right credential is still taken."""
    for lines, last in FAILING:
        wire = await greeted(host, "submissions")
        for line in lines[:-1]:
            await wire.ask(line, "334 ")
        await wire.ask(lines[-1], last)
        await wire.ask(f"AUTH PLAIN {demo.plain}", "235 2.7.0 ")
        await wire.close()


async def test_a_key_without_the_scope(host: SmtpHost) -> None:
    user = await host.add_user("reader@example.test", Scope.IMAP, Scope.POP3)
    wire = await greeted(host, "submissions")
    await wire.ask(f"AUTH PLAIN {user.plain}", "535 5.7.8 This key was not made for smtp.")
    await wire.ask("MAIL FROM:<reader@example.test>", "530 5.7.0 ")
    await wire.close()


async def test_auth_is_refused_within_a_transaction_and_before_ehlo(host: SmtpHost, demo: TestUser) -> None:
    wire = await host.connect("submissions")
    await wire.expect("220 ")
    await wire.ask(f"AUTH PLAIN {demo.plain}", "503 5.5.1 ")
    await wire.ask("HELO old.example", "250 ")
    await wire.ask(f"AUTH PLAIN {demo.plain}", "503 5.5.1 ")
    await wire.close()


# --- sending --------------------------------------------------------------------------------------


async def test_a_message_to_ourselves(host: SmtpHost, demo: TestUser) -> None:
    wire = await host.logged_in(demo, "submissions")
    await wire.transaction("demo@example.test", "demo@example.test", "friend@example.test")
    await wire.send(OWN)
    await wire.expect("250 2.0.0 Ok: ")
    for address in ("demo@example.test", "friend@example.test"):
        [stored] = await host.inbox(address)
        assert mended(stored) == OWN[:-3]
        assert b" with ESMTPSA id " in stored
    sent = await host.store.mailboxes.get(demo.account_id, "Sent")
    assert sent.messages == 0  # clients keep their own copies
    await wire.close()


async def test_the_envelope_sender_is_ones_own(host: SmtpHost, demo: TestUser) -> None:
    await host.add_user("other@example.test")
    await host.store.directory.add_address(demo.user_id, Address.parse("alias@example.test"))
    wire = await host.logged_in(demo)
    for sender in ("other@example.test", "demo@elsewhere.example", "unclaimed@example.test"):
        await wire.ask(f"MAIL FROM:<{sender}>", "550 5.7.1 ")
    for sender in ("demo@example.test", "Demo+news@EXAMPLE.TEST", "alias@example.test", ""):
        await wire.ask(f"MAIL FROM:<{sender}> AUTH=<>", "250 2.1.0 ")
        await wire.ask("RSET", "250 ")
    await wire.close()


AUTHORS = [
    (b"From: demo@example.test\r\n", True),
    (b'From: "Anybody, at all" <Demo+x@example.test>\r\n', True),
    (b"from:\r\n\t<demo@example.test>\r\n", True),
    (b"From: demo@example.test, alias@example.test\r\n", True),
    (b"From: other@example.test\r\n", False),
    (b"From: demo@example.test <other@example.test>\r\n", False),
    (b"From: demo@example.test, other@example.test\r\n", False),
    (b"From: demo@example.test\r\nFrom: other@example.test\r\n", False),
    (b"From: other@example.test\r\nFrom: demo@example.test\r\n", False),
    (b"From : other@example.test\r\nX: y\r\nFrom: demo@example.test\r\n", False),
    (b"From: Group: demo@example.test;\r\n", False),
    (b"From: undisclosed:;\r\n", False),
    (b"From:\r\n", False),
    (b"From: nobody\r\n", False),
    (b"Subject: none\r\n", False),
    (b"X: y\r\n\r\nFrom: demo@example.test\r\n", False),
    (b"From: <demo@example.test>" + b" (x)" * 20_000 + b"\r\n", False),
]


async def test_the_from_field_is_ones_own(host: SmtpHost, demo: TestUser) -> None:
    await host.add_user("other@example.test")
    await host.store.directory.add_address(demo.user_id, Address.parse("alias@example.test"))
    wire = await host.logged_in(demo)
    for header, taken in AUTHORS:
        await wire.transaction("demo@example.test", "friend@example.test")
        await wire.send(header + b"\r\nhello\r\n.\r\n")
        await wire.expect("250 2.0.0 " if taken else "550 5.")
    taken_headers = [header for header, taken in AUTHORS if taken]
    stored = await host.inbox("friend@example.test")
    assert len(stored) == len(taken_headers)
    for header, octets in zip(taken_headers, stored, strict=True):
        assert mended(octets) == header + b"\r\nhello\r\n"
    await wire.close()


SENDERS = [
    (b"Sender: demo@example.test\r\n", "250 2.0.0 "),
    (b"Sender: Its Secretary <alias@example.test>\r\n", "250 2.0.0 "),
    (b"sender :\r\n demo+x@example.test\r\n", "250 2.0.0 "),
    (b"Sender: other@example.test\r\n", "550 5.7.1 The Sender field holds an address that is not yours."),
    (b"Sender: demo@example.test\r\nSender: other@example.test\r\n", "550 5.7.1 "),
    (b"Sender: demo@example.test, alias@example.test\r\n", "550 5.7.1 "),
    (b"Sender:\r\n", "550 5.7.1 "),
    (b"Sender: nobody\r\n", "550 5.7.1 The Sender field holds something that is not an address."),
    (b"Sender: undisclosed:;\r\n", "550 5.7.1 "),
]


async def test_the_sender_field_is_ones_own(host: SmtpHost, demo: TestUser) -> None:
    """RFC 6409 section 8.1; RFC 5322 section 3.6.2 has one address there."""
    await host.add_user("other@example.test")
    await host.store.directory.add_address(demo.user_id, Address.parse("alias@example.test"))
    wire = await host.logged_in(demo)
    for header, answer in SENDERS:
        await wire.transaction("demo@example.test", "friend@example.test")
        await wire.send(header + OWN)
        await wire.expect(answer)
    stored = await host.inbox("friend@example.test")
    taken = [header for header, answer in SENDERS if answer.startswith("250")]
    assert [mended(octets) for octets in stored] == [header + OWN[:-3] for header in taken]
    await wire.close()


async def test_what_is_there_stays_and_blind_copies_go(host: SmtpHost, demo: TestUser) -> None:
    """RFC 6409 sections 8.2 and 8.3; RFC 5322 section 3.6.3."""
    kept = (
        b"From: demo@example.test\r\nX-Odd:  \t two\r\n\tlines\r\nmessage-id: <own@x>\r\ndate: whenever\r\n"
    )
    body = b"\r\nBcc: in the body\r\n..\r\n" + bytes(range(128, 256)) + b"\r\n"
    wire = await host.logged_in(demo)
    for bcc in (b"Bcc: hidden@example.test,\r\n\thidden2@example.test\r\n", b"resent-bcc: hidden@x\r\n"):
        await wire.transaction("demo@example.test", "friend@example.test", "hidden@example.test")
        await wire.send(bcc + kept + bcc + body.replace(b"\r\n.", b"\r\n..") + b".\r\n")
        await wire.expect("250 2.0.0 ")
    for address in ("friend@example.test", "hidden@example.test"):
        assert [untraced(octets) for octets in await host.inbox(address)] == [kept + body] * 2
    await wire.close()


async def test_large_messages_are_mended_too(host: SmtpHost, demo: TestUser) -> None:
    """On both sides of where a message goes to a file."""
    header = b"From: demo@example.test\r\nBcc: hidden@example.test\r\n"
    bodies = [(b"\r\n" + b"x" * 98) * (size // 100) + b"\r\n" for size in (1_048_000, 1_049_000, 3_000_000)]
    wire = await host.logged_in(demo)
    for body in bodies:
        await wire.transaction("demo@example.test", "friend@example.test")
        await wire.send(header + b"\r\n" + body + b".\r\n")
        await wire.expect("250 2.0.0 ")
    stored = [mended(octets) for octets in await host.inbox("friend@example.test")]
    assert stored == [b"From: demo@example.test\r\n\r\n" + body for body in bodies]
    assert not list(host.server.services.spool_directory.glob("*"))
    await wire.close()


async def test_a_message_that_is_all_header(host: SmtpHost, demo: TestUser) -> None:
    wire = await host.logged_in(demo)
    await wire.transaction("demo@example.test", "friend@example.test")
    await wire.send(b"From: demo@example.test\r\nBcc: a@b\r\n.\r\n")
    await wire.expect("250 2.0.0 ")
    [stored] = await host.inbox("friend@example.test")
    assert mended(stored + b"\r\n") == b"From: demo@example.test\r\n\r\n"
    await wire.close()


async def test_a_header_past_its_limit(host: SmtpHost, demo: TestUser) -> None:
    """Refused whole: a From field could stand behind any limit."""
    wire = await host.logged_in(demo)
    await wire.transaction("demo@example.test", "friend@example.test")
    await wire.send(b"From: demo@example.test\r\n" + b"X: y\r\n" * 11_000 + b"\r\nhello\r\n.\r\n")
    await wire.expect("550 5.6.0 The header is longer than 61440 octets.")
    assert await host.account_of("friend@example.test") is None
    await wire.close()


async def test_nothing_leaves_where_relaying_is_off(host: SmtpHost, demo: TestUser) -> None:
    wire = await host.logged_in(demo)
    await wire.ask("MAIL FROM:<demo@example.test>", "250 ")
    await wire.ask("RCPT TO:<a@elsewhere.example>", "550 5.7.1 ")
    await wire.close()


async def test_revoking_the_key_ends_the_session(host: SmtpHost, demo: TestUser) -> None:
    wire = await host.logged_in(demo)
    await host.keys.revoke(demo.key_id)
    await wire.expect("421 4.7.0 ")
    await wire.closed()


async def test_revoking_the_key_ends_it_within_a_message_too(host: SmtpHost, demo: TestUser) -> None:
    wire = await host.logged_in(demo)
    await wire.transaction("demo@example.test", "friend@example.test")
    await wire.send(OWN[:-5])
    await host.keys.revoke(demo.key_id)
    await wire.expect("421 4.7.0 ")
    await wire.closed()
    assert await host.inbox("friend@example.test") == []


async def test_disabling_the_user_ends_the_session(host: SmtpHost, demo: TestUser) -> None:
    wire = await host.logged_in(demo)
    await host.store.directory.set_disabled(demo.user_id, True)
    await wire.expect("421 4.7.0 ")
    await wire.closed()

"""BURL (RFC 4468): a message that lies here is sent by its URL, without coming from the client again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.support.smtp_host import SmtpHost, TestUser, Wire

from mailkeep.imap.urlauth import parse_auth_url
from mailkeep.mime.prepare import prepare
from mailkeep.model.mailbox import INBOX
from mailkeep.model.message import NewMessage

DRAFT = (
    b"From: demo@example.test\r\nBcc: x@example.test\r\nMIME-Version: 1.0\r\n"
    b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\n.one\r\n--b\r\n\r\nQUIT\r\n--b--\r\n"
)
FORWARD = (
    b"From: demo@example.test\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n"
    b"--x\r\n\r\nSee below.\r\n--x\r\nContent-Type: message/rfc822\r\n\r\n"
)
TO = "friend@example.test"


@pytest.fixture
def limits() -> dict[str, Any]:
    return {"max_message_size": 100_000, "max_errors": 60}


@pytest.fixture
async def demo(host: SmtpHost) -> TestUser:
    return await host.add_user("demo@example.test")


async def put(host: SmtpHost, user: TestUser, octets: bytes) -> int:
    """A message in the user's INBOX; its UID."""
    mailbox = await host.store.mailboxes.get(user.account_id, INBOX)
    done = await host.store.committer.append(mailbox.id, [NewMessage(prepare(octets), datetime.now(UTC))])
    return done.uids[0]


def rump(user: str, uid: int, access: str = "submit+demo%40example.test", where: str = "") -> str:
    return f"imap://{user.replace('@', '%40')}@mail.test/INBOX/;UID={uid}{where};URLAUTH={access}"


async def signed(host: SmtpHost, user: TestUser, text: str) -> str:
    mailbox = await host.store.mailboxes.get(user.account_id, INBOX)
    return parse_auth_url(text).signed(await host.store.url_secrets.ensure(mailbox.id))


async def begin(wire: Wire, *more: str) -> None:
    await wire.ask(" ".join(["MAIL FROM:<demo@example.test>", *more]), "250 2.1.0 ")
    await wire.ask(f"RCPT TO:<{TO}>", "250 2.1.5 ")


async def test_it_is_offered_to_those_who_may(host: SmtpHost, demo: TestUser) -> None:
    """RFC 4468 section 3.1: "imap" once it would work."""
    wire = await host.connect("submissions")
    await wire.expect("220 ")
    assert "BURL" in await wire.ehlo()
    await wire.ask("BURL imap://a LAST", "530 5.7.0 ")
    await wire.ask(f"AUTH PLAIN {demo.plain}", "235 ")
    assert "BURL imap" in await wire.ehlo()
    mx = await host.connect("mx")
    await mx.expect("220 ")
    assert not [word for word in await mx.ehlo() if word.startswith("BURL")]
    await mx.ask("BURL imap://a LAST", "502 5.5.1 ")


async def test_a_whole_message_by_its_url(host: SmtpHost, demo: TestUser) -> None:
    url = await signed(host, demo, rump(demo.address, await put(host, demo, DRAFT)))
    wire = await host.logged_in(demo)
    await begin(wire)
    await wire.ask(f"BURL {url} LAST", "250 2.0.0 Ok: ")
    (kept,) = await host.inbox(TO)
    assert b"Bcc" not in kept
    assert b"\r\nMessage-ID: <" in kept
    assert kept.endswith(DRAFT.partition(b"\r\n\r\n")[2])
    await wire.ask("NOOP", "250 2.0.0 Ok")


async def test_parts_and_chunks_together_make_a_message(host: SmtpHost, demo: TestUser) -> None:
    """RFC 4468 section 3.3: forwarding without downloading."""
    uid = await put(host, demo, DRAFT)
    whole = await signed(host, demo, rump(demo.address, uid))
    part = await signed(host, demo, rump(demo.address, uid, where="/;SECTION=2"))
    wire = await host.logged_in(demo)
    await begin(wire)
    await wire.send(b"BDAT %d\r\n%b" % (len(FORWARD), FORWARD))
    await wire.send(f"BURL {whole}\r\n".encode())
    await wire.send(
        b"BDAT 9\r\n\r\n--x\r\n\r\n" + f"BURL {part}\r\n".encode() + b"BDAT 11 LAST\r\n\r\n--x--\r\n\r\n"
    )
    await wire.expect("250 2.0.0 ", "250 2.5.0 ", "250 2.0.0 ", "250 2.5.0 ", "250 2.0.0 Ok: ")
    (kept,) = await host.inbox(TO)
    assert kept.endswith(FORWARD.partition(b"--x")[2] + DRAFT + b"\r\n--x\r\n\r\nQUIT\r\n--x--\r\n\r\n")


@pytest.mark.parametrize("access", ["user+demo%40example.test", "authuser", "anonymous"])
async def test_whoever_may_read_it_may_send_it(host: SmtpHost, demo: TestUser, access: str) -> None:
    """RFC 4467 section 3; the URL is of somebody else's message."""
    owner = await host.add_user("owner@example.test")
    url = await signed(host, owner, rump(owner.address, await put(host, owner, DRAFT), access))
    wire = await host.logged_in(demo)
    await begin(wire)
    await wire.ask(f"BURL {url} LAST", "250 2.0.0 ")


async def test_what_opens_nothing(host: SmtpHost, demo: TestUser) -> None:
    """RFC 4468 section 3.5. The transaction is over with the last one, and what follows is no octet of it."""
    uid = await put(host, demo, DRAFT)
    gone = datetime.now(UTC) - timedelta(minutes=1)
    good = await signed(host, demo, rump(demo.address, uid))
    past = rump(demo.address, uid).replace(";URLAUTH", f";EXPIRE={gone:%Y-%m-%dT%H:%M:%SZ};URLAUTH")
    cases = {
        "imap://x": "501 5.5.4 ",
        "http://example.test/": "501 5.5.4 ",
        good.replace("submit+demo", "submit+other"): "554 5.7.8 ",
        await signed(host, demo, past): "554 5.7.8 ",
        good[:-1] + ("0" if good[-1] != "0" else "1"): "554 5.6.6 ",
        rump(demo.address, uid): "554 5.6.6 ",
        good.replace(f"UID={uid}", f"UID={uid + 1}"): "554 5.6.6 ",
        await signed(host, demo, rump(demo.address, uid + 1)): "554 5.6.6 ",
        await signed(host, demo, rump(demo.address, uid, where="/;SECTION=9")): "554 5.6.6 ",
        rump("nobody@example.test", uid) + ":internal:" + "0" * 66: "554 5.6.6 ",
    }
    wire = await host.logged_in(demo)
    for url, reply in cases.items():
        await begin(wire)
        await wire.ask(f"BURL {url}", reply)
        await wire.ask(f"BURL {good}", reply)  # the message is lost, as with BDAT
        await wire.ask(f"BURL {good} LAST", reply)
        await wire.ask(f"BURL {good} LAST", "503 5.5.1 ")
    assert await host.inbox(TO) == []
    assert not list(host.server.services.spool_directory.glob("*"))


async def test_limits_and_forms(host: SmtpHost, demo: TestUser) -> None:
    big = await signed(host, demo, rump(demo.address, await put(host, demo, DRAFT + b"x\r\n" * 40_000)))
    odd = await signed(
        host, demo, rump(demo.address, await put(host, demo, b"From: demo@example.test\n\nx\r"))
    )
    wire = await host.logged_in(demo)
    await wire.ask("BURL", "503 5.5.1 ")
    for form in ("BURL", "BURL  LAST", f"BURL {big} FIRST", f"BURL {big} LAST now"):
        await begin(wire)
        await wire.ask(form, "501 5.5.4 ")
        await wire.ask("RSET", "250 2.0.0 ")
    await begin(wire)
    await wire.ask(f"BURL {big} LAST", "552 5.3.4 ")
    await begin(wire)
    await wire.ask(f"BURL {odd} LAST", "550 5.6.0 ")
    await begin(wire)
    long = "imap://a/" + "x" * 3000
    await wire.ask(f"BURL {long} LAST", "501 5.5.4 ")
    await begin(wire)
    await wire.send(b"BDAT 25\r\nFrom: demo@example.test\r\n")
    await wire.expect("250 ")
    await wire.ask("BURL imap://a/" + "x" * 6000, "500 5.5.2 ")
    await wire.send(b"BDAT 0 LAST\r\n")  # nothing goes out without what that line named
    await wire.expect("500 5.5.2 ")
    assert await host.inbox(TO) == []


async def test_a_reset_key_takes_its_urls_back(host: SmtpHost, demo: TestUser) -> None:
    url = await signed(host, demo, rump(demo.address, await put(host, demo, DRAFT)))
    await host.store.url_secrets.reset_all(demo.account_id)
    wire = await host.logged_in(demo)
    await begin(wire)
    await wire.ask(f"BURL {url} LAST", "554 5.6.6 ")

"""MX as a peer sees it: RFC 5321, and whose mail is taken."""

from __future__ import annotations

import re

from tests.support.smtp_host import SmtpHost, Wire

from mailkeep.model.address import Address
from mailkeep.model.directory import DomainPolicy

GREETED = """
    S: 220 mx.example.test ESMTP Mailkeep
    C: EHLO client.example
    S: 250-mx.example.test
    S: 250-PIPELINING
    S: 250-SIZE 52428800
    S: 250-8BITMIME
    S: 250-SMTPUTF8
    S: 250-ENHANCEDSTATUSCODES
    S: 250-CHUNKING
    S: 250-BINARYMIME
    S: 250-DSN
    S: 250-LIMITS RCPTMAX=1000
    S: 250 STARTTLS
"""


async def test_a_whole_session(host: SmtpHost, mx: Wire) -> None:
    """RFC 5321 appendix D.1."""
    await host.add_user("jones@example.test")
    await mx.play(
        GREETED
        + """
    C: MAIL FROM:<Smith@bar.example>
    S: 250 2.1.0 Sender ok
    C: RCPT TO:<Jones@example.test>
    S: 250 2.1.5 Recipient ok
    C: DATA
    S: 354 End data with <CR><LF>.<CR><LF>
    C: Subject: Blah
    C:
    C: Blah blah blah...
    C: ..etc.
    C: .
    S: 250 2.0.0 Ok: ...
    C: QUIT
    S: 221 2.0.0 mx.example.test Bye
    """
    )
    await mx.closed()
    [stored] = await host.inbox("jones@example.test")
    trace, _, rest = stored.partition(b"Subject: ")
    assert rest == b"Blah\r\n\r\nBlah blah blah...\r\n.etc.\r\n"
    assert re.fullmatch(
        rb"Return-Path: <Smith@bar\.example>\r\n"
        rb"Received: from client\.example \(\[127\.0\.0\.1\]\)\r\n"
        rb"\tby mx\.example\.test with ESMTP id [0-9a-f]{16}\r\n"
        rb"\tfor <Jones@example\.test>;\r\n"
        rb"\t\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d \+0000\r\n",
        trace,
    )


async def test_mail_for_an_unclaimed_address_waits_for_its_owner(host: SmtpHost, mx: Wire) -> None:
    await mx.expect("220 ")
    await mx.ehlo()
    await mx.transaction("a@bar.example", "nobody-yet@example.test")
    await mx.ask("Subject: early\r\n\r\nhello\r\n.", "250 2.0.0 ")
    user = await host.add_user("nobody-yet@example.test")
    assert await host.account_of("nobody-yet@example.test") == user.account_id
    [stored] = await host.inbox("nobody-yet@example.test")
    assert stored.endswith(b"Subject: early\r\n\r\nhello\r\n")


async def test_helo_gives_plain_smtp(host: SmtpHost, mx: Wire) -> None:
    await mx.play("""
    S: 220 mx.example.test ESMTP Mailkeep
    C: HELO old.example
    S: 250 mx.example.test
    C: MAIL FROM:<a@bar.example> SIZE=100
    S: 555 5.5.4 The parameter SIZE is not known here.
    C: MAIL FROM:<a@bar.example>
    S: 250 2.1.0 Sender ok
    C: RCPT TO:<b@example.test>
    S: 250 2.1.5 Recipient ok
    C: DATA
    S: 354 End data with <CR><LF>.<CR><LF>
    C: x: y
    C: .
    S: 250 2.0.0 Ok: ...
    """)
    assert b" with SMTP id " in (await host.inbox("b@example.test"))[0]


async def test_pipelined_commands_are_answered_in_one_batch(host: SmtpHost, mx: Wire) -> None:
    """RFC 2920 section 3.2."""
    await mx.expect("220 ")
    await mx.ehlo()
    await mx.send(
        b"MAIL FROM:<a@bar.example>\r\nRCPT TO:<b@example.test>\r\nRCPT TO:<c@elsewhere.example>\r\nDATA\r\n"
    )
    await mx.expect("250 2.1.0 ", "250 2.1.5 ", "550 5.7.1 ", "354 ")
    await mx.send(
        b"A: b\r\n\r\none\r\n.\r\nMAIL FROM:<>\r\nRCPT TO:<b@example.test>\r\nDATA\r\n"
        b"A: b\r\n\r\ntwo\r\n.\r\nQUIT\r\n"
    )
    await mx.expect("250 2.0.0 ", "250 2.1.0 ", "250 2.1.5 ", "354 ", "250 2.0.0 ", "221 2.0.0 ")
    one, two = await host.inbox("b@example.test")
    assert one.endswith(b"\r\n\r\none\r\n")
    assert two.endswith(b"\r\n\r\ntwo\r\n")


async def test_a_client_that_closes_its_half_is_still_served(host: SmtpHost, mx: Wire) -> None:
    await mx.send(
        b"EHLO c\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<b@example.test>\r\n"
        b"DATA\r\nA: b\r\n\r\nhi\r\n.\r\nQUIT\r\n"
    )
    mx.writer.write_eof()
    await mx.expect("220 ", "250 ", "250 2.1.0 ", "250 2.1.5 ", "354 ", "250 2.0.0 ", "221 2.0.0 ")
    await mx.closed()
    assert len(await host.inbox("b@example.test")) == 1


async def test_each_recipient_gets_it_once(host: SmtpHost, mx: Wire) -> None:
    await host.add_user("b@example.test")
    await mx.expect("220 ")
    await mx.ehlo()
    await mx.transaction(
        "a@x.example", "b@example.test", "B@EXAMPLE.test", "b+tag@example.test", "c@example.test"
    )
    await mx.ask("To: undisclosed\r\n\r\nhi\r\n.", "250 2.0.0 ")
    for address in ("b@example.test", "c@example.test"):
        [stored] = await host.inbox(address)
        assert b"for <" not in stored


async def test_recipients_come_from_rcpt_never_from_the_header(host: SmtpHost, mx: Wire) -> None:
    await mx.expect("220 ")
    await mx.ehlo()
    await mx.transaction("a@x.example", "real@example.test")
    await mx.ask("To: header@example.test\r\nBcc: blind@example.test\r\n\r\nhi\r\n.", "250 2.0.0 ")
    [stored] = await host.inbox("real@example.test")  # nothing is mended but on submission
    assert stored.endswith(b"To: header@example.test\r\nBcc: blind@example.test\r\n\r\nhi\r\n")
    assert await host.account_of("header@example.test") is None
    assert await host.account_of("blind@example.test") is None


ELSEWHERE = [
    "<a@elsewhere.example>",
    "<@example.test:a@elsewhere.example>",
    "<a%elsewhere.example@[127.0.0.1]>",
    "<a@localhost>",
    "<a@sub.example.test>",
    "<a@example.test.elsewhere.example>",
    '<"a@example.test"@elsewhere.example>',
    "<elsewhere.example!a@other.example>",
]


async def test_it_is_no_open_relay(host: SmtpHost) -> None:
    for path in ELSEWHERE:
        wire = await host.connect()
        await wire.expect("220 ")
        await wire.ehlo()
        for sender in ("<>", "<postmaster@example.test>", "<a@elsewhere.example>"):
            await wire.ask(f"MAIL FROM:{sender}", "250 2.1.0 ")
            await wire.ask(f"RCPT TO:{path}", "550 5.7.1 ")
            await wire.ask("DATA", "503 5.5.1 ")
            await wire.ask("RSET", "250 2.0.0 ")
        await wire.close()


async def test_odd_local_parts_of_ours_stay_here(host: SmtpHost, mx: Wire) -> None:
    """Percent hack, bang path, a quoted address, a source route: all of them are addresses of ours."""
    await mx.expect("220 ")
    await mx.ehlo()
    odd = ("a%elsewhere.example", "elsewhere.example!a", '"a@elsewhere.example"', "@elsewhere.example:a")
    await mx.transaction("a@b.example", *[f"{local}@example.test" for local in odd])
    await mx.ask("A: b\r\n\r\nhi\r\n.", "250 2.0.0 ")
    assert len(await host.store.directory.addresses()) == len(odd)


async def test_the_domains_policy_decides(host: SmtpHost, mx: Wire) -> None:
    directory = host.store.directory
    await directory.add_domain("closed.test", DomainPolicy.REJECT_UNKNOWN)
    await directory.add_domain("all.test", DomainPolicy.CATCH_ALL, Address.parse("boss@all.test"))
    await directory.add_user(Address.parse("known@closed.test"))
    await directory.add_user(Address.parse("boss@all.test"))
    await mx.expect("220 ")
    await mx.ehlo()
    await mx.ask("MAIL FROM:<a@b.example>", "250 ")
    await mx.ask("RCPT TO:<unknown@closed.test>", "550 5.1.1 ")
    await mx.ask("RCPT TO:<known@closed.test>", "250 ")
    await mx.ask("RCPT TO:<postmaster@closed.test>", "250 ")  # RFC 5321 section 4.5.1
    await mx.ask("RCPT TO:<anybody@all.test>", "250 ")
    await mx.ask("DATA", "354 ")
    await mx.ask("A: b\r\n\r\nhi\r\n.", "250 2.0.0 ")
    for address in ("known@closed.test", "postmaster@closed.test", "boss@all.test"):
        assert len(await host.inbox(address)) == 1


async def test_postmaster_without_a_domain(host: SmtpHost, mx: Wire) -> None:
    """RFC 5321 section 4.5.1."""
    await mx.expect("220 ")
    await mx.ehlo()
    await mx.ask("MAIL FROM:<>", "250 ")
    await mx.ask("RCPT TO:<Postmaster>", "250 2.1.5 ")
    await mx.ask("DATA", "354 ")
    await mx.ask("A: b\r\n\r\nhi\r\n.", "250 2.0.0 ")
    assert len(await host.inbox("postmaster@example.test")) == 1


async def test_postmaster_at_the_name_in_the_greeting(host: SmtpHost, mx: Wire) -> None:
    await mx.expect("220 mx.example.test ")
    await mx.ehlo()
    await mx.transaction("", "PostMaster@MX.example.test")
    await mx.ask("A: b\r\n\r\nhi\r\n.", "250 2.0.0 ")
    assert len(await host.inbox("postmaster@example.test")) == 1
    await mx.ask("MAIL FROM:<>", "250 ")
    await mx.ask("RCPT TO:<somebody@mx.example.test>", "550 5.7.1 ")


async def test_postmaster_at_a_name_that_is_a_domain_of_ours(host: SmtpHost, mx: Wire) -> None:
    await host.store.directory.add_domain("mx.example.test")
    await mx.expect("220 ")
    await mx.ehlo()
    await mx.transaction("", "postmaster@mx.example.test")
    await mx.ask("A: b\r\n\r\nhi\r\n.", "250 2.0.0 ")
    assert len(await host.inbox("postmaster@mx.example.test")) == 1


async def test_smtputf8(host: SmtpHost, mx: Wire) -> None:
    """RFC 6531 sections 3.4 and 3.6."""
    await mx.expect("220 ")
    await mx.ehlo()
    await mx.ask("MAIL FROM:<δοκιμή@παράδειγμα.example>", "553 5.6.7 ")
    await mx.ask("MAIL FROM:<a@b.example>", "250 ")
    await mx.ask("RCPT TO:<δοκιμή@example.test>", "553 5.6.7 ")
    await mx.ask("RSET", "250 ")
    await mx.ask("MAIL FROM:<δοκιμή@παράδειγμα.example> SMTPUTF8 BODY=8BITMIME", "250 ")
    await mx.ask("RCPT TO:<δοκιμή@example.test>", "250 ")
    await mx.ask("DATA", "354 ")
    await mx.ask("Subject: δοκιμή\r\n\r\nγεια\r\n.", "250 2.0.0 ")
    [stored] = await host.inbox("δοκιμή@example.test")
    assert "Return-Path: <δοκιμή@xn--hxajbheg2az3al.example>\r\n".encode() in stored
    assert b" with UTF8SMTP id " in stored
    assert stored.endswith("Subject: δοκιμή\r\n\r\nγεια\r\n".encode())


async def test_commands_that_tell_nothing(host: SmtpHost, mx: Wire) -> None:
    await mx.play(
        GREETED
        + """
    C: VRFY demo@example.test
    S: 252 2.0.0 ...
    C: EXPN staff
    S: 502 5.5.1 ...
    C: HELP
    S: 214-2.0.0 ...
    S: 214 2.0.0 ...
    C: NOOP whatever
    S: 250 2.0.0 Ok
    C: AUTH PLAIN AGEAYg==
    S: 502 5.5.1 ...
    C: RSET
    S: 250 2.0.0 ...
    """
    )


async def test_vrfy_needs_no_greeting(mx: Wire) -> None:
    """RFC 5321 section 4.1.4."""
    await mx.play(
        """
    S: 220 ...
    C: VRFY demo@example.test
    S: 252 2.0.0 ...
    """
    )


async def test_a_device_that_greets_in_words(host: SmtpHost, mx: Wire) -> None:
    await mx.play(
        """
    S: 220 ...
    C: HELO office scanner
    S: 250 mx.example.test
    """
    )
    await mx.transaction("scanner@b.example", "scans@example.test")
    await mx.ask("Subject: page 1\r\n\r\n.", "250 2.0.0 ")
    [stored] = await host.inbox("scans@example.test")
    assert b"Received: from unknown ([127.0.0.1])" in stored


WRONG = [
    (["MAIL FROM:<a@b.example>"], "503 5.5.1 Send EHLO or HELO first."),
    (["EHLO c", "RCPT TO:<a@example.test>"], "503 5.5.1 MAIL comes before RCPT."),
    (["EHLO c", "DATA"], "503 5.5.1 "),
    (["EHLO c", "MAIL FROM:<>", "DATA"], "503 5.5.1 "),
    (["EHLO c", "MAIL FROM:<>", "MAIL FROM:<>"], "503 5.5.1 "),
    (["EHLO c", "MAIL FROM:<>", "RSET", "RCPT TO:<a@example.test>"], "503 5.5.1 "),
    (["EHLO c", "MAIL FROM:<>", "EHLO c", "RCPT TO:<a@example.test>"], "503 5.5.1 "),
    (["EHLO"], "501 HELO and EHLO take "),
    (["HELO"], "501 HELO and EHLO take "),
    (["EHLO c", "MAIL"], "501 5.5.4 "),
    (["EHLO c", "MAIL TO:<a@b.example>"], "501 5.5.4 "),
    (["EHLO c", "MAIL FROM:nobody"], "501 5.1.7 "),
    (["EHLO c", "MAIL FROM:<a@b@c>"], "501 5.1.7 "),
    (["EHLO c", "MAIL FROM:<> SIZE=x"], "501 5.5.4 "),
    (["EHLO c", "MAIL FROM:<> SIZE=52428801"], "552 5.3.4 "),
    (["EHLO c", "MAIL FROM:<> BODY=9BIT"], "501 5.5.4 "),
    (["EHLO c", "MAIL FROM:<> RET=ALL"], "501 5.5.4 "),
    (["EHLO c", "MAIL FROM:<> REQUIRETLS"], "555 5.5.4 "),
    (["HELO c", "MAIL FROM:<> RET=FULL"], "555 5.5.4 "),
    (["EHLO c", "MAIL FROM:<> AUTH=<>"], "555 5.5.4 "),
    (["EHLO c", "MAIL FROM:<>", "RCPT TO:<>"], "501 5.1.3 "),
    (["EHLO c", "MAIL FROM:<>", "RCPT TO:<a@example.test> NOTIFY=ONCE"], "501 5.5.4 "),
    (["HELO c", "MAIL FROM:<>", "RCPT TO:<a@example.test> NOTIFY=NEVER"], "555 5.5.4 "),
    (["EHLO c", "MAIL FROM:<>", "RCPT TO:<a@example.test>", "DATA now"], "501 5.5.4 "),
    (["RSET now"], "501 5.5.4 "),
    (["QUIT now"], "501 5.5.4 "),
    (["STARTTLS now"], "501 5.5.4 "),
    (["XYZZY"], "500 5.5.1 "),
    (["TURN"], "500 5.5.1 "),
    ([""], "500 5.5.1 "),
    (["NOOP " + "x" * 2048], "500 5.5.2 "),
]


async def test_wrong_commands(host: SmtpHost) -> None:
    """Each in a connection of its own, which lives on."""
    for commands, last in WRONG:
        wire = await host.connect()
        await wire.expect("220 ")
        for command in commands[:-1]:
            await wire.ask(command, "250 ")
        await wire.ask(commands[-1], last)
        await wire.ask("NOOP", "250 2.0.0 ")
        await wire.close()

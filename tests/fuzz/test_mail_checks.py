"""Whatever a message and DNS say, checks end in results, and results in one field of ASCII lines."""

from __future__ import annotations

import asyncio

from hypothesis import given
from hypothesis import strategies as st
from tests.unit.mailauth.dns_answers import DnsAnswers

from mailkeep.errors import InvalidName
from mailkeep.mailauth.checks import SmtpClient, check_message
from mailkeep.mailauth.forged import without_forged
from mailkeep.mailauth.message import in_memory
from mailkeep.mailauth.results import render
from mailkeep.model.address import Address
from mailkeep.model.dns import Answer, NoRecords, NoSuchName

NAMES = (
    b"From",
    b"DKIM-Signature",
    b"ARC-Seal",
    b"ARC-Message-Signature",
    b"ARC-Authentication-Results",
    b"Authentication-Results",
    b"Subject",
)
PIECES = (
    b"v=1; ",
    b"a=rsa-sha256; ",
    b"a=ed25519-sha256; ",
    b"d=signer.test; ",
    b"s=sel; ",
    b"h=from; ",
    b"h=from:to;",
    b"bh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=; ",
    b"b=AAAA; ",
    b"b=",
    b"c=relaxed/relaxed; ",
    b"i=1; ",
    b"i=2; ",
    b"i=@signer.test;",
    b"cv=none; ",
    b"cv=pass; ",
    b"l=0; ",
    b"x=1; ",
    b"t=1; ",
    b"q=dns/txt; ",
    b"<a@signer.test>",
    b"a@signer.test, b@other.test",
    b"mx.example.test; dmarc=pass",
    b"(",
    b")",
    b'"',
    b"\\",
    b"\r\n ",
    b"\xff",
    "ü.test".encode(),
    b"=",
    b";",
    b"\x00",
    b":",
)
TEXTS = st.sampled_from(
    [
        b"v=spf1 ip4:192.0.2.1 -all",
        b"v=spf1 include:signer.test a:%{l}.%{d} exists:%{ir}.%{v}.x redirect=%{h}.test",
        b"v=DMARC1; p=reject; pct=50; sp=quarantine",
        b"v=DMARC1; p=",
        b"v=DKIM1; p=AAAA",
        b"v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=",
    ]
) | st.binary(max_size=60)

VALUES = st.lists(st.sampled_from(PIECES) | st.binary(max_size=12), max_size=14).map(b"".join)
HEADERS = st.lists(st.tuples(st.sampled_from(NAMES), VALUES), max_size=8).map(
    lambda fields: b"".join(
        name + b": " + value.replace(b"\r\n\r\n", b"") + b"\r\n" for name, value in fields
    )
)


class SameText(DnsAnswers):
    """Gives one text to every question for texts, and addresses to none."""

    def __init__(self, text: bytes) -> None:
        super().__init__()
        self._text = text

    async def txt(self, name: str) -> Answer[bytes]:
        if not name.isprintable():
            raise NoSuchName(name)
        return Answer((self._text,))

    async def ptr(self, address: str) -> Answer[str]:
        raise NoRecords(address)


@given(HEADERS, st.binary(max_size=60), TEXTS, st.text(max_size=20), st.text(max_size=20))
def test_checks_end_in_one_field(header: bytes, body: bytes, text: bytes, local: str, helo: str) -> None:
    try:
        sender = str(Address.parse(f"{local}@signer.test"))
    except InvalidName:
        sender = ""
    message = in_memory(header + b"\r\n" + body)
    client = SmtpClient("192.0.2.1", helo, sender)
    results = asyncio.run(check_message(message, client, SameText(text), 1_700_000_000, lambda: 50))
    field = render("mx.example.test", results)
    lines = field.split(b"\r\n")
    assert field.isascii()
    assert lines.pop() == b""
    assert all(line[:1] in b"\t " and line.strip() for line in lines[1:])
    assert all(0x20 <= octet < 0x7F or octet == 0x09 for line in lines for octet in line)


@given(HEADERS)
def test_only_forged_fields_are_taken_away(header: bytes) -> None:
    kept = without_forged(header, "mx.example.test")
    again = without_forged(kept, "mx.example.test")
    assert again == kept
    assert len(kept) <= len(header)

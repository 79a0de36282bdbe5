"""Trace fields: RFC 5321 section 4.4, RFC 3848, RFC 6531 section 4.3, RFC 8314 section 4.3."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from mailkeep.model.address import Address
from mailkeep.smtp.paths import ReversePath
from mailkeep.smtp.trace import Hop, protocol, received_count, trace_fields

HOP = Hop(
    helo="client.example",
    client="192.0.2.7",
    by="mx.example.test",
    id="0123456789abcdef",
    received_at=datetime(2026, 11, 22, 2, 35, tzinfo=UTC),
    extended=True,
    authenticated=False,
    smtputf8=False,
)
SENDER = ReversePath(Address("ned", "thor.example"))
RECIPIENT = Address("demo", "example.test")


def test_the_fields() -> None:
    assert trace_fields(HOP, SENDER, RECIPIENT) == (
        b"Return-Path: <ned@thor.example>\r\n"
        b"Received: from client.example ([192.0.2.7])\r\n"
        b"\tby mx.example.test with ESMTP id 0123456789abcdef\r\n"
        b"\tfor <demo@example.test>;\r\n"
        b"\tSun, 22 Nov 2026 02:35:00 +0000\r\n"
    )


def test_a_bounce_has_an_empty_return_path() -> None:
    assert trace_fields(HOP, ReversePath(None), RECIPIENT).startswith(b"Return-Path: <>\r\n")


def test_several_recipients_are_not_told_of_each_other() -> None:
    assert b"for <" not in trace_fields(HOP, SENDER, None)


def test_a_recipient_beyond_ascii_is_named_in_smtputf8_only() -> None:
    recipient = Address("δοκιμή", "example.test")
    assert b"for <" not in trace_fields(HOP, SENDER, recipient)
    assert "\tfor <δοκιμή@example.test>".encode() in trace_fields(
        replace(HOP, smtputf8=True), SENDER, recipient
    )


@pytest.mark.parametrize(
    ("changes", "keyword"),
    [
        ({"extended": False}, "SMTP"),
        ({}, "ESMTP"),
        ({"cipher": "TLS_AES_256_GCM_SHA384"}, "ESMTPS"),
        ({"authenticated": True}, "ESMTPA"),
        ({"cipher": "x", "authenticated": True}, "ESMTPSA"),
        ({"smtputf8": True}, "UTF8SMTP"),
        ({"smtputf8": True, "cipher": "x"}, "UTF8SMTPS"),
        ({"smtputf8": True, "cipher": "x", "authenticated": True}, "UTF8SMTPSA"),
    ],
)
def test_the_with_keyword(changes: dict[str, object], keyword: str) -> None:
    assert protocol(replace(HOP, **changes)) == keyword  # type: ignore[arg-type]  # fields of several types


def test_the_cipher_is_named_as_iana_does() -> None:
    with_tls = replace(HOP, cipher="TLS_AES_256_GCM_SHA384")
    assert b"\r\n\ttls TLS_AES_256_GCM_SHA384;\r\n" in trace_fields(with_tls, SENDER, RECIPIENT)
    assert b"tls" not in trace_fields(replace(HOP, cipher="ECDHE-RSA-AES128-GCM-SHA256"), SENDER, RECIPIENT)


@pytest.mark.parametrize(
    ("helo", "shown"),
    [
        ("client.example", b"client.example"),
        ("[127.0.0.1]", b"[127.0.0.1]"),
        ("[IPv6:::1]", b"[IPv6:::1]"),
        ("MY_PC", b"MY_PC"),
        ("a;b", b"unknown"),
        ("(comment)", b"unknown"),
        ("παράδειγμα", b"unknown"),
        ("x" * 256, b"unknown"),
    ],
)
def test_a_name_that_could_break_the_field_is_left_out(helo: str, shown: bytes) -> None:
    assert b"Received: from " + shown + b" ([" in trace_fields(replace(HOP, helo=helo), SENDER, RECIPIENT)


def test_ipv6_clients_are_tagged() -> None:
    assert b"([IPv6:2001:db8::1])" in trace_fields(replace(HOP, client="2001:db8::1"), SENDER, RECIPIENT)


def test_counting_hops() -> None:
    header = b"Received: a\r\nreceived : b\r\n\tReceived: folded\r\nX-Received: c\r\nRECEIVED:d\r\n\r\n"
    assert received_count(header) == 3

"""MAIL and RCPT parameters: RFC 5321 section 4.1.2, RFC 1870, RFC 6152, RFC 6531, RFC 4954 section 5."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from mailkeep.model.queue import NO_REQUEST, DsnRequest
from mailkeep.smtp.errors import ArgumentSyntax, ParameterUnknown
from mailkeep.smtp.parameters import (
    MailParameters,
    held_until,
    parse_mail_parameters,
    parse_rcpt_parameters,
    split_parameters,
)

OFFERED = frozenset({"SIZE", "BODY", "SMTPUTF8", "AUTH"})
RCPT = frozenset({"NOTIFY", "ORCPT"})


def test_only_spaces_and_tabs_part_parameters() -> None:
    """RFC 5321 section 4.1.2: what Unicode calls white space belongs to a value."""
    assert split_parameters(" SIZE=1 \t BODY=7BIT ") == {"SIZE": "1", "BODY": "7BIT"}
    assert split_parameters("ORCPT=utf-8;a\u00a0b\u3000c") == {"ORCPT": "utf-8;a\u00a0b\u3000c"}
    with pytest.raises(ArgumentSyntax):
        parse_mail_parameters("SIZE=1\u00a0BODY=7BIT", OFFERED)


@pytest.mark.parametrize(
    ("text", "parameters"),
    [
        ("", MailParameters()),
        ("SIZE=500000", MailParameters(size=500000)),
        ("size=0", MailParameters(size=0)),
        ("BODY=8BITMIME SIZE=12", MailParameters(size=12, body="8BITMIME")),
        ("body=BinaryMime", MailParameters(body="BINARYMIME")),
        ("body=7bit", MailParameters(body="7BIT")),
        ("SMTPUTF8", MailParameters(smtputf8=True)),
        ("AUTH=<>", MailParameters(auth="<>")),
        ("AUTH=e+3Dmc2@example.com", MailParameters(auth="e+3Dmc2@example.com")),
    ],
)
def test_what_is_understood(text: str, parameters: MailParameters) -> None:
    assert parse_mail_parameters(text, OFFERED) == parameters


def test_values_are_kept_as_sent() -> None:
    assert split_parameters("ENVID=QQ314159 orcpt=rfc822;Bob@Example.COM") == {
        "ENVID": "QQ314159",
        "ORCPT": "rfc822;Bob@Example.COM",
    }


@pytest.mark.parametrize(
    "text",
    [
        "SIZE",
        "SIZE=",
        "SIZE=-1",
        "SIZE=1k",
        "SIZE=１",
        "SIZE=" + "9" * 21,
        "BODY",
        "BODY=9BIT",
        "SMTPUTF8=1",
        "AUTH=a=b",
        "AUTH=+zz",
        "=1",
        "SI ZE=1=2",
        "SIZE=1 SIZE=1",
        "SIZE=1 size=2",
        " ".join(f"P{n}=1" for n in range(17)),
    ],
)
def test_what_is_not_grammar(text: str) -> None:
    with pytest.raises((ArgumentSyntax, ParameterUnknown)):
        parse_mail_parameters(text, OFFERED)


def test_what_is_not_offered_is_refused() -> None:
    with pytest.raises(ParameterUnknown, match="RET"):
        parse_mail_parameters("RET=HDRS", OFFERED)
    with pytest.raises(ParameterUnknown, match="AUTH"):
        parse_mail_parameters("AUTH=<>", OFFERED - {"AUTH"})
    with pytest.raises(ParameterUnknown, match="NOTIFY"):
        parse_rcpt_parameters("NOTIFY=NEVER", frozenset())
    assert parse_rcpt_parameters("", frozenset()) is NO_REQUEST


# --- holding: RFC 4865 section 4 ---------------------------------------------------------------------

HOLDING = frozenset({"HOLDFOR", "HOLDUNTIL"})
NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "until"),
    [
        ("", None),
        ("HOLDFOR=60", NOW + timedelta(seconds=60)),
        ("HOLDUNTIL=2026-01-02T03:05:05Z", NOW + timedelta(seconds=60)),
        ("HOLDUNTIL=2026-01-02T05:05:05.5+02:00", NOW + timedelta(seconds=60.5)),
        ("HOLDUNTIL=2026-01-02T03:04:05Z", None),
        ("HOLDUNTIL=1999-01-02T03:04:05Z", None),
    ],
)
def test_how_long_a_message_waits(text: str, until: datetime | None) -> None:
    assert held_until(parse_mail_parameters(text, HOLDING), NOW, 3600) == until


@pytest.mark.parametrize(
    "text",
    [
        "HOLDFOR",
        "HOLDFOR=0",
        "HOLDFOR=-1",
        "HOLDFOR=1234567890",
        "HOLDFOR=3601",
        "HOLDUNTIL",
        "HOLDUNTIL=tomorrow",
        "HOLDUNTIL=2026-01-02",
        "HOLDUNTIL=2026-01-02T03:05:05",
        "HOLDUNTIL=2026-02-30T03:05:05Z",
        "HOLDUNTIL=2026-01-03T03:05:05Z",
        "HOLDUNTIL=0001-01-01T00:00:00+23:59",
        "HOLDFOR=60 HOLDUNTIL=2026-01-02T03:05:05Z",
    ],
)
def test_what_holding_may_not_be(text: str) -> None:
    with pytest.raises(ArgumentSyntax):
        held_until(parse_mail_parameters(text, HOLDING), NOW, 3600)


# --- delivery reports: RFC 3461 section 4 ----------------------------------------------------------

DSN = frozenset({"RET", "ENVID"})


def test_values_are_kept_as_they_were_sent() -> None:
    parameters = parse_mail_parameters("ret=hdrs ENVID=QQ314159+2B", DSN)
    assert (parameters.ret, parameters.envid) == ("hdrs", "QQ314159+2B")
    request = parse_rcpt_parameters("Notify=success,DELAY orcpt=RFC822;Bob+2Bx@Example.com", RCPT)
    assert request == DsnRequest("success,DELAY", "RFC822;Bob+2Bx@Example.com")
    assert [request.wants(event) for event in ("SUCCESS", "FAILURE", "DELAY")] == [True, False, True]


@pytest.mark.parametrize(
    "text", ["RET", "RET=", "RET=BOTH", "ENVID", "ENVID=a+b", "ENVID=+2b", f"ENVID={'x' * 101}"]
)
def test_what_mail_may_not_ask(text: str) -> None:
    with pytest.raises(ArgumentSyntax):
        parse_mail_parameters(text, DSN)


@pytest.mark.parametrize(
    "text",
    [
        "NOTIFY",
        "NOTIFY=SOMETIMES",
        "NOTIFY=NEVER,SUCCESS",
        "NOTIFY=SUCCESS,SUCCESS",
        "NOTIFY=SUCCESS,",
        "ORCPT",
        "ORCPT=bob@example.com",
        "ORCPT=rfc822;",
        "ORCPT=rfc822;a+zz",
        f"ORCPT=rfc822;{'x' * 500}",
    ],
)
def test_what_rcpt_may_not_ask(text: str) -> None:
    with pytest.raises(ArgumentSyntax):
        parse_rcpt_parameters(text, RCPT)

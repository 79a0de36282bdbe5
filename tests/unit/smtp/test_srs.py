"""SRS: what comes back is the sender, and nobody else's mail goes through."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailkeep.errors import InvalidName
from mailkeep.model.address import Address
from mailkeep.smtp.srs import DAY_SECONDS, DAYS, Srs, SrsInvalid, is_srs

NOW = 1_790_000_000.0
SENDER = Address.parse("Ann.Li@far.test")
OURS, NEXT, LAST = Srs(b"a" * 32), Srs(b"b" * 32), Srs(b"c" * 32)


def test_a_first_forwarder_names_the_sender() -> None:
    made = OURS.forward(SENDER, "list.test", NOW)
    prefix, digest, day, host, local = made.local.split("=")
    assert (prefix, host, local, made.domain) == ("SRS0", "far.test", "Ann.Li", "list.test")
    assert (len(digest), len(day)) == (8, 2)
    assert is_srs(made)
    assert OURS.reverse(made, NOW) == SENDER


def test_further_forwarders_name_the_first() -> None:
    """However many there are, the address grows once."""
    first = OURS.forward(SENDER, "list.test", NOW)
    second = NEXT.forward(first, "next.test", NOW)
    third = LAST.forward(second, "last.test", NOW)
    assert second.local.startswith("SRS1=")
    assert len(third.local) == len(second.local)
    assert NEXT.reverse(second, NOW) == first
    assert LAST.reverse(third, NOW) == first
    assert OURS.reverse(first, NOW) == SENDER


@given(
    st.from_regex(r"[A-Za-z0-9+_=.-]{1,25}", fullmatch=True), st.sampled_from(["a.test", "b-c.example.net"])
)
def test_any_sender_comes_back(local: str, domain: str) -> None:
    try:
        sender = Address.parse(f"{local}@{domain}")
    except InvalidName:
        return
    made = OURS.forward(sender, "l.test", NOW)
    if sender.local[:5].upper() not in {"SRS0=", "SRS1=", "SRS0+", "SRS0-", "SRS1+", "SRS1-"}:
        assert OURS.reverse(made, NOW) == sender


def test_servers_may_change_the_case() -> None:
    made = OURS.forward(SENDER, "list.test", NOW)
    found = OURS.reverse(Address(made.local.lower(), made.domain), NOW)
    assert found.key == SENDER.key


def test_quoted_local_parts() -> None:
    sender = Address.parse('"a b"@far.test')
    assert OURS.reverse(OURS.forward(sender, "list.test", NOW), NOW) == sender


def test_it_expires() -> None:
    made = OURS.forward(SENDER, "list.test", NOW)
    assert OURS.reverse(made, NOW + DAYS * DAY_SECONDS) == SENDER
    for days in (DAYS + 1, 400, 1000, -1):
        with pytest.raises(SrsInvalid):
            OURS.reverse(made, NOW + days * DAY_SECONDS)


def test_nobody_else_can_write_one() -> None:
    made = OURS.forward(SENDER, "list.test", NOW)
    other = OURS.forward(made, "list.test", NOW)
    wrong = [
        made.local.replace("Ann", "Bob"),
        made.local.replace("far.test", "fur.test"),
        NEXT.forward(SENDER, "list.test", NOW).local,
        other.local.replace("list.test", "lost.test"),
        other.local.replace("Ann", "Bob"),
        "SRS0=far.test=x",
        "SRS0",
        "SRS1=AAAAAAAA=far.test=",
        "ann",
    ]
    for local in wrong:
        with pytest.raises(SrsInvalid):
            OURS.reverse(Address(local, "list.test"), NOW)


def test_what_would_be_too_long_is_not_made() -> None:
    """RFC 5321 section 4.5.3.1.3."""
    with pytest.raises(InvalidName):
        OURS.forward(Address("x" * 220, "far.test"), "list.test", NOW)


def test_long_return_addresses_are_rewritten_too() -> None:
    sender = Address("bounces+" + "x" * 64, "far.test")
    assert OURS.reverse(OURS.forward(sender, "list.test", NOW), NOW) == sender


@given(st.text(max_size=70))
def test_nothing_else_is_raised(local: str) -> None:
    for text in (local, f"SRS0={local}", f"SRS1={local}", f"SRS0=AAAAAAAA=AA={local}"):
        with pytest.raises(SrsInvalid):
            OURS.reverse(Address(text, "list.test"), NOW)

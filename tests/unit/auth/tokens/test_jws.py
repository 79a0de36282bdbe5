"""Any text is taken apart, refused or left as opaque; nothing else can come of it."""

from __future__ import annotations

import json
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st
from tests.support.oidc.served import segment

from mailkeep.auth.reasons import Refused
from mailkeep.auth.tokens.facts import ClaimRules, TokenFacts, check_claims, checked_facts
from mailkeep.auth.tokens.jws import Jws, take_apart

RULES = ClaimRules("https://id.example", frozenset({"mailkeep"}), 30.0)
NOW = datetime(2026, 1, 1, tzinfo=UTC)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
NAMES = st.sampled_from(["alg", "typ", "kid", "crit", "b64", "cty", "zip", "enc", "jwk"])
CLAIMS = st.sampled_from(
    ["iss", "aud", "sub", "exp", "nbf", "iat", "scope", "scp", "cnf", "email", "email_verified", "name"]
)


@given(st.text(max_size=200))
def test_any_text(text: str) -> None:
    _taken_or_refused(text)


@given(st.dictionaries(NAMES, JSON), JSON, st.binary(max_size=40))
def test_any_header_and_payload(header: dict[str, object], payload: object, signature: bytes) -> None:
    _taken_or_refused(f"{segment(header)}.{segment(payload)}.{segment(signature)}")


@given(st.binary(max_size=60), st.binary(max_size=60))
def test_any_octets_in_the_segments(header: bytes, payload: bytes) -> None:
    _taken_or_refused(f"{segment(header)}.{segment(payload)}.AA")


@given(st.dictionaries(CLAIMS, JSON))
def test_any_claims(claims: dict[str, object]) -> None:
    usual = {"iss": RULES.issuer, "aud": "mailkeep", "sub": "s", "exp": NOW.timestamp() + 60}
    for check in (check_claims, checked_facts):
        try:
            facts = check({**usual, **claims}, RULES, NOW)
        except Refused:
            continue
        assert isinstance(facts, TokenFacts)
        assert 0 < len(facts.subject) <= 255
        assert facts.expires_at is None or facts.expires_at.timestamp() > NOW.timestamp() - RULES.leeway
        assert all(isinstance(word, str) for word in facts.scopes)


def test_texts_that_are_no_jwt_are_left_to_introspection() -> None:
    no_algorithm = segment({"typ": "JWT"})
    for token in (
        "opaque",
        "ya29.a0AfH6SM.x",
        "a.b.c",
        "....",
        f"{no_algorithm}.{no_algorithm}.x",
        "x" * 16384,
    ):
        assert take_apart(token) is None


def test_the_parts() -> None:
    header, payload = segment({"alg": "RS256", "kid": "k"}), segment({"sub": "s"})
    parts = take_apart(f"{header}.{payload}.AQI")
    assert parts == Jws("RS256", "k", {"sub": "s"}, f"{header}.{payload}".encode(), b"\x01\x02")
    assert "sub" not in repr(parts)
    assert json.dumps(dict(parts.claims)) == '{"sub": "s"}'


def _taken_or_refused(text: str) -> None:
    try:
        taken = take_apart(text)
    except Refused:
        return
    assert taken is None or isinstance(taken, Jws)

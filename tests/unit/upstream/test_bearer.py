"""The client's half of XOAUTH2 and OAUTHBEARER: what is said, and what a refusal becomes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailkeep.upstream import bearer


def test_the_mechanisms_say_what_their_texts_ask() -> None:
    assert bearer.initial_response("XOAUTH2", "a=b", "t", "h", 1) == b"user=a=b\1auth=Bearer t\1\1"
    assert (
        bearer.initial_response("OAUTHBEARER", "a=b,c@x.test", "t", "h.test", 993)
        == b"n,a=a=3Db=2Cc@x.test,\1host=h.test\1port=993\1auth=Bearer t\1\1"
    )
    assert (bearer.final_response("XOAUTH2"), bearer.final_response("OAUTHBEARER")) == (b"", b"\1")


@pytest.mark.parametrize(
    ("offered", "chosen"),
    [({"PLAIN", "oauthbearer", "XOAUTH2"}, "XOAUTH2"), ({"OAUTHBEARER"}, "OAUTHBEARER"), ({"PLAIN"}, "")],
)
def test_the_mechanism_is_one_that_is_offered(offered: set[str], chosen: str) -> None:
    assert bearer.choose(offered) == chosen


@pytest.mark.parametrize(
    ("challenge", "said"),
    [
        (b'{"status":"invalid_token","schemes":"bearer","scope":"mail"}', "status invalid_token, scope mail"),
        (b"eyJzdGF0dXMiOiI0MDEiLCJzY2hlbWVzIjoiQmVhcmVyIn0=", "status 401"),  # as Gmail sends it
        (b'{"status":401}', ""),
        (b"W10=", ""),
        (b"no JSON", "no JSON"),
        (b'{"status":"a\\r\\nb"}', "status a b"),
    ],
)
def test_an_error_challenge_becomes_a_plain_message(challenge: bytes, said: str) -> None:
    assert bearer.explain(challenge) == said


@given(st.binary(max_size=400))
def test_whatever_the_challenge_is_the_message_is_one_printable_line(challenge: bytes) -> None:
    assert (said := bearer.explain(challenge)).isprintable()
    assert len(said) <= 200

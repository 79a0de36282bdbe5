"""The hub protocol without a socket: records, the handshake, what is answered and what is passed over."""

from __future__ import annotations

import json
from contextlib import suppress
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailkeep_api import signalr
from mailkeep_api.hub import HubEvent
from mailkeep_api.signalr import Incoming, ProtocolError


def test_a_refusal_says_why() -> None:
    assert json.loads(signalr.refusal(ProtocolError("No."))[:-1]) == {"error": "No."}


def test_records_end_in_their_separator() -> None:
    assert signalr.records(b'{"type":6}\x1e{"type":7}\x1e') == [b'{"type":6}', b'{"type":7}']
    for frame in (b"", b"{}", b'{"type":6}\x1e{'):
        with pytest.raises(ProtocolError):
            signalr.records(frame)
    with pytest.raises(ProtocolError):
        signalr.records(b"{}\x1e" * (signalr.RECORDS_LIMIT + 1))


def test_the_handshake_asks_for_json() -> None:
    signalr.check_handshake(b'{"protocol":"json","version":1}')
    for wanted in (b'{"protocol":"messagepack","version":1}', b'{"protocol":"json","version":2}', b"[]", b""):
        with pytest.raises(ProtocolError):
            signalr.check_handshake(wanted)


def test_who_invokes_and_waits_hears_that_there_is_nothing() -> None:
    asked = signalr.incoming(b'{"type":1,"invocationId":"7","target":"Delete","arguments":[]}')
    assert json.loads(signalr.answer_to(asked)[:-1]) == {
        "type": 3,
        "invocationId": "7",
        "error": "This hub has no methods to invoke.",
    }
    for passed_over in (Incoming(1), Incoming(6), Incoming(99, "1")):
        assert signalr.answer_to(passed_over) == b""


def test_an_event_is_an_invocation_of_its_name() -> None:
    event = HubEvent(1, "g.1", uuid4(), "EmailDeleted", b'"id"', 0.0)
    assert signalr.invocation(event) == b'{"type":1,"target":"EmailDeleted","arguments":["id"]}\x1e'


@given(st.binary(max_size=200))
def test_no_octets_do_more_than_be_refused(octets: bytes) -> None:
    for read in (signalr.records, signalr.check_handshake, signalr.incoming):
        with suppress(ProtocolError):
            read(octets)

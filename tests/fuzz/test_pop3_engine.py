"""Whatever arrives, in whatever pieces, the POP3 engine hands out commands or refusals, and nothing else."""

from __future__ import annotations

from contextlib import suppress
from itertools import pairwise

from hypothesis import example, given, settings
from hypothesis import strategies as st

from mailkeep.pop3 import commands as c
from mailkeep.pop3.connection import Connection
from mailkeep.pop3.errors import Pop3Syntax
from mailkeep.pop3.limits import SASL_LINE_LIMIT
from mailkeep.pop3.mapping import reply_to
from mailkeep.pop3.state import State

KEYWORDS = (
    b"AUTH", b"CAPA", b"DELE", b"LANG", b"LIST", b"NOOP", b"PASS", b"QUIT", b"RETR", b"RSET", b"STAT",
    b"STLS", b"TOP", b"UIDL", b"USER", b"UTF8", b"APOP", b"",
)  # fmt: skip
WORDS = st.one_of(
    st.integers(-2, 2**40).map(lambda number: b"%d" % number),
    st.sampled_from([b"PLAIN", b"XOAUTH2", b"=", b"*", b"AGEAYg==", b"en", b"\xd9\xa1", b"\x00", b"9" * 400]),
    st.binary(max_size=12),
)
LINES = st.builds(
    lambda keyword, words, end: b" ".join([keyword, *words]) + end,
    st.sampled_from(KEYWORDS),
    st.lists(WORDS, max_size=4),
    st.sampled_from([b"\r\n", b"\r\n", b"\r\n", b"\n", b"\r", b""]),
)
STREAMS = st.lists(st.one_of(LINES, st.binary(max_size=40)), max_size=20).map(b"".join)


def outcomes(connection: Connection) -> list[c.Command | bytes]:
    """All that the machine says of what it has; a refusal as the reply that it becomes."""
    found: list[c.Command | bytes] = []
    while True:
        try:
            command = connection.next_command()
        except Pop3Syntax as refusal:
            reply = reply_to(refusal)
            assert reply.startswith(b"-ERR ")
            assert reply.count(b"\r\n") == 1
            found.append(reply)
            continue
        if command is None:
            return found
        found.append(command)


@given(STREAMS, st.sampled_from(list(State)))
@example(b"A" * (SASL_LINE_LIMIT + 1) + b"\r\nNOOP\r\n", State.TRANSACTION)
def test_each_line_has_one_outcome(stream: bytes, state: State) -> None:
    connection = Connection()
    connection.state = state
    connection.receive(stream)
    assert len(outcomes(connection)) == stream.count(b"\n")


@given(STREAMS, st.lists(st.integers(0, 400), max_size=8), st.sampled_from(list(State)))
@settings(max_examples=300)
def test_pieces_do_not_matter(stream: bytes, cuts: list[int], state: State) -> None:
    whole, pieces = Connection(), Connection()
    whole.state = pieces.state = state
    whole.receive(stream)
    found = []
    edges = [0, *sorted(min(cut, len(stream)) for cut in cuts), len(stream)]
    for start, end in pairwise(edges):
        pieces.receive(stream[start:end])
        found += outcomes(pieces)
    assert found == outcomes(whole)


@given(STREAMS)
def test_reading_ahead_sees_what_will_be_read(stream: bytes) -> None:
    connection = Connection()
    connection.state = State.TRANSACTION
    connection.receive(stream)
    ahead = connection.queued_retrievals()
    found = outcomes(connection)
    assert found[: len(ahead)] == [c.Retr(number) for number in ahead]
    skipping = Connection()
    skipping.state = State.TRANSACTION
    skipping.receive(stream)
    skipping.skip_retrievals(len(ahead))
    assert outcomes(skipping) == found[len(ahead) :]


@given(st.lists(st.binary(max_size=60), max_size=10))
def test_responses_are_octets_or_refusals(lines: list[bytes]) -> None:
    connection = Connection()
    connection.receive(b"".join(line.replace(b"\n", b"") + b"\r\n" for line in lines))
    for _ in lines:
        with suppress(Pop3Syntax):
            assert isinstance(connection.next_response(), bytes)
    assert connection.next_response() is None

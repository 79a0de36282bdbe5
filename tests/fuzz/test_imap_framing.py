"""Any octets, cut anywhere: the framer raises its own errors only, always comes to an end, stays small, and
says the same however the octets arrive."""

from __future__ import annotations

import random
from contextlib import suppress

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.imap_wire import Wire

from mailkeep.imap.errors import ImapSyntaxError
from mailkeep.imap.framing import CommandLine, Framer
from mailkeep.imap.limits import Limits
from mailkeep.imap.names import NameForm
from mailkeep.imap.parser import parse

LIMITS = Limits(line=80, argument_literal=30, message_literal=60, literals=3, command=160, drain=70, chunk=16)

ODDITIES = (
    *(b"\r\n", b"\r", b"\n", b"\0", b" ", b"{", b"}", b"+}", b'"', b"(", b")", b"\xff\xfe", b"x" * 79),
    *(b"{3}\r\n", b"{3+}\r\n", b"{0}\r\n", b"{31+}\r\n", b"{65+}\r\n", b"~{3}\r\n", b"{71+}\r\n"),
    *(b"{99999999999999999999}\r\n", b"A1 ", b"A1 APPEND x ", b"A1 LOGIN ", b"A1 UID REPLACE 3 x ", b"NOOP"),
)
fragments = st.one_of(st.sampled_from(ODDITIES), st.binary(max_size=8))
streams = st.lists(fragments, max_size=40).map(b"".join)


def cut(octets: bytes, seed: int) -> list[bytes]:
    chance = random.Random(seed)
    pieces, at = [], 0
    while at < len(octets):
        size = chance.choice([1, 1, 2, 3, 7, 20, 100])
        pieces.append(octets[at : at + size])
        at += size
    return pieces


@settings(max_examples=800, deadline=None)
@given(streams, st.integers(0, 2**32), st.booleans(), st.booleans())
def test_the_same_is_said_however_the_octets_arrive(
    octets: bytes, seed: int, refuse: bool, literal8: bool
) -> None:
    said = []
    for pieces in ([octets], cut(octets, seed), [octets[at : at + 1] for at in range(len(octets))]):
        framer = Framer(LIMITS)
        framer.literal8 = literal8
        wire = Wire(framer, refuse=refuse)
        wire.feed(pieces)
        wire.said = [fact for fact in wire.said if fact[0] != "octets" or fact[2] == 0]
        said.append(wire.said)
    assert said[0] == said[1] == said[2]


@settings(max_examples=500, deadline=None)
@given(st.lists(streams, max_size=20), st.integers(0, 2**32))
def test_what_is_held_stays_within_the_limits(parts: list[bytes], seed: int) -> None:
    wire = Wire(Framer(LIMITS))
    for piece in cut(b"".join(parts), seed):
        wire.send(piece)
        assert wire.framer.buffered <= LIMITS.line + 2
    assert all(len(fact[1]) <= LIMITS.command for fact in wire.said if fact[0] == "command")  # type: ignore[arg-type]


@settings(max_examples=1000, deadline=None)
@given(streams, st.sampled_from(NameForm))
def test_whatever_is_framed_can_be_handed_to_the_parser(octets: bytes, form: NameForm) -> None:
    for fact in Wire(Framer(LIMITS)).send(octets):
        if fact[0] == "command":
            line = CommandLine(*fact[1:])  # type: ignore[arg-type]
            with suppress(ImapSyntaxError):
                parse(line.octets, form, line.streamed)

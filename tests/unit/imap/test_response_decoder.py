"""What the encoders write is what a client reads: decode(encode(x)) == x for every response and code."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support import imap_responses

from mailkeep.imap.errors import ImapSyntaxError
from mailkeep.imap.names import NameForm
from mailkeep.imap.response_codes import Code, WordCode, decode_code
from mailkeep.imap.response_decoder import decode
from mailkeep.imap.responses import FetchData, Response, StatusResponse


@settings(max_examples=600, deadline=None)
@given(imap_responses.all_responses, st.sampled_from(NameForm))
def test_every_response_comes_back_as_it_was(response: Response, form: NameForm) -> None:
    wire = response.encode(form)
    assert wire.endswith(b"\r\n")
    assert decode(wire, form) == response


@settings(max_examples=500, deadline=None)
@given(imap_responses.codes)
def test_every_response_code_comes_back_as_it_was(code: Code) -> None:
    assert decode_code(code.encode()) == code


def test_a_status_response_gives_up_its_code() -> None:
    response = decode(b"A1 NO [TRYCREATE] There is no such mailbox.\r\n")
    assert isinstance(response, StatusResponse)
    assert decode_code(response.code) == WordCode("TRYCREATE")
    assert response.tag == "A1"


def test_a_fetch_value_ends_where_its_parentheses_and_literals_say_rfc9051_7_5_2() -> None:
    section = b'BODY[HEADER.FIELDS ("a]b" TO)]<0> {8}\r\n) (x "\r\n'
    wire = b'* 12 FETCH (%b UID 5 ENVELOPE ("(" NIL ((NIL))))\r\n' % section
    assert decode(wire) == FetchData(
        12,
        (
            (b'BODY[HEADER.FIELDS ("a]b" TO)]<0>', b'{8}\r\n) (x "\r\n'),
            (b"UID", b"5"),
            (b"ENVELOPE", b'("(" NIL ((NIL)))'),
        ),
    )


@pytest.mark.parametrize(
    "wire",
    [
        b"",
        b"* ",
        b"* 5 WONDERFUL",
        b"* 5 FETCH (UID)",
        b"* 5 FETCH (UID 5",
        b"* 5 FETCH (UID   FLAGS ())",
        b"* 5 FETCH (BODY[] {50}\r\nabc)",
        b"* VANISHED 1:*",
        b"* VANISHED $",
        b"* STATUS x (MESSAGES)",
        b"* STATUS x (BEAUTY 5)",
        b"* LIST (\\Noselect) / x",
        b"* ESEARCH BEST 5",
        b"A1 MAYBE",
        b"* NAMESPACE NIL NIL",
    ],
)
def test_what_is_no_response_is_a_syntax_error(wire: bytes) -> None:
    with pytest.raises(ImapSyntaxError):
        decode(wire)


def test_a_short_code_cannot_stand_for_a_memory_full_of_uids() -> None:
    with pytest.raises(ImapSyntaxError, match="too many"):
        decode_code(b"APPENDUID 1 1:4294967295")

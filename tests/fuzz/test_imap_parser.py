"""Any octets as a command or a response: a value comes out, or the engine's own error, and never another."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests.support import imap_responses, imap_values

from mailkeep.imap.commands.base import Command
from mailkeep.imap.errors import ImapLimitExceeded, ImapSyntaxError
from mailkeep.imap.names import NameForm
from mailkeep.imap.parser import parse
from mailkeep.imap.response_codes import decode_code
from mailkeep.imap.response_decoder import decode
from mailkeep.imap.responses import Response

forms = st.sampled_from(NameForm)
VERBS = (
    *(b"UID FETCH", b"FETCH", b"SEARCH", b"STORE", b"COPY", b"MOVE", b"SORT", b"THREAD", b"UID EXPUNGE"),
    *(
        b"ID",
        b"ENABLE",
        b"AUTHENTICATE",
        b"LOGIN",
        b"SELECT",
        b"CREATE",
        b"STATUS",
        b"LIST",
        b"APPEND",
        b"UID REPLACE",
    ),
    *(b"GETQUOTA", b"GETQUOTAROOT", b"SETQUOTA", b"GETMETADATA", b"SETMETADATA"),
    *(b"SETACL", b"DELETEACL", b"GETACL", b"LISTRIGHTS", b"MYRIGHTS"),
)
TOKENS = (
    *(
        b" ",
        b"(",
        b")",
        b'"',
        b"[",
        b"]",
        b"<",
        b">",
        b"{3}\r\n",
        b"{3+}\r\n",
        b"~{1}\r\n",
        b"NIL",
        b"*",
        b"$",
    ),
    *(b"1:*", b"0", b"4294967296", b"1", b",", b":", b"\\", b"\\Seen", b"BODY[", b"BODY.PEEK[", b"BINARY[1]"),
    *(b"STORAGE", b"MAXSIZE", b"DEPTH", b"infinity", b"/shared/a", b"/private", b"+lr", b"anyone"),
    *(b"HEADER.FIELDS", b"1.2.MIME", b"<0.1>", b"CHARSET", b"UTF-8", b"X-NONE", b"OR", b"NOT", b"FUZZY"),
    *(
        b"RETURN",
        b"CATENATE",
        b"TEXT",
        b"URL",
        b"PARTIAL",
        b"-1:-2",
        b"MODSEQ",
        b"ON",
        b"1-Jan-2020",
        b"31-Feb-2020",
        b"1-Xyz-2020",
        b"=",
    ),
    *(b'" 1-Jan-0000 00:00:00 +0000"', b'"31-Dec-9999 23:59:60 -9999"', b"&AOQ-", b"&", b"\xc3\xa4", b"\xff"),
)
argument_octets = st.lists(st.one_of(st.sampled_from(TOKENS), st.binary(max_size=4)), max_size=20).map(
    b"".join
)


def only_our_errors(octets: bytes, form: NameForm, streamed: tuple[int, ...] = ()) -> None:
    with suppress(ImapSyntaxError):
        parse(octets, form, streamed)


@settings(max_examples=1000, deadline=None)
@given(st.sampled_from(VERBS), argument_octets, forms)
def test_arguments_of_any_kind(verb: bytes, octets: bytes, form: NameForm) -> None:
    only_our_errors(b"A1 %b %b" % (verb, octets), form)


@settings(max_examples=1000, deadline=None)
@given(st.binary(max_size=80), forms)
@example(b"", NameForm.UTF8)
@example(b" ", NameForm.UTF8)
@example(b"A1", NameForm.UTF8)
@example(b"A1 UID ", NameForm.UTF8)
def test_octets_of_any_kind(octets: bytes, form: NameForm) -> None:
    only_our_errors(octets, form)


@settings(max_examples=800, deadline=None)
@given(imap_values.commands, forms, st.data())
def test_commands_with_a_piece_cut_out_or_put_in(
    command: Command, form: NameForm, data: st.DataObject
) -> None:
    octets = command.encode(form)[:-2]
    start = data.draw(st.integers(0, len(octets)))
    end = data.draw(st.integers(start, min(len(octets), start + 8)))
    middle = data.draw(st.one_of(st.just(b""), st.sampled_from(TOKENS)))
    streamed = data.draw(st.lists(st.integers(0, len(octets)), max_size=2).map(tuple))
    only_our_errors(octets[:start] + middle + octets[end:], form, streamed)


@settings(max_examples=1000, deadline=None)
@given(imap_responses.all_responses, st.data())
def test_responses_with_a_piece_cut_out_or_put_in(response: Response, data: st.DataObject) -> None:
    octets = response.encode()
    start = data.draw(st.integers(0, len(octets)))
    end = data.draw(st.integers(start, min(len(octets), start + 8)))
    middle = data.draw(st.one_of(st.just(b""), st.sampled_from(TOKENS)))
    with suppress(ImapSyntaxError):
        decode(octets[:start] + middle + octets[end:])


@settings(max_examples=500, deadline=None)
@given(st.one_of(argument_octets, st.binary(max_size=40)))
def test_response_codes_of_any_kind(octets: bytes) -> None:
    with suppress(ImapSyntaxError):
        decode_code(octets)


@pytest.mark.parametrize(
    "octets",
    [
        b"A1 SEARCH " + b"(" * 50_000,
        b"A1 SEARCH " + b"NOT " * 20_000 + b"ALL",
        b"A1 SEARCH " + b"OR " * 20_000,
        b"A1 SEARCH " + b"FUZZY " * 20_000 + b"ALL",
        b"A1 SEARCH ALL" + b" ALL" * 20_000,
        b"A1 FETCH 1 BODY[" + b"1." * 20_000 + b"1]",
        b"A1 ID (" + b'"a" "b" ' * 1_000 + b'"a" "b")',
    ],
)
def test_depth_and_number_end_at_a_named_limit(octets: bytes) -> None:
    with pytest.raises(ImapLimitExceeded) as caught:
        parse(octets)
    assert caught.value.tag == "A1"


@pytest.mark.parametrize(
    "octets",
    [
        b'A1 LOGIN "' + b"\\\\" * 200_000,
        b'A1 LOGIN "' + b"a" * 400_000,
        b"A1 STORE " + b"1," * 200_000 + b"x",
        b"A1 FETCH 1 " + b"(" * 400_000,
        b'A1 LIST "" (' + b"% " * 200_000,
        b"* 1 FETCH (ENVELOPE " + b"(" * 400_000,
    ],
)
def test_no_token_takes_time_that_grows_faster_than_its_length(octets: bytes) -> None:
    with suppress(ImapSyntaxError):
        parse(octets)
    with suppress(ImapSyntaxError):
        decode(octets)

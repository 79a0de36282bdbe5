"""The framer: commands, literals, lines, limits (RFC 9051 sections 2.2, 4.3; RFC 7888)."""

from __future__ import annotations

import pytest
from tests.support.imap_wire import Wire

from mailkeep.imap.framing import NEED_DATA, Framer, Line, LiteralRequest
from mailkeep.imap.limits import AUTHENTICATED, NOT_AUTHENTICATED, SASL_LINE, Limits

SMALL = Limits(line=100, argument_literal=20, message_literal=50, literals=3, command=150, drain=60, chunk=16)


def small() -> Wire:
    return Wire(Framer(SMALL))


# --- lines ------------------------------------------------------------------------------------------


def test_a_command_is_a_line_that_ends_in_crlf_rfc9051_2_2_1() -> None:
    wire = Wire()
    assert wire.send(b"A1 NO") == []
    assert wire.send(b"OP\r") == []
    assert wire.send(b"\nA2 NOOP\r\n") == [("command", b"A1 NOOP", ()), ("command", b"A2 NOOP", ())]


def test_need_data_says_itself_as_often_as_it_is_asked() -> None:
    framer = Framer()
    assert framer.next_event() is NEED_DATA
    assert framer.next_event() is NEED_DATA


@pytest.mark.parametrize("bad", [b"A1 NO\0OP\r\n", b"A1 NO\rOP\r\n", b"A1 NOOP\n", b"A1 NOOP\r\r\n"])
def test_nul_and_bare_cr_and_bare_lf_cost_one_command_rfc9051_9(bad: bytes) -> None:
    assert Wire().send(bad + b"A2 NOOP\r\n") == [
        ("error", "ImapSyntaxError", "A1", False),
        ("command", b"A2 NOOP", ()),
    ]


@pytest.mark.parametrize("bad", [b"\n", b"\0\r\n", b"* NOOP\0\r\n", b"\xff\xfe\0 x\r\n", b"+ \0\r\n"])
def test_an_error_in_what_has_no_tag_has_none_either(bad: bytes) -> None:
    assert Wire().send(bad) == [("error", "ImapSyntaxError", None, False)]


def test_a_line_at_its_limit_passes_and_one_octet_more_does_not() -> None:
    fits = b"A1 " + b"x" * (SMALL.line - 3)
    assert small().send(fits + b"\r\n") == [("command", fits, ())]
    assert small().send(fits + b"x\r\nA2 NOOP\r\n") == [
        ("error", "ImapLimitExceeded", "A1", False),
        ("command", b"A2 NOOP", ()),
    ]


def test_an_endless_line_is_answered_once_and_never_held() -> None:
    wire = small()
    for _ in range(1000):
        wire.send(b"A1 " + b"x" * 97)
    assert wire.said == [("error", "ImapLimitExceeded", "A1", False)]
    assert wire.framer.buffered <= SMALL.line
    assert wire.send(b"\r\nA2 NOOP\r\n") == [("command", b"A2 NOOP", ())]


def test_a_tag_of_an_overlong_line_is_not_guessed_from_half_of_it() -> None:
    assert small().send(b"x" * 200) == [("error", "ImapLimitExceeded", None, False)]


# --- literals ---------------------------------------------------------------------------------------


def test_a_synchronizing_literal_waits_for_leave_rfc9051_4_3() -> None:
    wire = Wire()
    assert wire.send(b"A1 LOGIN {4}\r\n") == [("argument", "A1", 4, True)]
    assert wire.send(b"fred {3}\r\n") == [("argument", "A1", 3, True)]
    assert wire.send(b"foo\r\n") == [("command", b"A1 LOGIN {4}\r\nfred {3}\r\nfoo", ())]


def test_a_non_synchronizing_argument_asks_nobody_rfc7888_3() -> None:
    assert Wire().send(b"A1 LOGIN {4+}\r\nfred {3+}\r\nfoo\r\n") == [
        ("command", b"A1 LOGIN {4+}\r\nfred {3+}\r\nfoo", ())
    ]


def test_a_literal_may_hold_line_ends_and_what_looks_like_a_literal() -> None:
    assert Wire().send(b"A1 SELECT {9+}\r\na{3}\r\nb\r\n\r\n") == [
        ("command", b"A1 SELECT {9+}\r\na{3}\r\nb\r\n", ())
    ]


def test_an_argument_beyond_its_limit_is_refused_before_it_is_sent() -> None:
    wire = small()
    assert wire.send(b"A1 LOGIN {21}\r\n") == [("error", "LiteralTooLarge", "A1", False)]
    assert wire.send(b"A2 NOOP\r\n") == [("command", b"A2 NOOP", ())]


def test_a_non_synchronizing_one_beyond_its_limit_is_read_past_rfc7888_4() -> None:
    wire = small()
    assert wire.send(b"A1 LOGIN {21+}\r\n") == [("error", "LiteralTooLarge", "A1", False)]
    assert wire.send(b"A2 NOOP\r\n" + b"x" * 12, b" {5+}\r\nA3 NO more\r\n") == []
    assert wire.send(b"A4 NOOP\r\n") == [("command", b"A4 NOOP", ())]


def test_one_too_large_even_to_read_past_ends_the_connection_rfc7888_4() -> None:
    wire = small()
    assert wire.send(b"A1 LOGIN {61+}\r\nA2 NOOP\r\n") == [
        ("error", "LiteralTooLarge", "A1", False),
        ("error", "ImapLimitExceeded", None, True),
    ]
    assert wire.send(b"A3 NOOP\r\n" * 100) == []
    assert wire.framer.buffered == 0


def test_the_largest_that_is_read_past_is_the_limit() -> None:
    assert small().send(b"A1 LOGIN {60+}\r\n" + b"x" * 60 + b"\r\nA2 NOOP\r\n") == [
        ("error", "LiteralTooLarge", "A1", False),
        ("command", b"A2 NOOP", ()),
    ]


def test_one_hidden_behind_a_refused_one_ends_it_too() -> None:
    wire = small()
    assert wire.send(b"A1 LOGIN {21+}\r\n" + b"x" * 21 + b" {61+}\r\n") == [
        ("error", "LiteralTooLarge", "A1", False),
        ("error", "ImapLimitExceeded", None, True),
    ]


def test_literal_minus_permits_small_ones_only_without_leave_rfc7888_5() -> None:
    framer = Framer(Limits(non_synchronizing=4096))
    wire = Wire(framer)
    assert wire.send(b"A1 SELECT {4097+}\r\n" + b"x" * 4097 + b"\r\n") == [
        ("error", "LiteralTooLarge", "A1", False)
    ]
    assert wire.send(b"A2 SELECT {4097}\r\n") == [("argument", "A2", 4097, True)]


def test_literals_of_one_command_are_counted() -> None:
    wire = small()
    assert wire.send(b"A1 X {1+}\r\na {1+}\r\nb {1+}\r\nc {1+}\r\nd\r\nA2 NOOP\r\n") == [
        ("error", "ImapLimitExceeded", "A1", False),
        ("command", b"A2 NOOP", ()),
    ]


def test_a_command_of_many_small_pieces_has_a_limit_as_a_whole() -> None:
    wire = small()
    line = b"x" * 60
    assert wire.send(b"A1 X %b {1+}\r\na %b {1+}\r\nb %b\r\nA2 NOOP\r\n" % (line, line, line)) == [
        ("error", "ImapLimitExceeded", "A1", False),
        ("command", b"A2 NOOP", ()),
    ]


def test_a_literal_that_would_burst_the_command_is_refused_unsent() -> None:
    line = b"x" * 65
    assert small().send(b"A1 X %b {1+}\r\na %b {20}\r\nA2 NOOP\r\n" % (line, line)) == [
        ("error", "LiteralTooLarge", "A1", False),
        ("command", b"A2 NOOP", ()),
    ]


@pytest.mark.parametrize("size", [b"9223372036854775808", b"99999999999999999999"])
def test_a_size_beyond_number64_is_no_size_rfc9051_9(size: bytes) -> None:
    assert Wire().send(b"A1 APPEND x {%b}\r\n" % size) == [("error", "ImapSyntaxError", "A1", False)]


def test_literal8_is_understood_where_it_is_enabled_rfc3516_4_4() -> None:
    assert Wire().send(b"A1 APPEND x ~{3}\r\nA2 NOOP\r\n") == [
        ("error", "ImapSyntaxError", "A1", False),
        ("command", b"A2 NOOP", ()),
    ]
    framer = Framer()
    framer.literal8 = True
    assert Wire(framer).send(b"A1 APPEND x ~{3}\r\n\0\0\0\r\n") == [
        ("message", "A1", 3, True),
        ("octets", b"\0\0\0", 0),
        ("command", b"A1 APPEND x ~{3}\r\n", (18,)),
    ]


def test_a_host_that_forgets_to_decide_hears_of_it() -> None:
    framer = Framer()
    framer.receive_data(b"A1 LOGIN {4}\r\n")
    assert isinstance(framer.next_event(), LiteralRequest)
    with pytest.raises(RuntimeError, match="accepted or refused"):
        framer.next_event()


def test_a_host_cannot_decide_on_nothing() -> None:
    with pytest.raises(RuntimeError, match="No literal"):
        Framer().accept()


# --- messages ---------------------------------------------------------------------------------------


def test_a_message_is_streamed_and_leaves_its_place_empty() -> None:
    wire = Wire(Framer(SMALL))
    assert wire.send(b"A1 APPEND x {40}\r\n") == [("message", "A1", 40, True)]
    wire.send(b"a" * 25, b"b" * 15 + b"\r\n")
    assert wire.said[1:] == [
        ("octets", b"a" * 25 + b"b" * 15, 0),
        ("command", b"A1 APPEND x {40}\r\n", (18,)),
    ]


def test_no_chunk_is_larger_than_its_limit() -> None:
    framer = Framer(SMALL)
    framer.receive_data(b"A1 APPEND x {40}\r\n")
    framer.next_event()
    framer.accept()
    framer.receive_data(b"a" * 40)
    sizes = [len(framer.next_event().octets) for _ in range(3)]  # type: ignore[union-attr]
    assert sizes == [16, 16, 8]


def test_an_empty_message_is_one_empty_chunk() -> None:
    assert Wire().send(b"A1 APPEND x {0}\r\n\r\n") == [
        ("message", "A1", 0, True),
        ("octets", b"", 0),
        ("command", b"A1 APPEND x {0}\r\n", (17,)),
    ]


def test_several_messages_in_one_command_rfc3502() -> None:
    wire = Wire()
    said = wire.send(b"A1 APPEND x {3}\r\n", b"abc (\\Seen) {2}\r\n", b"de\r\n")
    assert said == [
        ("message", "A1", 3, True),
        ("octets", b"abc", 0),
        ("message", "A1", 2, True),
        ("octets", b"de", 0),
        ("command", b"A1 APPEND x {3}\r\n (\\Seen) {2}\r\n", (17, 31)),
    ]


def test_a_mailbox_name_as_literal_is_no_message() -> None:
    wire = Wire()
    assert wire.send(b"A1 append {1}\r\n") == [("argument", "A1", 1, True)]
    assert wire.send(b"x {3}\r\n") == [("message", "A1", 3, True)]


def test_a_url_of_catenate_is_no_message_rfc4469() -> None:
    assert Wire().send(b"A1 APPEND x CATENATE (URL {3}\r\n") == [("argument", "A1", 3, True)]
    assert Wire().send(b"A1 APPEND x CATENATE (TEXT {3}\r\n") == [("message", "A1", 3, True)]


def test_a_mailbox_may_be_called_as_what_announces_a_url() -> None:
    said = Wire().send(b"A1 APPEND {6+}\r\nmy URL {3}\r\n")
    assert said == [("message", "A1", 3, True)]


def test_replace_streams_its_message_too_rfc8508() -> None:
    assert Wire().send(b"A1 UID REPLACE 4 x {3}\r\n") == [("message", "A1", 3, True)]


def test_only_append_streams() -> None:
    assert Wire().send(b"A1 SEARCH TEXT {3}\r\n") == [("argument", "A1", 3, True)]


def test_a_message_beyond_its_limit_is_refused_before_it_is_sent_rfc7889_4() -> None:
    wire = small()
    assert wire.send(b"A1 APPEND x {51}\r\nA2 NOOP\r\n") == [
        ("error", "LiteralTooLarge", "A1", False),
        ("command", b"A2 NOOP", ()),
    ]


def test_a_refused_message_leaves_the_next_command_whole() -> None:
    wire = Wire(Framer(SMALL), refuse=True)
    assert wire.send(b"A1 APPEND x {3}\r\nA2 NOOP\r\n") == [
        ("message", "A1", 3, True),
        ("command", b"A2 NOOP", ()),
    ]
    assert wire.send(b"A3 APPEND x {9+}\r\nA9 NOOP\r\n\r\nA4 NOOP\r\n") == [
        ("message", "A3", 9, False),
        ("command", b"A4 NOOP", ()),
    ]


def test_refusing_what_is_too_large_to_read_past_is_fatal_rfc7888_4() -> None:
    wire = Wire(Framer(Limits(message_literal=1000, drain=100)), refuse=True)
    assert wire.send(b"A1 APPEND x {900+}\r\n", b"x" * 900 + b"\r\nA2 NOOP\r\n") == [
        ("message", "A1", 900, False),
        ("error", "ImapLimitExceeded", None, True),
    ]


def test_before_authentication_a_message_of_any_size_is_the_hosts_to_refuse() -> None:
    wire = Wire(Framer(NOT_AUTHENTICATED), refuse=True)
    assert wire.send(b"A1 APPEND x {9000000000}\r\nA2 NOOP\r\n") == [
        ("message", "A1", 9_000_000_000, True),
        ("command", b"A2 NOOP", ()),
    ]


def test_a_nul_octet_in_a_message_costs_the_command_rfc9051_4_3() -> None:
    wire = Wire()
    assert wire.send(b"A1 APPEND x {5}\r\n", b"a\0", b"bcd {1+}\r\nx\r\nA2 NOOP\r\n") == [
        ("message", "A1", 5, True),
        ("error", "ImapSyntaxError", "A1", False),
        ("command", b"A2 NOOP", ()),
    ]


def test_a_message_does_not_gather_in_the_framer() -> None:
    wire = Wire(Framer(AUTHENTICATED))
    wire.send(b"A1 APPEND x {10000000}\r\n")
    framer = wire.framer
    for _ in range(100):
        framer.receive_data(b"x" * 100_000)
        while framer.next_event() is not NEED_DATA:
            pass
        assert framer.buffered == 0


# --- lines that are no commands -----------------------------------------------------------------------


def test_a_sasl_response_or_done_is_a_line_of_its_own_rfc9051_6_2_2() -> None:
    framer = Framer(NOT_AUTHENTICATED)
    wire = Wire(framer)
    framer.expect_line(SASL_LINE)
    response = b"A" * SASL_LINE  # longer than a command line may be here
    assert wire.send(response[:9000], response[9000:] + b"\r\nA2 NOOP\r\n") == [
        ("line", response),
        ("command", b"A2 NOOP", ()),
    ]


def test_a_literal_marker_in_such_a_line_means_nothing() -> None:
    framer = Framer()
    framer.expect_line(64)
    framer.receive_data(b"DONE {3+}\r\nA2 NOOP\r\n")
    assert framer.next_event() == Line(b"DONE {3+}")
    assert framer.next_event().octets == b"A2 NOOP"  # type: ignore[union-attr]


def test_such_a_line_has_its_own_limit_and_no_tag() -> None:
    wire = Wire()
    wire.framer.expect_line(4)
    assert wire.send(b"A1 DONE\r\nA2 NOOP\r\n") == [
        ("error", "ImapLimitExceeded", None, False),
        ("command", b"A2 NOOP", ()),
    ]


def test_a_broken_line_of_that_kind_is_over_too() -> None:
    wire = Wire()
    wire.framer.expect_line(64)
    assert wire.send(b"DO\0NE\r\nA2 NOOP\r\n") == [
        ("error", "ImapSyntaxError", None, False),
        ("command", b"A2 NOOP", ()),
    ]


# --- TLS ----------------------------------------------------------------------------------------------


def test_what_came_in_before_tls_began_is_thrown_away_rfc9051_6_2_1() -> None:
    framer = Framer()
    framer.receive_data(b"A1 STARTTLS\r\nA2 LOGIN fred secret\r\nA3 {3}")
    assert framer.next_event().octets == b"A1 STARTTLS"  # type: ignore[union-attr]
    assert framer.discard_buffer() == len(b"A2 LOGIN fred secret\r\nA3 {3}")
    assert Wire(framer).send(b"A4 NOOP\r\n") == [("command", b"A4 NOOP", ())]


def test_nor_is_anything_left_that_was_expected_before_tls() -> None:
    framer = Framer()
    framer.receive_data(b"A1 LOGIN {3}\r\n")
    framer.next_event()
    framer.discard_buffer()
    with pytest.raises(RuntimeError, match="No literal"):
        framer.accept()
    framer.expect_line(64)
    framer.discard_buffer()
    assert Wire(framer).send(b"A2 NOOP\r\n") == [("command", b"A2 NOOP", ())]


def test_no_event_shows_a_secret_when_it_is_logged() -> None:
    framer = Framer()
    framer.receive_data(b"A1 LOGIN fred sesame\r\nA2 LOGIN sesame {3}\r\n")
    assert "sesame" not in repr(framer.next_event())
    assert "sesame" not in repr(framer.next_event())

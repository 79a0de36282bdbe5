"""The machine as a whole: order, states, SASL responses, reading ahead."""

from __future__ import annotations

import pytest

from mailkeep.pop3 import commands as c
from mailkeep.pop3.connection import RETRIEVALS_LIMIT, Connection
from mailkeep.pop3.errors import Pop3Syntax, SaslAborted, WrongState
from mailkeep.pop3.limits import PIPELINE_LIMIT
from mailkeep.pop3.state import ALLOWED, State

LINES: dict[type[c.Command], bytes] = {
    c.Auth: b"AUTH PLAIN", c.Capa: b"CAPA", c.Dele: b"DELE 1", c.Lang: b"LANG", c.List: b"LIST",
    c.Noop: b"NOOP", c.Pass: b"PASS x", c.Quit: b"QUIT", c.Retr: b"RETR 1", c.Rset: b"RSET",
    c.Stat: b"STAT", c.Stls: b"STLS", c.Top: b"TOP 1 1", c.Uidl: b"UIDL", c.User: b"USER x", c.Utf8: b"UTF8",
}  # fmt: skip


def test_every_command_has_its_row_in_the_table_of_states() -> None:
    defined = {kind for kind in vars(c).values() if isinstance(kind, type) and issubclass(kind, c.Command)}
    assert set(ALLOWED) == defined - {c.Command} == set(LINES)


@pytest.mark.parametrize("state", list(State))
@pytest.mark.parametrize("kind", list(LINES))
def test_every_command_in_every_state(kind: type[c.Command], state: State) -> None:
    connection = Connection()
    connection.state = state
    connection.receive(LINES[kind] + b"\r\n")
    if state in ALLOWED[kind]:
        assert type(connection.next_command()) is kind
    else:
        with pytest.raises(WrongState):
            connection.next_command()
    assert connection.next_command() is None


def test_rfc_1939_gives_these_to_each_state() -> None:
    both = {c.Capa, c.Lang, c.Quit}
    authorization = {kind for kind, states in ALLOWED.items() if State.AUTHORIZATION in states}
    transaction = {kind for kind, states in ALLOWED.items() if State.TRANSACTION in states}
    assert authorization == both | {c.User, c.Pass, c.Auth, c.Stls, c.Utf8}
    assert transaction == both | {c.Noop, c.Stat, c.List, c.Uidl, c.Retr, c.Top, c.Dele, c.Rset}
    assert not any(State.UPDATE in states for states in ALLOWED.values())


def test_a_bad_line_does_not_take_the_next_one_with_it() -> None:
    connection = Connection()
    connection.receive(b"XYZZY\r\nCAPA\r\n")
    with pytest.raises(Pop3Syntax):
        connection.next_command()
    assert connection.next_command() == c.Capa()


def test_responses_are_read_as_such() -> None:
    connection = Connection()
    connection.receive(b"UVVJVA==\r\n*\r\nQUIT\r\n")
    assert connection.next_response() == b"QUIT"
    with pytest.raises(SaslAborted):
        connection.next_response()
    assert connection.next_command() == c.Quit()
    assert connection.next_response() is None


def test_what_came_in_the_clear_with_stls_is_discarded() -> None:
    connection = Connection()
    connection.receive(b"STLS\r\nUSER eve\r\nPASS secr")
    assert connection.next_command() == c.Stls()
    connection.discard()
    connection.receive(b"CAPA\r\n")
    assert connection.next_command() == c.Capa()


def test_nothing_is_read_after_the_last_command() -> None:
    connection = Connection()
    connection.receive(b"QUIT\r\nNOOP\r\n")
    assert connection.next_command() == c.Quit()
    connection.finish()
    connection.receive(b"NOOP\r\n" * 20_000)
    assert connection.next_command() is None
    assert not connection.is_full


def test_queued_retrievals_are_seen_ahead() -> None:
    connection = Connection()
    connection.receive(b"RETR 2\r\nretr 3\r\nRETR 9\r\nDELE 2\r\nRETR 4\r\n")
    assert connection.queued_retrievals()[:2] == [2, 3]
    assert connection.queued_retrievals() == [2, 3, 9]
    connection.state = State.TRANSACTION
    assert connection.next_command() == c.Retr(2)
    assert connection.queued_retrievals() == [3, 9]


def test_what_was_answered_ahead_is_skipped() -> None:
    connection = Connection()
    connection.state = State.TRANSACTION
    connection.receive(b"RETR 2\r\nRETR 3\r\nNOOP\r\n")
    connection.skip_retrievals(1)
    assert connection.queued_retrievals() == [3]
    connection.skip_retrievals(1)
    assert connection.next_command() == c.Noop()


def test_only_so_many_are_looked_at_together() -> None:
    connection = Connection()
    connection.receive(b"RETR 1\r\n" * (RETRIEVALS_LIMIT + 1))
    assert connection.queued_retrievals() == [1] * RETRIEVALS_LIMIT


@pytest.mark.parametrize("octets", [b"", b"RETR 1", b"RETR x\r\n", b"RETR 1\n", b"NOOP\r\nRETR 1\r\n"])
def test_nothing_to_read_ahead(octets: bytes) -> None:
    connection = Connection()
    connection.receive(octets)
    assert connection.queued_retrievals() == []


def test_a_long_pipeline_tells_the_host_to_stop_reading() -> None:
    connection = Connection()
    connection.receive(b"NOOP\r\n" * (PIPELINE_LIMIT // 6))
    assert not connection.is_full
    connection.receive(b"NOOP\r\n")
    assert connection.is_full

"""Which command in which state (RFC 9051 section 3)."""

from __future__ import annotations

import pytest
from tests.support.imap_parsing import parsed

from mailkeep.imap.errors import WrongState
from mailkeep.imap.state import State, check

ANY = ["CAPABILITY", "NOOP", "LOGOUT", "ID NIL"]
BEFORE = ["STARTTLS", "LOGIN a b", "AUTHENTICATE PLAIN"]
AFTER = ["SELECT x", "EXAMINE x", "CREATE x", "DELETE x", "RENAME x y", "SUBSCRIBE x", "UNSUBSCRIBE x"]
AFTER += [
    'LIST "" *',
    'LSUB "" *',
    "STATUS x (MESSAGES)",
    "APPEND x {1+}\r\nx",
    "NAMESPACE",
    "IDLE",
    "ENABLE X",
]
SELECTED = ["CHECK", "CLOSE", "UNSELECT", "EXPUNGE", "UID EXPUNGE 1", "SEARCH ALL", "FETCH 1 UID", "MOVE 1 x"]
SELECTED += ["STORE 1 FLAGS ()", "COPY 1 x", "UID FETCH 1 UID", "SORT (DATE) UTF-8 ALL", "THREAD X UTF-8 ALL"]


def permitted(line: str) -> set[State]:
    return {state for state in State if _may_be_given(line, state)}


def _may_be_given(line: str, state: State) -> bool:
    try:
        check(parsed(line), state)
    except WrongState:
        return False
    return True


@pytest.mark.parametrize("line", ANY)
def test_in_any_state_but_logout_rfc9051_6_1(line: str) -> None:
    assert permitted(line) == {State.NOT_AUTHENTICATED, State.AUTHENTICATED, State.SELECTED}


@pytest.mark.parametrize("line", BEFORE)
def test_before_authentication_only_rfc9051_6_2(line: str) -> None:
    assert permitted(line) == {State.NOT_AUTHENTICATED}


@pytest.mark.parametrize("line", AFTER)
def test_after_authentication_rfc9051_6_3(line: str) -> None:
    assert permitted(line) == {State.AUTHENTICATED, State.SELECTED}


@pytest.mark.parametrize("line", SELECTED)
def test_with_a_mailbox_only_rfc9051_6_4(line: str) -> None:
    assert permitted(line) == {State.SELECTED}


@pytest.mark.parametrize(
    ("line", "state", "sentence"),
    [
        ("SELECT x", State.NOT_AUTHENTICATED, "Please authenticate first."),
        ("LOGIN a b", State.SELECTED, "You are authenticated already."),
        ("CLOSE", State.AUTHENTICATED, "No mailbox is selected."),
    ],
)
def test_the_reason_is_said(line: str, state: State, sentence: str) -> None:
    with pytest.raises(WrongState, match=sentence) as caught:
        check(parsed(line), state)
    assert caught.value.tag == "A"

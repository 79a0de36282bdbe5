"""RFC 1939 section 7: one to 70 characters between 0x21 and 0x7E."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from mailkeep.pop3.uidl import unique_id

NUMBERS = st.integers(1, 2**32 - 1)


@given(NUMBERS, NUMBERS)
def test_the_alphabet_and_the_length(uidvalidity: int, uid: int) -> None:
    assert re.fullmatch(r"[!-~]{1,70}", unique_id(uidvalidity, uid))


@given(NUMBERS, NUMBERS, NUMBERS, NUMBERS)
def test_two_entries_never_share_one(validity: int, uid: int, other_validity: int, other_uid: int) -> None:
    same = (validity, uid) == (other_validity, other_uid)
    assert (unique_id(validity, uid) == unique_id(other_validity, other_uid)) is same


def test_the_form_is_for_ever() -> None:
    """A client that is told other unique-ids fetches all its mail again."""
    assert unique_id(1732620000, 42) == "1732620000.42"

"""STORE: items, flags, the condition."""

from __future__ import annotations

import pytest
from tests.support.imap_parsing import parsed, refused

from mailkeep.imap.commands.store import Store
from mailkeep.imap.sequence import SequenceSet
from mailkeep.model.flags import FlagAction

SET = SequenceSet(((2, 4),))


@pytest.mark.parametrize(
    ("item", "action", "silent"),
    [
        ("FLAGS", FlagAction.SET, False),
        ("+FLAGS", FlagAction.ADD, False),
        ("-flags", FlagAction.REMOVE, False),
        ("FLAGS.SILENT", FlagAction.SET, True),
        ("+Flags.Silent", FlagAction.ADD, True),
        ("-FLAGS.SILENT", FlagAction.REMOVE, True),
    ],
)
def test_items_rfc9051_6_4_6(item: str, action: FlagAction, silent: bool) -> None:
    expected = Store("A", SET, action, ("\\Deleted", "$Junk"), silent=silent)
    assert parsed(f"STORE 2:4 {item} (\\Deleted $Junk)") == expected


def test_flags_may_stand_without_parentheses_and_may_be_none() -> None:
    assert parsed("STORE 2:4 +FLAGS \\Seen $Junk") == Store("A", SET, FlagAction.ADD, ("\\Seen", "$Junk"))
    assert parsed("UID STORE 2:4 FLAGS ()") == Store("A", SET, FlagAction.SET, (), uid=True)


def test_a_condition_rfc7162_3_1_3() -> None:
    assert parsed("STORE 2:4 (UNCHANGEDSINCE 12121230045) +FLAGS.SILENT (\\Deleted)") == Store(
        "A", SET, FlagAction.ADD, ("\\Deleted",), silent=True, unchanged_since=12121230045
    )


@pytest.mark.parametrize(
    "arguments",
    [
        "",
        "2:4",
        "2:4 FLAGS",
        "2:4 FLAGS ",
        "2:4 *FLAGS (\\Seen)",
        "2:4 FLAGS.LOUD (\\Seen)",
        "2:4 + FLAGS (\\Seen)",
        "2:4 FLAGS (\\Seen) x",
        "2:4 () FLAGS (\\Seen)",
        "2:4 (UNCHANGEDSINCE) FLAGS (\\Seen)",
        "2:4 (CHANGEDSINCE 5) FLAGS (\\Seen)",
        "x FLAGS (\\Seen)",
    ],
)
def test_what_is_no_store(arguments: str) -> None:
    refused(f"STORE {arguments}")

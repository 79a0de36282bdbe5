"""LIST, plain and extended, LSUB and NAMESPACE."""

from __future__ import annotations

import pytest
from tests.support.imap_parsing import parsed, refused

from mailkeep.imap.commands.list import List, Lsub, Namespace, ReturnOption, SelectOption
from mailkeep.imap.commands.mailbox import StatusItem
from mailkeep.imap.names import NameForm


def test_plain_list_rfc3501_6_3_8() -> None:
    assert parsed('LIST "" *') == List("A", "", ("*",))
    assert parsed('LIST "" ""') == List("A", "", ("",))
    assert parsed("LIST ~/Mail/ %") == List("A", "~/Mail/", ("%",))
    assert parsed('LIST "" inbox') == List("A", "", ("INBOX",))
    assert parsed('LIST "" {3+}\r\na b') == List("A", "", ("a b",))


def test_patterns_are_decoded_like_names() -> None:
    assert parsed('LIST "" Entw&APw-rfe/%') == List("A", "", ("Entwürfe/%",))
    assert parsed('LIST "" Entwürfe/%', NameForm.UTF8) == List("A", "", ("Entwürfe/%",))


def test_extended_list_rfc9051_6_3_9() -> None:
    assert parsed('LIST (SUBSCRIBED RECURSIVEMATCH) "" "*"') == List(
        "A", "", ("*",), (SelectOption.SUBSCRIBED, SelectOption.RECURSIVEMATCH), extended=True
    )
    assert parsed('LIST () "" ("INBOX" "Drafts" "Sent/%")') == List(
        "A", "", ("INBOX", "Drafts", "Sent/%"), extended=True
    )
    assert parsed('LIST (REMOTE) "" "%" RETURN (CHILDREN subscribed)') == List(
        "A",
        "",
        ("%",),
        (SelectOption.REMOTE,),
        (ReturnOption.CHILDREN, ReturnOption.SUBSCRIBED),
        extended=True,
    )
    assert parsed('LIST "" "%" RETURN ()') == List("A", "", ("%",), extended=True)


def test_list_status_rfc5819_2() -> None:
    assert parsed('LIST "" % RETURN (STATUS (MESSAGES UNSEEN) SPECIAL-USE)') == List(
        "A",
        "",
        ("%",),
        returns=(ReturnOption.SPECIAL_USE,),
        status=(StatusItem.MESSAGES, StatusItem.UNSEEN),
        extended=True,
    )


def test_special_use_rfc6154_4() -> None:
    assert parsed('LIST (SPECIAL-USE) "" "*"') == List(
        "A", "", ("*",), (SelectOption.SPECIAL_USE,), extended=True
    )


def test_recursivematch_needs_something_to_match_rfc9051_6_3_9_1() -> None:
    refused('LIST (RECURSIVEMATCH) "" "*"')
    refused('LIST (REMOTE RECURSIVEMATCH) "" "*"')


@pytest.mark.parametrize(
    "arguments",
    [
        "",
        '""',
        '"" ()',
        '(BEAUTY) "" *',
        '"" * RETURN',
        '"" * RETURN (BEAUTY)',
        '"" * RETURN (STATUS)',
        '"" * RETURN (STATUS ())',
        '"" * CHILDREN',
        '"" * *',
    ],
)
def test_what_is_no_list(arguments: str) -> None:
    refused(f"LIST {arguments}")


def test_lsub_and_namespace() -> None:
    assert parsed('LSUB "#news." "comp.mail.*"') == Lsub("A", "#news.", "comp.mail.*")
    assert parsed("NAMESPACE") == Namespace("A")

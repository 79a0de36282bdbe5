"""SELECT to CHECK: commands on one mailbox as a whole."""

from __future__ import annotations

import pytest
from tests.support.imap_parsing import parsed, refused

from mailkeep.imap.commands.mailbox import (
    Check,
    Close,
    Create,
    Delete,
    Examine,
    Expunge,
    QresyncParameters,
    Rename,
    Select,
    Status,
    StatusItem,
    Subscribe,
    Unselect,
    Unsubscribe,
)
from mailkeep.imap.errors import MailboxNameInvalid
from mailkeep.imap.names import NameForm
from mailkeep.imap.parser import parse
from mailkeep.imap.sequence import SequenceSet


@pytest.mark.parametrize("name", ["inbox", '"INBOX"', "{5}\r\nInBox"])
def test_a_mailbox_is_an_astring_of_any_form(name: str) -> None:
    assert parsed(f"SELECT {name}") == Select("A", "INBOX")


@pytest.mark.parametrize("kind", [Select, Examine, Create])
def test_a_name_that_is_not_in_nfc_is_remembered_as_written(kind: type[Select | Create]) -> None:
    command = kind("A", "Gr\u00fcn", written="Gru\u0308n")
    for form in NameForm:
        assert parse(command.encode(form)[:-2], form) == command


def test_select_and_examine_rfc9051_6_3_2() -> None:
    assert parsed('SELECT "Sent Items"') == Select("A", "Sent Items")
    assert parsed("EXAMINE Archive") == Examine("A", "Archive")
    refused("SELECT")
    refused("SELECT Sent Items")


def test_select_parameters_rfc7162() -> None:
    assert parsed("SELECT x (condstore)") == Select("A", "x", condstore=True)
    known = SequenceSet(((41, 41), (43, 211), (214, 541)))
    assert parsed("SELECT x (QRESYNC (67890007 90060115194045000 41,43:211,214:541))") == Select(
        "A", "x", qresync=QresyncParameters(67890007, 90060115194045000, known)
    )
    match = (SequenceSet(((5, 5), (24, 24))), SequenceSet(((20, 20), (38, 38))))
    assert parsed("SELECT x (QRESYNC (67890007 20 (5,24 20,38)) CONDSTORE)") == Select(
        "A", "x", True, QresyncParameters(67890007, 20, None, *match)
    )


@pytest.mark.parametrize(
    "parameters", ["()", "(FAST)", "(QRESYNC)", "(QRESYNC (0 1))", "(QRESYNC (1 2 3", "CONDSTORE"]
)
def test_what_is_no_parameter(parameters: str) -> None:
    refused(f"SELECT x {parameters}")


def test_create_with_special_use_rfc6154_3() -> None:
    assert parsed("CREATE owatagusiam/") == Create("A", "owatagusiam/")
    assert parsed("CREATE MySent (USE (\\Sent))") == Create("A", "MySent", ("\\Sent",))
    refused("CREATE MySent (USE \\Sent)")
    refused("CREATE MySent (SIZE 5)")


def test_delete_rename_subscribe_unsubscribe() -> None:
    assert parsed("DELETE foo/bar") == Delete("A", "foo/bar")
    assert parsed('RENAME blurdybloop "sar asoon"') == Rename("A", "blurdybloop", "sar asoon")
    assert parsed("SUBSCRIBE #news.comp.mail.mime") == Subscribe("A", "#news.comp.mail.mime")
    assert parsed("UNSUBSCRIBE Entw&APw-rfe") == Unsubscribe("A", "Entwürfe")
    refused("RENAME one")


def test_names_follow_the_form_of_the_session_rfc6855_3() -> None:
    assert parsed("DELETE Entwürfe", NameForm.UTF8) == Delete("A", "Entwürfe")
    assert parsed('DELETE "Entwürfe"', NameForm.UTF8) == Delete("A", "Entwürfe")
    assert parsed("DELETE Entw&APw-rfe", NameForm.UTF8) == Delete("A", "Entw&APw-rfe")
    refused("DELETE Entwürfe", MailboxNameInvalid)
    refused("DELETE Entw&APw", MailboxNameInvalid)


def test_status_rfc9051_6_3_11() -> None:
    assert parsed("STATUS blurdybloop (uidnext MESSAGES UIDNEXT)") == Status(
        "A", "blurdybloop", (StatusItem.UIDNEXT, StatusItem.MESSAGES)
    )
    assert parsed("STATUS x (HIGHESTMODSEQ SIZE DELETED MAILBOXID)") == Status(
        "A",
        "x",
        (StatusItem.HIGHESTMODSEQ, StatusItem.SIZE, StatusItem.DELETED, StatusItem.MAILBOXID),
    )


@pytest.mark.parametrize("items", ["", " ()", " MESSAGES", " (MESSAGES", " (BEAUTY)", " (MESSAGES,UNSEEN)"])
def test_what_are_no_status_items(items: str) -> None:
    refused(f"STATUS x{items}")


def test_close_unselect_check_expunge() -> None:
    assert parsed("CLOSE") == Close("A")
    assert parsed("UNSELECT") == Unselect("A")
    assert parsed("CHECK") == Check("A")
    assert parsed("EXPUNGE") == Expunge("A")
    refused("EXPUNGE 3:5")


def test_uid_expunge_rfc4315_2_1() -> None:
    assert parsed("UID EXPUNGE 3000:3002") == Expunge("A", SequenceSet(((3000, 3002),)))
    refused("UID EXPUNGE")

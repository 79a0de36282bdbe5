"""SETACL, DELETEACL, GETACL, LISTRIGHTS, MYRIGHTS."""

from __future__ import annotations

import pytest
from tests.support.imap_parsing import parsed, refused

from mailkeep.imap.commands.acl import DeleteAcl, GetAcl, ListRights, MyRights, SetAcl
from mailkeep.imap.response_decoder import decode
from mailkeep.imap.responses import AclData, ListRightsData, MyRightsData
from mailkeep.model.rights import Rights, RightsAction, RightsChange, parse_rights


def test_set_acl_rfc4314_3_1() -> None:
    assert parsed("SETACL INBOX/Drafts John lrswicda") == SetAcl(
        "A", "INBOX/Drafts", "John", RightsChange(RightsAction.SET, parse_rights("lrswikxtea"))
    )
    assert parsed('SETACL "a b" chris@example.com +cda') == SetAcl(
        "A", "a b", "chris@example.com", RightsChange(RightsAction.ADD, parse_rights("kxtea"))
    )
    assert parsed("SETACL x anyone -w") == SetAcl(
        "A", "x", "anyone", RightsChange(RightsAction.REMOVE, parse_rights("w"))
    )
    assert parsed('SETACL x anyone ""') == SetAcl(
        "A", "x", "anyone", RightsChange(RightsAction.SET, Rights(frozenset()))
    )


@pytest.mark.parametrize("rights", ["q", "lrQ", "L", "+-l", "l+", "9", "l r"])
def test_a_letter_that_is_no_right_is_never_passed_over(rights: str) -> None:
    refused(f"SETACL x anyone {rights}")


def test_the_others_rfc4314_3_2_to_3_5() -> None:
    assert parsed("DELETEACL inbox Fred") == DeleteAcl("A", "INBOX", "Fred")
    assert parsed("GETACL INBOX") == GetAcl("A", "INBOX")
    assert parsed("LISTRIGHTS ~/Mail/saved smith") == ListRights("A", "~/Mail/saved", "smith")
    assert parsed("MYRIGHTS INBOX") == MyRights("A", "INBOX")


@pytest.mark.parametrize(
    "line", ["SETACL x", "SETACL x y", "DELETEACL x", "GETACL", "GETACL x y", "LISTRIGHTS x", "MYRIGHTS"]
)
def test_what_is_none_of_them(line: str) -> None:
    refused(line)


def test_responses() -> None:
    acl = AclData("INBOX", (("fred", "rwipsldexta"), ("a b", "")))
    assert acl.encode() == b'* ACL INBOX fred rwipsldexta "a b" ""\r\n'
    assert decode(acl.encode()) == acl
    rights = ListRightsData("x", "smith", "", ("l", "r", "kx"))
    assert rights.encode() == b'* LISTRIGHTS x smith "" l r kx\r\n'
    assert decode(rights.encode()) == rights
    assert MyRightsData("INBOX", "lr").encode() == b"* MYRIGHTS INBOX lr\r\n"

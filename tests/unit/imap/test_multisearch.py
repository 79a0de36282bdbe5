"""ESEARCH and CANCELUPDATE: what stands in them (RFC 7377 section 4, RFC 5267 section 5)."""

from __future__ import annotations

import pytest
from tests.support.imap_parsing import parsed, refused

from mailkeep.imap.commands.fetch import FetchItem
from mailkeep.imap.commands.mailbox_filters import NAMES_LIMIT, FilterKind, MailboxFilter
from mailkeep.imap.commands.multisearch import CancelUpdate, MultiSearch
from mailkeep.imap.commands.search import PlainKey, Search, SearchOptions, SearchReturn
from mailkeep.imap.errors import ImapLimitExceeded


def test_sources_rfc7377_3() -> None:
    assert parsed('ESEARCH IN (mailboxes "folder1" subtree "folder2") unseen') == MultiSearch(
        "A",
        (PlainKey.UNSEEN,),
        (
            MailboxFilter(FilterKind.MAILBOXES, ("folder1",)),
            MailboxFilter(FilterKind.SUBTREE, ("folder2",)),
        ),
    )
    assert parsed(
        "ESEARCH IN (selected subtree-one (a {1}\r\nb)) RETURN (MIN) CHARSET utf-8 ALL"
    ) == MultiSearch(
        "A",
        (PlainKey.ALL,),
        (MailboxFilter(FilterKind.SELECTED), MailboxFilter(FilterKind.SUBTREE_ONE, ("a", "b"))),
        "UTF-8",
        SearchOptions((SearchReturn.MIN,)),
    )
    assert parsed("ESEARCH ALL") == MultiSearch("A", (PlainKey.ALL,))


@pytest.mark.parametrize(
    "arguments",
    [
        "",
        "IN () ALL",
        "IN (personal)",
        "IN (selected-delayed) ALL",
        "IN (everything) ALL",
        "IN (mailboxes) ALL",
        "IN (mailboxes ()) ALL",
        "IN (personal (x)) ALL",
        "IN personal ALL",
    ],
)
def test_what_is_no_esearch(arguments: str) -> None:
    refused(f"ESEARCH {arguments}".rstrip())


def test_names_end_at_a_limit() -> None:
    refused(f"ESEARCH IN (mailboxes ({'x ' * NAMES_LIMIT}x)) ALL", ImapLimitExceeded)


def test_update_with_attributes_rfc5465_7() -> None:
    assert parsed("SEARCH RETURN (COUNT UPDATE (UID FLAGS)) ALL") == Search(
        "A",
        (PlainKey.ALL,),
        options=SearchOptions(
            (SearchReturn.COUNT, SearchReturn.UPDATE), update=(FetchItem.UID, FetchItem.FLAGS)
        ),
    )
    refused("SEARCH RETURN (UPDATE ()) ALL")
    refused("SEARCH RETURN (UPDATE (UID) UPDATE (UID)) ALL")


def test_cancelupdate_rfc5267_4_3_5() -> None:
    assert parsed('CANCELUPDATE "B01" "B02"') == CancelUpdate("A", ("B01", "B02"))
    for arguments in ("", '"B 1"', '"B+1"', '""', "B01"):
        refused(f"CANCELUPDATE {arguments}".rstrip())

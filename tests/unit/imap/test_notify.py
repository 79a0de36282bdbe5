"""NOTIFY: what stands in it, and what may not stand together (RFC 5465 sections 5, 6 and 8)."""

from __future__ import annotations

import pytest
from tests.support.imap_parsing import parsed, refused

from mailkeep.imap.commands.fetch import BodySection, FetchItem, Section, SectionText
from mailkeep.imap.commands.mailbox_filters import FilterKind, MailboxFilter
from mailkeep.imap.commands.notify import GROUPS_LIMIT, EventGroup, Notify, NotifyEvent
from mailkeep.imap.errors import ImapLimitExceeded

NEW, GONE, FLAGS = NotifyEvent.MESSAGE_NEW, NotifyEvent.MESSAGE_EXPUNGE, NotifyEvent.FLAG_CHANGE


def test_none() -> None:
    assert parsed("NOTIFY NONE") == Notify("A", None)


def test_the_example_rfc5465_3_1() -> None:
    line = (
        "notify set status (selected (MessageNew (uid body.peek[header.fields (from to subject)])"
        " MessageExpunge)) (subtree Lists (messagenew MessageExpunge))"
    )
    shown = BodySection(Section((), SectionText.HEADER_FIELDS, (b"from", b"to", b"subject")), peek=True)
    expected = Notify(
        "A",
        (
            EventGroup(MailboxFilter(FilterKind.SELECTED), (NEW, GONE), (FetchItem.UID, shown)),
            EventGroup(MailboxFilter(FilterKind.SUBTREE, ("Lists",)), (NEW, GONE)),
        ),
        status=True,
    )
    assert parsed(line) == expected
    without = "NOTIFY SET (selected MessageNew (uid) MessageExpunge)"  # as the RFC itself writes it
    assert parsed(without) == parsed("NOTIFY SET (selected (MessageNew (uid) MessageExpunge))")


def test_events_of_all_kinds() -> None:
    assert parsed(
        "NOTIFY SET (personal NONE) (mailboxes (a b) (MailboxName AnnotationChange X-Y))"
    ) == Notify(
        "A",
        (
            EventGroup(MailboxFilter(FilterKind.PERSONAL)),
            EventGroup(
                MailboxFilter(FilterKind.MAILBOXES, ("a", "b")),
                (NotifyEvent.MAILBOX_NAME,),
                unknown=("AnnotationChange", "X-Y"),
            ),
        ),
    )


@pytest.mark.parametrize(
    "arguments",
    [
        "",
        "SET",
        "SET STATUS",
        "NONE (personal NONE)",
        "SET (personal)",
        "SET (personal ())",
        "SET personal NONE",
        "SET (subtree-one a NONE)",
        "SET (personal (MessageNew))",
        "SET (personal (MessageExpunge))",
        "SET (personal (FlagChange))",
        "SET (personal (MessageNew (UID) MessageExpunge))",
        "SET (selected (MailboxName))",
        "SET (selected NONE) (selected-delayed NONE)",
        "SET (selected (MessageNew () MessageExpunge))",
    ],
)
def test_what_is_no_notify(arguments: str) -> None:
    refused(f"NOTIFY {arguments}".rstrip())


def test_groups_end_at_a_limit() -> None:
    refused("NOTIFY SET" + " (personal NONE)" * (GROUPS_LIMIT + 1), ImapLimitExceeded)

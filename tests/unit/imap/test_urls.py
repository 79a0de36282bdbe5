"""URLs of messages (RFC 5092), as CATENATE and URLAUTH take them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailkeep.imap.commands.fetch import Partial, Section, SectionText
from mailkeep.imap.errors import ImapSyntaxError
from mailkeep.imap.limits import NUMBER64_MAX
from mailkeep.imap.urls import MessageUrl, UrlInvalid, parse_url, quotable


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("/INBOX/;UID=1", MessageUrl("INBOX", 1)),
        ("/inbox;UIDVALIDITY=785799047/;uid=113330", MessageUrl("INBOX", 113330, 785799047)),
        (";UID=20", MessageUrl(None, 20)),
        ("/;UID=20/;section=HEADER", MessageUrl(None, 20, section=Section((), SectionText.HEADER))),
        ("/a/b/;UID=2/;SECTION=1.5.9", MessageUrl("a/b", 2, section=Section((1, 5, 9)))),
        (
            "/a%3Bb%C3%A4/;UID=2/;section=1.MIME",
            MessageUrl("a;b\u00e4", 2, section=Section((1,), SectionText.MIME)),
        ),
        (
            "/a/;UID=2/;SECTION=HEADER.FIELDS%20(To%20Cc)",
            MessageUrl("a", 2, section=Section((), SectionText.HEADER_FIELDS, (b"To", b"Cc"))),
        ),
        ("/a/;UID=2/;PARTIAL=3.4", MessageUrl("a", 2, partial=Partial(3, 4))),
        (
            "/a/;UID=2/;SECTION=1/;PARTIAL=3",
            MessageUrl("a", 2, None, Section((1,)), Partial(3, NUMBER64_MAX)),
        ),
        ("imap://joe@example.com/a/;uid=2", MessageUrl("a", 2, user="joe", server="example.com")),
        (
            "imap://joe%40x;AUTH=*@example.com:143/a/;uid=2;URLAUTH=anonymous",
            MessageUrl("a", 2, user="joe@x", server="example.com:143", rest=";URLAUTH=anonymous"),
        ),
    ],
)
def test_what_a_url_names(text: str, url: MessageUrl) -> None:
    assert parse_url(text) == url


@pytest.mark.parametrize(
    "text",
    [
        "",
        "/INBOX",
        "/INBOX/;UID=0",
        "/INBOX/;UID=4294967296",
        "/INBOX;UIDVALIDITY=4294967296/;UID=1",
        "/INBOX/;UID=1/;SECTION=",
        "/INBOX/;UID=1/;SECTION=1.",
        "/INBOX/;UID=1/;SECTION=1]",
        "/INBOX/;UID=1/;PARTIAL=0.0",
        "/INBOX/;UID=1/;PARTIAL=x",
        "/IN%/;UID=1",
        "/IN%FF/;UID=1",
        "/IN%0D/;UID=1",
        "INBOX/;UID=1",
        "/IN BOX/;UID=1",
        "/Gr\u00fcn/;UID=1",
        "http://x/INBOX/;UID=1",
        "/INBOX/;UID=1?x",
        "imap://x/;UID=1",
        "/" + "a" * 5000 + "/;UID=1",
    ],
)
def test_what_is_no_url_of_a_message(text: str) -> None:
    with pytest.raises(UrlInvalid):
        parse_url(text)


@given(st.text(st.sampled_from("/;UID=1SECTO.PARL%2Aimap:@x?"), max_size=40))
def test_nothing_else_is_raised(text: str) -> None:
    try:
        parse_url(text)
    except ImapSyntaxError:
        return


@given(st.text())
def test_a_url_within_a_response_code_ends_nothing(text: str) -> None:
    shown = quotable(text)
    assert shown.isascii()
    assert not set(shown) & set('"\\] \r\n')

"""Folders and structures as other servers tell them, taken for what they are."""

from __future__ import annotations

import pytest

from mailkeep.errors import NotFound, Throttled
from mailkeep.upstream.accounts import AuthConfig, Server, Transport
from mailkeep_api.assistant import elsewhere, places
from mailkeep_api.assistant.lent import Lent
from mailkeep_api.assistant.places import Places

GMAIL = [
    ((b"\\HasNoChildren",), b"/", "INBOX"),
    ((b"\\HasChildren", b"\\Noselect"), b"/", "[Gmail]"),
    ((b"\\All", b"\\HasNoChildren"), b"/", "[Gmail]/Alle Nachrichten"),
    ((b"\\HasNoChildren", b"\\Trash"), b"/", "[Gmail]/Papierkorb"),
    ((b"\\HasNoChildren",), b"/", "Work"),
]
DOTTED = [((), b".", "inbox"), ((b"\\Trash",), b".", "INBOX.Bin"), ((), b".", "INBOX.a\r\nb")]
TEXT = (b"text", b"plain", (b"charset", b"utf-8"), None, None, b"7bit", 5, 1, None, None, None, None)
NAMED = (b"text", b"csv", (b"name", b"x.csv"), None, None, b"7bit", 5, 1, None, None, None, None)
PDF = (b"application", b"pdf", (b"name", b"x.pdf"), None, None, b"base64", 5, None, None, None, None)
SAID = (*TEXT[:9], (b"ATTACHMENT", (b"filename", b"x.txt")), (b"en", b"de"), None)
INLINE = (*PDF[:8], (b"inline", (b"filename", b"x.pdf")), None, None)
BARE = (b"image", b"png", None, None, None, b"base64", 5)


class Listing:
    """What LIST said."""

    def __init__(self, told: list[tuple[tuple[bytes, ...], bytes, str]]) -> None:
        self._told = told

    def list_folders(self) -> list[tuple[tuple[bytes, ...], bytes, str]]:
        return self._told


def test_rfc_6154_folders_are_found_by_what_they_are_for() -> None:
    gmail = Listing(GMAIL)
    assert elsewhere.place_of(gmail, "Trash").name == "[Gmail]/Papierkorb"
    assert elsewhere.place_of(gmail, "all").name == "[Gmail]/Alle Nachrichten"
    assert elsewhere.place_of(gmail, "inbox").name == "INBOX"
    assert elsewhere.place_of(gmail, "Work").use == ""
    for unknown in ("[Gmail]", "work", "Sent"):
        with pytest.raises(NotFound):
            elsewhere.place_of(gmail, unknown)


def test_a_search_without_a_folder_is_one_of_all_mail_or_of_inbox() -> None:
    assert elsewhere._place_to_search(Listing(GMAIL), None).use == "all"
    assert elsewhere._place_to_search(Listing(DOTTED), None).name == "INBOX"
    assert elsewhere._place_to_search(Listing(GMAIL), "trash").raw == "[Gmail]/Papierkorb"


def test_names_have_slashes_and_one_line_and_inbox_is_first() -> None:
    found = elsewhere.places(Listing(DOTTED))
    assert [(one.raw, one.name, one.use) for one in found] == [
        ("inbox", "INBOX", ""),
        ("INBOX.Bin", "INBOX/Bin", "trash"),
    ]


@pytest.mark.parametrize(
    ("body", "files"),
    [
        (TEXT, 0),
        (NAMED, 0),
        (PDF, 1),
        (SAID, 1),
        (INLINE, 0),
        (BARE, 0),
        (([TEXT, PDF, ([TEXT, SAID], b"mixed")], b"mixed"), 2),
        (None, 0),
        ((), 0),
    ],
)
def test_files_are_counted_by_the_structure(body: object, files: int) -> None:
    assert sum(elsewhere._is_file(leaf) for leaf in elsewhere._leaves(body)) == files


def test_places_are_bounded_for_an_account_and_for_all_and_given_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(places, "CALLS_LIMIT", 2)
    monkeypatch.setattr(places, "ACCOUNT_CALLS_LIMIT", 1)
    taken = Places()
    with taken.one("gmail ann"), taken.one("gmail bob"):
        for full in ("gmail ann", "gmail carl"):
            with pytest.raises(Throttled), taken.one(full):
                pass
    with taken.one("gmail ann"), taken.one("gmail carl"):
        pass


def test_a_lent_account_shows_no_token() -> None:
    way = Transport(Server("imap.example", 993), "ann@gmail.example", AuthConfig(oauth_token="hush"))
    assert "hush" not in repr(Lent("ann@gmail.example", "gmail", way, way))

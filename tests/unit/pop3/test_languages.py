"""RFC 6856 section 3."""

from __future__ import annotations

import pytest

from mailkeep.pop3.languages import UnknownLanguage, choose_language, language_lines


@pytest.mark.parametrize(
    ("wanted", "tag"), [("*", "i-default"), ("en", "en"), ("EN-gb", "en"), ("i-default", "i-default")]
)
def test_lookup(wanted: str, tag: str) -> None:
    assert choose_language(wanted) == tag


@pytest.mark.parametrize("wanted", ["de", "de-en", "i", "english"])
def test_languages_that_are_not_there(wanted: str) -> None:
    with pytest.raises(UnknownLanguage):
        choose_language(wanted)


def test_the_listing_has_a_tag_and_a_name_on_each_line() -> None:
    assert language_lines() == ["i-default Default language", "en English"]

"""SORT (RFC 5256, RFC 5957, RFC 5267)."""

from __future__ import annotations

import pytest
from tests.support.imap_parsing import parsed, refused

from mailkeep.imap.commands.search import PlainKey, SearchOptions, SearchReturn, TextField, TextKey
from mailkeep.imap.commands.sort import Sort, SortCriterion, SortField
from mailkeep.imap.errors import BadCharset


def test_sort_rfc5256_3() -> None:
    assert parsed('SORT (SUBJECT REVERSE DATE) UTF-8 TEXT "x"') == Sort(
        "A",
        (SortCriterion(SortField.SUBJECT), SortCriterion(SortField.DATE, reverse=True)),
        "UTF-8",
        (TextKey(TextField.TEXT, "x"),),
    )


@pytest.mark.parametrize("field", list(SortField))
def test_every_field_has_its_word(field: SortField) -> None:
    assert parsed(f"UID SORT ({field.value.lower()}) US-ASCII ALL") == Sort(
        "A", (SortCriterion(field),), "US-ASCII", (PlainKey.ALL,), uid=True
    )


def test_return_options_rfc5267_3() -> None:
    assert parsed("SORT RETURN (COUNT) (ARRIVAL) UTF-8 ALL") == Sort(
        "A",
        (SortCriterion(SortField.ARRIVAL),),
        "UTF-8",
        (PlainKey.ALL,),
        options=SearchOptions((SearchReturn.COUNT,)),
    )


def test_a_charset_must_be_named_and_known() -> None:
    refused("SORT (DATE) KOI-9 ALL", BadCharset)
    refused("SORT (DATE) UTF-8")


@pytest.mark.parametrize("criteria", ["()", "DATE", "(REVERSE)", "(DATE REVERSE)", "(BEAUTY)", "(DATE,SIZE)"])
def test_what_is_no_criterion(criteria: str) -> None:
    refused(f"SORT {criteria} UTF-8 ALL")

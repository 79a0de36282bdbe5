"""Rights as sets of letters (RFC 4314 section 2)."""

from __future__ import annotations

import pytest

from mailkeep.errors import InvalidName
from mailkeep.model.flags import EVERY_FLAG, FlagMask, SystemFlag
from mailkeep.model.rights import (
    ALL,
    NONE,
    RightsAction,
    RightsChange,
    changeable_flags,
    parse_rights,
    rights_text,
    shown_rights,
)


def test_obsolete_rights_rfc4314_2_1_1() -> None:
    assert parse_rights("c") == parse_rights("kx")
    assert parse_rights("d") == parse_rights("te")
    assert shown_rights(parse_rights("lr")) == "lr"
    assert shown_rights(parse_rights("lrk")) == "lrkc"
    assert shown_rights(parse_rights("te")) == "ted"
    assert shown_rights(ALL) == "lrswipkxteacd"


@pytest.mark.parametrize("text", ["q", "L", "1", "lr w", "+l", "é"])
def test_what_is_no_right(text: str) -> None:
    with pytest.raises(InvalidName):
        parse_rights(text)


def test_changes() -> None:
    before = parse_rights("lr")
    assert rights_text(RightsChange(RightsAction.SET, parse_rights("wa")).apply(before)) == "wa"
    assert rights_text(RightsChange(RightsAction.ADD, parse_rights("rw")).apply(before)) == "lrw"
    assert RightsChange(RightsAction.REMOVE, ALL).apply(before) == NONE


def test_flags_that_may_be_changed_rfc4314_4() -> None:
    assert changeable_flags(ALL) is EVERY_FLAG
    assert changeable_flags(parse_rights("stw")) is EVERY_FLAG
    assert changeable_flags(parse_rights("lrs")) == FlagMask(SystemFlag.SEEN, keywords=False)
    assert changeable_flags(parse_rights("t")) == FlagMask(SystemFlag.DELETED, keywords=False)
    assert changeable_flags(parse_rights("w")) == FlagMask(
        SystemFlag.ANSWERED | SystemFlag.FLAGGED | SystemFlag.DRAFT, keywords=True
    )

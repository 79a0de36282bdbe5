"""Names of annotations (RFC 5464 section 3.2)."""

from __future__ import annotations

import pytest

from mailkeep.model.annotations import Depth, chosen, is_private, may_have_value, normal_entry


@pytest.mark.parametrize("name", ["/shared/comment", "/private/vendor/cmu/a b", "/private", "/shared/x/y/z"])
def test_names(name: str) -> None:
    assert normal_entry(name) == name
    assert normal_entry(name.upper()) == name


@pytest.mark.parametrize(
    "name",
    [
        "",
        "/",
        "comment",
        "/comment",
        "/sharedx/comment",
        "/shared/",
        "/shared//a",
        "/shared/a*",
        "/shared/%",
        "/shared/a\tb",
        "/shared/ä",
        "/shared/a\n",
        "/shared/\N{KELVIN SIGN}",
        "/shared/" + "a" * 250,
    ],
)
def test_what_is_no_name(name: str) -> None:
    assert normal_entry(name) is None


def test_scopes_and_vendors_have_no_value_of_their_own() -> None:
    assert not any(map(may_have_value, ("/shared", "/private/vendor", "/shared/vendor/x")))
    assert all(map(may_have_value, ("/shared/a", "/private/vendor/x/y", "/shared/vendors")))


def test_depths_rfc5464_4_2_2() -> None:
    there = ["/private/a", "/private/a/b", "/private/a/b/c", "/private/ab"]
    assert chosen(there, ["/private/a"], Depth.NAME) == ["/private/a"]
    assert chosen(there, ["/private/a"], Depth.CHILDREN) == ["/private/a", "/private/a/b"]
    assert chosen(there, ["/private/a"], Depth.ALL) == there[:3]
    assert chosen(there, ["/private"], Depth.ALL) == there
    assert chosen(there, ["/shared"], Depth.ALL) == []


def test_who_sees_what() -> None:
    assert is_private("/private/a")
    assert not is_private("/shared/private")

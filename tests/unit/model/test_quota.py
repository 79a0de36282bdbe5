"""What an account may hold."""

from __future__ import annotations

import pytest

from mailkeep.errors import NeverFits, OverQuota
from mailkeep.model.quota import DefaultLimits, Limits, Quota


def test_an_account_has_its_own_limits_or_the_defaults() -> None:
    defaults = DefaultLimits(claimed=Limits(100, 10), unclaimed=Limits(5, 1))
    assert defaults.of(claimed=True, storage=None, messages=None) == Limits(100, 10)
    assert defaults.of(claimed=False, storage=None, messages=None) == Limits(5, 1)
    assert defaults.of(claimed=True, storage=7, messages=0) == Limits(7, 0)


def test_room_is_what_is_left() -> None:
    quota = Quota(60, 3, Limits(100, 4))
    quota.require(40)
    with pytest.raises(OverQuota, match="60 of 100 octets"):
        quota.require(41)
    with pytest.raises(OverQuota, match="3 of 4 messages"):
        quota.require(2, 2)


def test_what_never_fits_is_told_apart() -> None:
    with pytest.raises(NeverFits):
        Quota(0, 0, Limits(100)).require(101)


def test_without_a_limit_there_is_always_room() -> None:
    assert not Limits()
    Quota(1 << 50, 1 << 40, Limits()).require(1 << 50)

"""The policy that we publish is one that we would follow."""

from __future__ import annotations

import pytest

from mailkeep.smtp.mta_sts import parse_policy, record_id
from mailkeep.smtp.sts_policy import MAX_AGE_SECONDS, Mode, policy_id, policy_text


@pytest.mark.parametrize("mode", ["none", "testing", "enforce"])
def test_it_is_read_as_it_is_meant(mode: Mode) -> None:
    found = parse_policy(policy_text(mode, "mail.example.org"))
    assert found is not None
    assert (found.mode.value, found.max_age) == (mode, MAX_AGE_SECONDS)


def test_the_id_changes_with_the_policy() -> None:
    first, second = (policy_id(policy_text(mode, "mail.example.org")) for mode in ("testing", "enforce"))
    assert first != second
    assert record_id([f"v=STSv1; id={first}".encode()]) == first

"""MTA-STS: RFC 8461's record and policy, and what is neither."""

from __future__ import annotations

import pytest

from mailkeep.smtp.mta_sts import MAX_AGE, Mode, Policy, parse_policy, record_id

EXAMPLE = """\
version: STSv1
mode: enforce
mx: mail.example.com
mx: *.example.net
mx: backupmx.example.com
max_age: 604800
"""


@pytest.mark.parametrize(
    ("records", "id"),
    [
        ([b"v=STSv1; id=20160831085700Z;"], "20160831085700Z"),  # section 3.1
        ([b"v=STSv1;id=a"], "a"),
        ([b"v=spf1 -all", b"v=STSv1; id=a;"], "a"),
        ([b"v=STSv1; id=a;", b"v=STSv1; id=b;"], None),
        ([b"v=STSv1; id=;"], None),
        ([b"v=STSv1;"], None),
        ([b"v=STSv1; id=a-b;"], None),
        ([b"V=STSv1; id=a;"], None),
        ([], None),
    ],
)
def test_records(records: list[bytes], id: str | None) -> None:
    assert record_id(records) == id


def test_the_example_of_section_3_2() -> None:
    mx = ("mail.example.com", "*.example.net", "backupmx.example.com")
    assert parse_policy(EXAMPLE) == Policy(Mode.ENFORCE, mx, 604800)
    assert parse_policy(EXAMPLE.replace("\n", "\r\n") + "unknown: field\r\n") == parse_policy(EXAMPLE)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "<html>not found</html>",
        EXAMPLE.replace("STSv1", "STSv2"),
        EXAMPLE.replace("enforce", "force"),
        EXAMPLE.replace("604800", "soon"),
        EXAMPLE.replace("max_age: 604800", ""),
        "version: STSv1\nmode: enforce\nmax_age: 1\n",
        EXAMPLE + "mx: a.example\n" * 300,
    ],
)
def test_what_is_no_policy(text: str) -> None:
    assert parse_policy(text) is None


def test_a_policy_may_take_itself_back() -> None:
    assert parse_policy("version: STSv1\nmode: none\nmax_age: 99999999999") is None
    assert parse_policy("version: STSv1\nmode: none\nmax_age: 9999999999") == Policy(Mode.NONE, (), MAX_AGE)


@pytest.mark.parametrize(
    ("host", "named"),
    [
        ("mail.example.com", True),
        ("MAIL.example.com", True),
        ("a.example.net", True),
        ("a.b.example.net", False),
        ("example.net", False),
        (".example.net", False),
        ("mail.example.com.evil.test", False),
    ],
)
def test_servers(host: str, named: bool) -> None:
    policy = parse_policy(EXAMPLE)
    assert policy is not None
    assert policy.names(host) is named

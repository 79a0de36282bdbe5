"""GETQUOTA, GETQUOTAROOT, SETQUOTA."""

from __future__ import annotations

import pytest
from tests.support.imap_parsing import parsed, refused

from mailkeep.imap.commands.quota import GetQuota, GetQuotaRoot, SetQuota
from mailkeep.imap.response_decoder import decode
from mailkeep.imap.responses import QuotaData, QuotaResource, QuotaRootData


def test_get_quota_rfc9208_4_2() -> None:
    assert parsed('GETQUOTA "!partition/sda4"') == GetQuota("A", "!partition/sda4")
    assert parsed('GETQUOTA ""') == GetQuota("A", "")


def test_get_quota_root_rfc9208_4_3() -> None:
    assert parsed("GETQUOTAROOT inbox") == GetQuotaRoot("A", "INBOX")


def test_set_quota_rfc9208_4_4() -> None:
    assert parsed('SETQUOTA "" (STORAGE 512)') == SetQuota("A", "", (("STORAGE", 512),))
    assert parsed("SETQUOTA x (message 1 Storage 2)") == SetQuota("A", "x", (("MESSAGE", 1), ("STORAGE", 2)))
    assert parsed('SETQUOTA "" ()') == SetQuota("A", "", ())


@pytest.mark.parametrize(
    "line",
    [
        "GETQUOTA",
        "GETQUOTA a b",
        "GETQUOTAROOT",
        "GETQUOTAROOT a b",
        'SETQUOTA ""',
        'SETQUOTA "" STORAGE 1',
        'SETQUOTA "" (STORAGE)',
        'SETQUOTA "" (STORAGE -1)',
        'SETQUOTA "" (STORAGE 9223372036854775808)',
        'SETQUOTA "" (STORAGE 1',
    ],
)
def test_what_is_none_of_them(line: str) -> None:
    refused(line)


def test_responses() -> None:
    quota = QuotaData("", (QuotaResource("STORAGE", 10, 512), QuotaResource("MESSAGE", 20, 100)))
    assert quota.encode() == b'* QUOTA "" (STORAGE 10 512 MESSAGE 20 100)\r\n'
    assert decode(b"* QUOTA x ()\r\n") == QuotaData("x", ())
    roots = QuotaRootData("INBOX", ("", "#user/alice"))
    assert roots.encode() == b'* QUOTAROOT INBOX "" #user/alice\r\n'
    assert decode(b"* QUOTAROOT comp.mail.mime\r\n") == QuotaRootData("comp.mail.mime")

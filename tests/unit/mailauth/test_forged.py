"""Authentication-Results of others: which are taken away."""

from __future__ import annotations

import pytest

from mailkeep.mailauth.forged import without_forged

HOST = "mx.example.test"


@pytest.mark.parametrize(
    "value",
    [
        "mx.example.test; spf=pass",
        "mx.example.test; none",
        "MX.Example.Test 1; dmarc=pass",
        "mx.example.test.; spf=pass",
        '"mx.example.test"; spf=pass',
        '"mx\\.example.test"; spf=pass',
        "(a (nested) comment) mx.example.test (another); spf=pass",
        "\r\n\tmx.example.test;\r\n\tspf=pass",
        "mx.example.test",
        ";mx.example.test",
    ],
)
def test_fields_that_claim_to_be_ours_go(value: str) -> None:
    """RFC 8601 section 5."""
    header = f"Subject: x\r\nAuthentication-Results: {value}\r\nTo: y\r\n\r\n".encode()
    assert without_forged(header, HOST) == b"Subject: x\r\nTo: y\r\n\r\n"
    spaced = header.replace(b"Authentication-Results:", b"AUTHENTICATION-RESULTS :")
    assert without_forged(spaced, HOST) == b"Subject: x\r\nTo: y\r\n\r\n"


@pytest.mark.parametrize(
    "value", ["other.test; spf=pass", "notmx.example.test; spf=pass", "other.test (mx.example.test); none"]
)
def test_fields_of_others_stay(value: str) -> None:
    header = f"Authentication-Results: {value}\r\nX-Authentication-Results: mx.example.test\r\n\r\n".encode()
    assert without_forged(header, HOST) is header or without_forged(header, HOST) == header

"""The one mapping of errors to answers (RFC 9051 section 7.1, RFC 5530)."""

from __future__ import annotations

import pytest

from mailkeep import errors
from mailkeep.imap import codes
from mailkeep.imap import errors as imap


@pytest.mark.parametrize(
    ("error", "condition", "code"),
    [
        (errors.MailboxNotFound("x"), b"NO", b"NONEXISTENT"),
        (errors.NotFound("x"), b"NO", b"NONEXISTENT"),
        (errors.AlreadyExists("x"), b"NO", b"ALREADYEXISTS"),
        (errors.InUse("x"), b"NO", b"INUSE"),
        (errors.InvalidName("x"), b"NO", b"CANNOT"),
        (errors.OverQuota("x"), b"NO", b"OVERQUOTA"),
        (errors.TooLarge("x"), b"NO", b"TOOBIG"),
        (errors.PermissionRefused("x"), b"NO", b"NOPERM"),
        (errors.AuthenticationFailed("x"), b"NO", b"AUTHENTICATIONFAILED"),
        (errors.ScopeMissing("x"), b"NO", b"AUTHORIZATIONFAILED"),
        (errors.Throttled("x"), b"NO", b"LIMIT"),
        (errors.TooManyConnections("x"), b"NO", b"LIMIT"),
        (errors.LimitExceeded("x"), b"NO", b"LIMIT"),
        (errors.RelayDenied("x"), b"NO", b""),
        (errors.PeerError("x"), b"BAD", b""),
        (imap.ImapSyntaxError("x"), b"BAD", b""),
        (imap.UnknownCommand("x"), b"BAD", b""),
        (imap.WrongState("x"), b"BAD", b""),
        (imap.ImapLimitExceeded("x"), b"BAD", b""),
        (imap.LiteralTooLarge("x"), b"NO", b"TOOBIG"),
        (imap.MailboxNameInvalid("x"), b"NO", b"CANNOT"),
    ],
)
def test_a_refusal_has_its_code_and_its_own_sentence(
    error: errors.MailkeepError, condition: bytes, code: bytes
) -> None:
    assert codes.refusal(error) == (condition, code, "x")
    assert not codes.is_fault(error)


def test_a_missing_target_may_be_created_rfc9051_6_3_12() -> None:
    error = errors.MailboxNotFound("There is no such mailbox.")
    assert codes.refusal(error, creates=True)[1] == b"TRYCREATE"


def test_a_bad_charset_is_told_the_good_ones_rfc9051_7_1() -> None:
    condition, code, _ = codes.refusal(imap.BadCharset("x"))
    assert (condition, code[:28]) == (b"NO", b"BADCHARSET (US-ASCII UTF-8 I")


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (errors.StoreUnavailable("pg at 10.0.0.7 says no"), b"UNAVAILABLE"),
        (errors.IssuerUnavailable("https://id.example.test is away"), b"UNAVAILABLE"),
        (errors.StoreCorrupt("blob 17"), b"CORRUPTION"),
        (errors.Fault("x"), b"SERVERBUG"),
        (KeyError("secret"), b"SERVERBUG"),
    ],
)
def test_a_fault_says_nothing_of_its_cause(fault: Exception, code: bytes) -> None:
    condition, found, text = codes.refusal(fault, "c0ffee")
    assert (condition, found) == (b"NO", code)
    assert str(fault) not in text
    assert "c0ffee" in text
    assert codes.is_fault(fault)


# Relaying and accounts elsewhere have errors of their own, which no IMAP session meets.
MET_HERE = ("mailkeep.errors", "mailkeep.imap", "mailkeep.storage", "mailkeep.auth", "mailkeep_imap")


def test_every_domain_error_has_an_answer_that_can_be_sent() -> None:
    kinds = [errors.MailkeepError]
    for kind in kinds:
        kinds.extend(kind.__subclasses__())
        if not kind.__module__.startswith(MET_HERE):
            continue
        condition, code, text = codes.refusal(kind("why"))
        assert condition in (b"NO", b"BAD")
        assert text
        assert b"]" not in code

"""Every domain error has its -ERR line, and no fault shows its cause."""

from __future__ import annotations

import pytest

from mailkeep import errors
from mailkeep.pop3.errors import LineTooLong, PrivacyNeeded
from mailkeep.pop3.mapping import is_fault, reply_to


@pytest.mark.parametrize(
    ("error", "reply"),
    [
        (LineTooLong("The line is too long."), b"-ERR The line is too long.\r\n"),
        (errors.AuthenticationFailed("why"), b"-ERR [AUTH] Authentication failed.\r\n"),
        (errors.ScopeMissing("why"), b"-ERR [AUTH] This credential does not open POP3.\r\n"),
        (errors.Throttled("why"), b"-ERR [LOGIN-DELAY] Too many attempts; try again later.\r\n"),
        (PrivacyNeeded("Start TLS first."), b"-ERR [AUTH] Start TLS first.\r\n"),
        (errors.InUse("why"), b"-ERR [IN-USE] Another session has the maildrop open.\r\n"),
        (errors.NotFound("why"), b"-ERR No such message.\r\n"),
        (errors.MailboxNotFound("why"), b"-ERR [SYS/TEMP] The maildrop is gone.\r\n"),
        (errors.TooManyConnections("why"), b"-ERR [SYS/TEMP] Too many connections; try again later.\r\n"),
        (errors.PermissionRefused("Not today."), b"-ERR Not today.\r\n"),
        (
            errors.StoreUnavailable("SELECT secret"),
            b"-ERR [SYS/TEMP] The mail store does not answer; try again later.\r\n",
        ),
        (errors.StoreCorrupt("path"), b"-ERR [SYS/PERM] The message cannot be read (c0ffee).\r\n"),
        (errors.Fault("path"), b"-ERR [SYS/TEMP] Something went wrong here (c0ffee); try again later.\r\n"),
        (KeyError("secret"), b"-ERR [SYS/TEMP] Something went wrong here (c0ffee); try again later.\r\n"),
    ],
)
def test_replies(error: Exception, reply: bytes) -> None:
    assert reply_to(error, "c0ffee") == reply


def test_only_faults_are_logged_with_their_cause() -> None:
    assert is_fault(KeyError("x"))
    assert is_fault(errors.StoreUnavailable("x"))
    assert not is_fault(errors.AuthenticationFailed("x"))
    assert not is_fault(LineTooLong("x"))

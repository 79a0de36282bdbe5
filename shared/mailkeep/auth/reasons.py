"""Why an attempt was refused: for the audit log alone. The peer hears one sentence for all but SCOPE."""

from __future__ import annotations

from enum import StrEnum
from uuid import UUID


class Reason(StrEnum):
    """Stored in audit rows: never rename."""

    EMPTY = "empty"
    NOT_A_KEY = "not_a_key"
    CHECKSUM = "checksum"
    UNKNOWN_PREFIX = "unknown_prefix"
    WRONG_SECRET = "wrong_secret"  # noqa: S105  a reason, not a secret
    REVOKED = "revoked"
    EXPIRED = "expired"
    NETWORK = "network"
    USER_DISABLED = "user_disabled"
    USER_GONE = "user_gone"
    IDENTITY = "identity"
    AUTHORIZATION_IDENTITY = "authorization_identity"
    SCOPE = "scope"
    THROTTLED = "throttled"
    STORE_UNAVAILABLE = "store_unavailable"
    ABANDONED = "abandoned"  # the client left before it had its answer
    FAULT = "fault"  # ours; the log record has the cause


class Refused(Exception):
    """The attempt failed, as `auth` knows it inside. Never leaves the package."""

    def __init__(self, reason: Reason, key_id: UUID | None = None, user_id: UUID | None = None) -> None:
        super().__init__(reason.value)
        self.reason = reason
        self.key_id = key_id
        self.user_id = user_id

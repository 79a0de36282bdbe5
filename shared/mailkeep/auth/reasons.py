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
    TOKEN_MALFORMED = "token_malformed"  # noqa: S105
    TOKEN_ALGORITHM = "token_algorithm"  # noqa: S105
    TOKEN_ISSUER = "token_issuer"  # noqa: S105
    TOKEN_AUDIENCE = "token_audience"  # noqa: S105
    TOKEN_CLAIMS = "token_claims"  # noqa: S105
    TOKEN_NOT_YET = "token_not_yet_valid"  # noqa: S105
    TOKEN_KEY = "token_key_unknown"  # noqa: S105
    TOKEN_SIGNATURE = "token_signature"  # noqa: S105
    TOKEN_INACTIVE = "token_inactive"  # noqa: S105
    TOKEN_SIGNED_OUT = "token_signed_out"  # noqa: S105
    EMAIL_MISSING = "email_missing"
    EMAIL_UNVERIFIED = "email_unverified"
    EMAIL_DOMAIN = "email_domain"
    EMAIL_TAKEN = "email_taken"
    THROTTLED = "throttled"
    STORE_UNAVAILABLE = "store_unavailable"
    ISSUER_UNAVAILABLE = "issuer_unavailable"
    ABANDONED = "abandoned"  # the client left before it had its answer
    FAULT = "fault"  # ours; the log record has the cause


class Refused(Exception):
    """The attempt failed, as `auth` knows it inside. Never leaves the package."""

    def __init__(self, reason: Reason, key_id: UUID | None = None, user_id: UUID | None = None) -> None:
        super().__init__(reason.value)
        self.reason = reason
        self.key_id = key_id
        self.user_id = user_id

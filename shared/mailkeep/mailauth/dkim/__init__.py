"""DKIM (RFC 6376, with the algorithms of RFC 8301 and RFC 8463): signatures over header fields and a body."""

from mailkeep.mailauth.dkim.sign import SigningKey, sign
from mailkeep.mailauth.dkim.verify import DkimResult, verify

__all__ = ["DkimResult", "SigningKey", "sign", "verify"]

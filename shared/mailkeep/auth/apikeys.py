"""API keys as text: how they are made, recognised and hashed.

    mk_3Xk09qRtZ_<43 characters of secret><6 of checksum>

The alphabet is base62, for three reasons: a double click selects all of it (base64url's "-" ends a word),
"_" can only be a separator, and 43 characters of it still hold 256 bits (62 ** 43 > 2 ** 256). The first
12 characters are the prefix: no secret, stored in clear, indexed. The checksum is CRC-32, which finds
every single wrong character and every exchanged pair: a typo costs no lookup and no bcrypt. The whole
key has 62 octets, under the 72 that bcrypt reads.
"""

from __future__ import annotations

import re
import secrets
import string
import zlib

import bcrypt

from mailkeep.errors import SettingsError, StoreCorrupt

ALPHABET = string.digits + string.ascii_uppercase + string.ascii_lowercase
MARK = "mk_"
PREFIX_LENGTH = 12  # MARK and 9 characters: 53 bits, so that a clash among millions is an event
SECRET_LENGTH = 43
CHECKSUM_LENGTH = 6  # 62 ** 6 > 2 ** 32
KEY_LENGTH = PREFIX_LENGTH + 1 + SECRET_LENGTH + CHECKSUM_LENGTH
COST_RANGE = range(4, 15)  # bcrypt's lowest, and what still verifies in about a second

_KEY = re.compile(rf"mk_[0-9A-Za-z]{{9}}_[0-9A-Za-z]{{{SECRET_LENGTH + CHECKSUM_LENGTH}}}\Z")


def generate() -> str:
    """A new key."""
    prefix = MARK + _random(PREFIX_LENGTH - len(MARK))
    body = f"{prefix}_{_random(SECRET_LENGTH)}"
    return body + checksum(body)


def checksum(body: str) -> str:
    """Six characters over everything before them."""
    value = zlib.crc32(body.encode("ascii"))
    digits = []
    for _ in range(CHECKSUM_LENGTH):
        value, digit = divmod(value, len(ALPHABET))
        digits.append(ALPHABET[digit])
    return "".join(reversed(digits))


def looks_like_key(text: str) -> bool:
    """True if it has a key's form, whatever its checksum says. Tokens of issuers never have."""
    return _KEY.match(text) is not None


def is_whole(text: str) -> bool:
    """True if it has a key's form and its checksum is right: then it is worth a lookup."""
    return looks_like_key(text) and checksum(text[:-CHECKSUM_LENGTH]) == text[-CHECKSUM_LENGTH:]


def prefix_of(api_key: str) -> str:
    """The part that may be shown, stored and logged."""
    return api_key[:PREFIX_LENGTH]


def check_cost(cost: int) -> int:
    """The cost, if it is one to use. Raises SettingsError."""
    if cost not in COST_RANGE:
        low, high = COST_RANGE[0], COST_RANGE[-1]
        raise SettingsError(f"[auth] bcrypt_cost is {cost}; it should be from {low} to {high}.")
    return cost


def hash_key(api_key: str, cost: int) -> bytes:
    """The bcrypt hash to store. Blocks for milliseconds: call it in a thread."""
    return bcrypt.hashpw(api_key.encode("ascii"), bcrypt.gensalt(cost))


def matches(api_key: str, stored_hash: bytes) -> bool:
    """True if the hash was made of this key; compares in constant time. Blocks: call it in a thread.

    Raises StoreCorrupt for what is no bcrypt hash.
    """
    try:
        return bcrypt.checkpw(api_key.encode("ascii"), stored_hash)
    except ValueError:
        raise StoreCorrupt("The hash of a stored key cannot be read.") from None


def _random(length: int) -> str:
    return "".join(secrets.choice(ALPHABET) for _ in range(length))

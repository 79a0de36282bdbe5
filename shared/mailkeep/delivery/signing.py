"""Signing what our users send (RFC 6376 section 5), once for each key of the author's domain, and sealing
what our aliases pass on (RFC 8617).

Keys are read in a thread and remembered for KEYS_SECONDS, so that one that is added or removed counts soon on
every host, and no message waits for a disk.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from mailkeep.delivery.dkim_keys import DkimKeyFiles
from mailkeep.mailauth.message import CheckedMessage

if TYPE_CHECKING:
    from mailkeep.mailauth.arc import ArcResult
    from mailkeep.mailauth.dkim import SigningKey

KEYS_SECONDS = 10.0
DOMAINS_REMEMBERED = 1000


class Signer:
    """One a process."""

    def __init__(self, files: DkimKeyFiles) -> None:
        self._files = files
        self._keys: dict[str, tuple[float, list[SigningKey]]] = {}

    async def sign(self, domain: str, message: CheckedMessage) -> bytes:
        """DKIM-Signature fields to stand above the message; b"" if the domain has no key. Raises as the
        message's `hash_bodies` does."""
        keys = await self._keys_of(domain)
        if not keys:
            return b""
        from mailkeep.mailauth.dkim import sign  # noqa: PLC0415  loaded with the keys
        from mailkeep.mailauth.dkim.sign import BODY_FORM  # noqa: PLC0415

        body = (await message.hash_bodies([BODY_FORM]))[BODY_FORM]
        now = int(time.time())
        return b"".join([sign(message.fields, body, key, now) for key in keys])

    async def seal(self, domain: str, message: CheckedMessage, chain: ArcResult, results: bytes) -> bytes:
        """The ARC set to stand above the message, with the domain's first RSA key, or else its first one; b""
        without a key, or if no set may follow. Raises as the message's `hash_bodies` does."""
        keys = await self._keys_of(domain)
        if not keys:
            return b""
        from mailkeep.mailauth.dkim.sign import BODY_FORM  # noqa: PLC0415
        from mailkeep.mailauth.seal import Seen, seal  # noqa: PLC0415

        # RSA is what every verifier knows (RFC 8463 section 1), and there is room for one seal.
        key = next((one for one in keys if one.algorithm.startswith("rsa")), keys[0])
        body = (await message.hash_bodies([BODY_FORM]))[BODY_FORM]
        return seal(message, body, key, int(time.time()), Seen(chain, results))

    async def _keys_of(self, domain: str) -> list[SigningKey]:
        known = self._keys.get(domain)
        if known is not None and known[0] > time.monotonic():
            return known[1]
        keys = await asyncio.to_thread(self._files.load, domain)
        if len(self._keys) >= DOMAINS_REMEMBERED:
            self._keys.clear()
        self._keys[domain] = (time.monotonic() + KEYS_SECONDS, keys)
        return keys

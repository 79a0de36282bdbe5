"""Sign-ins under way: what we must remember between sending a browser away and seeing it come back.

Each is found by its `state`, once: whoever comes back with it, rightly or not, uses it up. It dies after five
minutes, and belongs to the browser that began it, by a cookie of which only a digest is kept.
"""

from __future__ import annotations

import hashlib
import secrets
from base64 import urlsafe_b64encode
from collections import Counter, OrderedDict
from dataclasses import dataclass, field
from hmac import compare_digest

ATTEMPT_SECONDS = 300.0
ATTEMPTS_LIMIT = 10_000
ATTEMPTS_PER_NETWORK = 50
WORD_OCTETS = 32  # 256 random bits: RFC 6749 section 10.10, RFC 7636 section 7.1


def random_word() -> str:
    """43 characters of base64url that nobody guesses."""
    return secrets.token_urlsafe(WORD_OCTETS)


@dataclass(frozen=True, slots=True)
class Attempt:
    """One sign-in under way. `began_at` is on the clock of `Attempts`."""

    provider: str
    return_to: str
    network: str
    began_at: float
    browser_digest: bytes = field(repr=False)
    state: str = field(default_factory=random_word, repr=False)
    verifier: str = field(default_factory=random_word, repr=False)
    nonce: str = field(default_factory=random_word, repr=False)

    @property
    def challenge(self) -> str:
        """RFC 7636 section 4.2, S256."""
        return urlsafe_b64encode(hashlib.sha256(self.verifier.encode()).digest()).rstrip(b"=").decode()

    def is_of(self, browser: str) -> bool:
        """True for the browser that began it."""
        return compare_digest(self.browser_digest, digest_of(browser))


class Attempts:
    """Bounded: of more than fit, the oldest goes, first of the network that has too many."""

    def __init__(self) -> None:
        self._by_state: OrderedDict[bytes, Attempt] = OrderedDict()
        self._networks: Counter[str] = Counter()

    def __len__(self) -> int:
        return len(self._by_state)

    def begin(self, attempt: Attempt) -> None:
        """Remember it."""
        if self._networks[attempt.network] >= ATTEMPTS_PER_NETWORK:
            self._forget(next(key for key, one in self._by_state.items() if one.network == attempt.network))
        elif len(self._by_state) >= ATTEMPTS_LIMIT:
            self._forget(next(iter(self._by_state)))
        self._by_state[digest_of(attempt.state)] = attempt
        self._networks[attempt.network] += 1

    def take(self, state: str, now: float) -> Attempt | None:
        """The attempt of this state, which is used up by it; None if there is none or it is too old."""
        found = self._forget(digest_of(state))
        return found if found is not None and now - found.began_at <= ATTEMPT_SECONDS else None

    def clean(self, now: float) -> None:
        """Forget those who never came back."""
        while self._by_state:
            key, oldest = next(iter(self._by_state.items()))
            if now - oldest.began_at <= ATTEMPT_SECONDS:
                return
            self._forget(key)

    def _forget(self, key: bytes) -> Attempt | None:
        found = self._by_state.pop(key, None)
        if found is not None:
            self._networks[found.network] -= 1
            if not self._networks[found.network]:
                del self._networks[found.network]
        return found


def digest_of(word: str) -> bytes:
    """What is kept and looked up in place of a word that opens something."""
    return hashlib.sha256(word.encode()).digest()

"""The one door: every host turns what a client presents into a principal here, and nowhere else.

`Authenticator` verifies and watches; `KeyService` makes, lists and revokes keys. Nothing else in the tree
reads the key table. A refusal tells the peer one of two things, wrong or not made for this host; why is
for the audit log.
"""

from __future__ import annotations

from mailkeep.auth.authenticator import Authenticator
from mailkeep.auth.keyservice import CreatedKey, KeyInfo, KeyLimits, KeyService

__all__ = ["Authenticator", "CreatedKey", "KeyInfo", "KeyLimits", "KeyService"]

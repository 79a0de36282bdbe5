"""Which keys may send as all of a domain, as settings name them."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from mailkeep.errors import InvalidName
from mailkeep.model.address import normal_domain


def parse_send_as(texts: tuple[str, ...]) -> Mapping[UUID, frozenset[str]]:
    """Domains by key id, from "id=domain". Raises ValueError with a sentence that names the setting."""
    found: dict[UUID, frozenset[str]] = {}
    for text in texts:
        key, equals, domain = (part.strip() for part in text.partition("="))
        try:
            if not equals:
                raise ValueError
            key_id, name = UUID(key), normal_domain(domain)
        except (ValueError, InvalidName):
            raise ValueError(f"send_as: '{text}' is not a key's id, an equals sign and a domain") from None
        found[key_id] = found.get(key_id, frozenset()) | {name}
    return found

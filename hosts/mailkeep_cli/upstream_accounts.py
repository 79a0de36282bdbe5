"""What the commands about accounts elsewhere share."""

from __future__ import annotations

from mailkeep.errors import InUse, NotFound
from mailkeep.model.upstream import UpstreamRecord
from mailkeep.storage.interface import Store
from mailkeep.upstream.errors import UpstreamError

HINTS = {
    UpstreamError: "docs/upstream.md says what an account needs.",
    InUse: "Another sync of the account is under way; let it finish.",
}


async def one_account(store: Store, name: str) -> UpstreamRecord:
    """By its name, or by its id where several users have that name. Raises NotFound."""
    found = [record for record in await store.upstreams.list() if name in {record.name, str(record.id)}]
    if not found:
        raise NotFound(f"There is no account elsewhere named {name}.")
    if len(found) > 1:
        raise NotFound(f"Several users have an account named {name}: name it by its id.")
    return found[0]

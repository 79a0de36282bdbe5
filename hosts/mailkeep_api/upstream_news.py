"""Events of accounts elsewhere: one needs a sign-in, something else is wrong, all is well again.

Whichever process notes it, the feed names the user, and each API process tells its own listeners once for
each change of the state.
"""

from __future__ import annotations

from uuid import UUID

from mailkeep.errors import StoreUnavailable
from mailkeep.model.upstream import UpstreamRecord
from mailkeep.net.tasks import TaskRegistry
from mailkeep.observe.logs import get_logger
from mailkeep.storage.interface import Store, TopicKind
from mailkeep.upstream.config import read_config
from mailkeep.upstream.errors import UpstreamError
from mailkeep_api.hub import Hub

TOLD_LIMIT = 10_000  # accounts whose state is remembered; a forgotten one may be told of again

_log = get_logger("api")


class UpstreamNews:
    """One a process. `close` ends it."""

    def __init__(self, store: Store, hub: Hub) -> None:
        self._store = store
        self._hub = hub
        self._told: dict[UUID, str] = {}
        self._tasks = TaskRegistry()
        self._stop = store.feed.watch_kind(TopicKind.UPSTREAM, self._heard)

    async def close(self) -> None:
        """Tell nobody any more."""
        self._stop()
        await self._tasks.close()

    def _heard(self, id: str | None) -> None:
        if id is not None:  # after a gap the pages say how things are
            self._tasks.spawn(self._tell(UUID(id)), f"accounts elsewhere of {id}")

    async def _tell(self, user_id: UUID) -> None:
        try:
            records = await self._store.upstreams.list(user_id)
        except StoreUnavailable as error:
            _log.warning("a change of an account elsewhere could not be told of", error=str(error))
            return
        for record in records:
            if self._told.get(record.id, "") != record.state:
                self._told[record.id] = record.state
                self._hub.publish(user_id, "UpstreamChanged", shown(record))
        while len(self._told) > TOLD_LIMIT:
            del self._told[next(iter(self._told))]


def shown(record: UpstreamRecord) -> dict[str, str]:
    """What its user may see of it; `state` is "ok" or a code of docs/upstream.md."""
    try:
        address = read_config(record.config).address
    except UpstreamError:
        address = ""
    return {
        "id": str(record.id),
        "name": record.name,
        "address": address,
        "state": record.state or "ok",
        "said": record.said,
    }

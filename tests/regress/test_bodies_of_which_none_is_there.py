"""Whole messages are read in batches. One of which all were gone came as an empty batch; FETCH looked at its
last, and answered with a fault instead of EXPUNGEISSUED.
"""

from __future__ import annotations

from mailkeep.storage.interface import Store


async def test_there_is_no_empty_batch(store: Store) -> None:
    assert [batch async for batch in store.messages.body_batches([12345, 12346], [100, 100])] == []

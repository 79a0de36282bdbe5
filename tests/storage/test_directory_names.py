"""A user's name."""

from __future__ import annotations

from uuid import uuid4

import pytest
from tests.storage.making import new_user

from mailkeep.errors import NotFound
from mailkeep.storage.interface import Store


async def test_a_name_is_set_for_its_user_alone(store: Store) -> None:
    alice, bob = await new_user(store, "alice"), await new_user(store, "bob")
    await store.directory.set_name(alice.id, "Ällis \x00")
    found = [await store.directory.user(user.id) for user in (alice, bob)]
    assert [user.name for user in found if user] == ["Ällis \ufffd", "Bob"]


async def test_nobody_has_no_name(store: Store) -> None:
    with pytest.raises(NotFound):
        await store.directory.set_name(uuid4(), "x")

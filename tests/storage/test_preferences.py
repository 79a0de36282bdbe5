"""Preferences: defaults until something is chosen, then a row of one's own."""

from __future__ import annotations

import asyncio
from uuid import UUID, uuid4

import pytest
from tests.storage.making import new_user

from mailkeep.errors import NotFound
from mailkeep.model.preferences import Preferences
from mailkeep.storage.interface import Store


async def test_who_chose_nothing_has_the_defaults(store: Store) -> None:
    user = await new_user(store)
    assert await store.preferences.get(user.id) == Preferences()


async def test_what_is_changed_stays_and_the_rest_too(store: Store) -> None:
    user, other = await new_user(store), await new_user(store, "bob")
    first = await store.preferences.change(user.id, theme="dark", show_preview=False, emails_per_page=50)
    second = await store.preferences.change(user.id, digest_time="07:30:00")
    assert (second.theme, second.show_preview, second.emails_per_page) == ("dark", False, 50)
    assert (second.digest_time, second.default_sort) == ("07:30:00", "receivedAt-desc")
    assert first.id == second.id != UUID(int=0)
    assert await store.preferences.get(user.id) == second
    assert await store.preferences.get(other.id) == Preferences()


async def test_changes_at_the_same_time_are_all_kept(store: Store) -> None:
    user = await new_user(store)
    await asyncio.gather(
        store.preferences.change(user.id, theme="light"),
        store.preferences.change(user.id, display_density="compact"),
        store.preferences.change(user.id, group_by_date=True),
    )
    found = await store.preferences.get(user.id)
    assert (found.theme, found.display_density, found.group_by_date) == ("light", "compact", True)


async def test_nobody_has_no_preferences(store: Store) -> None:
    with pytest.raises(NotFound):
        await store.preferences.change(uuid4(), theme="dark")

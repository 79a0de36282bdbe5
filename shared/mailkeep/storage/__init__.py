"""The mail store: `open_store` and the contract in `interface`. Nothing else of this package is public.

The parts are imported when a store is opened, so that who needs the contract's types alone (the
command line's help, a test of a protocol core) does not pay for the database drivers.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mailkeep.settings import StoreSettings
    from mailkeep.settings_objects import ObjectSettings
    from mailkeep.storage.interface import Store


async def open_store(settings: StoreSettings, objects: ObjectSettings | None = None) -> Store:
    """One process's door to the store, made or migrated first if need be.

    Without `objects` there is no object store. Safe while other processes do the same. Raises
    StoreUnavailable, SettingsError.
    """
    store: Store = await importlib.import_module("mailkeep.storage.opening").open_store(settings, objects)
    return store


async def migrate(settings: StoreSettings) -> None:
    """Make the tables or bring them to this version's. Raises StoreUnavailable, SettingsError."""
    await importlib.import_module("mailkeep.storage.opening").migrate(settings)

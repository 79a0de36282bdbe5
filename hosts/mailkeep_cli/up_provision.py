"""What the first `mailkeep up` makes: a domain, a user with one key, and the hosts' own key.

Each thing is made once. A store that has a domain already is somebody's, and gets no demo. The hosts' own key
is made anew only if its file is gone or the store does not know it, as with another database.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from mailkeep.auth import KeyService
from mailkeep.errors import SettingsError
from mailkeep.model.address import Address
from mailkeep.model.scope import USER_SCOPES, Scope
from mailkeep.settings import Settings, StoreSettings
from mailkeep.storage import open_store
from mailkeep.storage.interface import Store
from mailkeep_cli.up_files import write_private
from mailkeep_cli.up_plan import DEMO_ADDRESS, DEMO_DOMAIN, UpPlan

INTERNAL_KEY_NAME = "mailkeep up"


@dataclass(frozen=True, slots=True)
class Provisioned:
    """The demo's address, if the store has it, and the keys minted just now, shown once."""

    address: str = ""
    api_key: str = field(default="", repr=False)
    internal_key: str = field(default="", repr=False)


async def provision(plan: UpPlan, settings: Settings) -> Provisioned:
    """Make what is missing. Raises StoreUnavailable, SettingsError."""
    store = await open_store(StoreSettings(data_dir=str(plan.data_dir), database=plan.database))
    try:
        keys = KeyService(store, settings.auth)
        internal_key = await _internal_key(plan.internal_key_file, keys)
        address, api_key = await _demo(store, keys) if plan.demo else ("", "")
        return Provisioned(address, api_key, internal_key)
    finally:
        await store.close()


async def _demo(store: Store, keys: KeyService) -> tuple[str, str]:
    """The demo's address and its new key; ("", "") in a store that is not ours to fill."""
    address = Address.parse(DEMO_ADDRESS)
    if await store.directory.user_by_address(address) is not None:
        return DEMO_ADDRESS, ""
    if await store.directory.domains():
        return "", ""
    await store.directory.add_domain(DEMO_DOMAIN)
    user = await store.directory.add_user(address, name="Demo")
    created = await keys.create(user.id, "demo", USER_SCOPES, (), None)
    return DEMO_ADDRESS, created.api_key


async def _internal_key(path: Path, keys: KeyService) -> str:
    """The hosts' own key if it had to be made, else ""."""
    held = _read(path)
    if held and await _is_known(held, keys):
        return ""
    created = await keys.create(None, INTERNAL_KEY_NAME, frozenset({Scope.INTERNAL}), (), None)
    write_private(path, f"{created.api_key}\n")
    return created.api_key


async def _is_known(api_key: str, keys: KeyService) -> bool:
    now = datetime.now(UTC)
    return any(api_key.startswith(key.prefix) and key.is_usable(now) for key in await keys.list())


def _read(path: Path) -> str:
    try:
        return path.read_text("ascii").strip()
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError):
        raise SettingsError(f"The key file '{path}' cannot be read.") from None

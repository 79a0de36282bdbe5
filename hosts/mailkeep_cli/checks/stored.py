"""The database, its tables' version, and the keys in it."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta

from mailkeep.auth.keyservice import KeyInfo, KeyService
from mailkeep.errors import MailkeepError
from mailkeep.model.finding import Finding, failure, ok, warning
from mailkeep.settings import Settings
from mailkeep.storage import open_store
from mailkeep.storage.interface import Store
from mailkeep.storage.migrating import HEAD
from mailkeep.storage.opening import stored_version

SLOW_SECONDS = 0.1
UNUSED = timedelta(days=180)
ENDS_SOON = timedelta(days=14)


async def check(settings: Settings, domains: list[str]) -> AsyncIterator[Finding]:
    """What can be said of the store. The hosted domains are added to `domains`. It migrates nothing."""
    try:
        version = await stored_version(settings.store)
    except MailkeepError as error:
        yield failure("database", str(error), "Check that it runs, and [store] database and its rights.")
        return
    if version is None or version < HEAD:
        yield _behind(version)
        return
    try:
        store = await open_store(settings.store)
    except MailkeepError as error:
        yield failure("migrations", str(error), "Upgrade Mailkeep here as well.")
        return
    if version > HEAD:
        told = f"The tables are at {version}, which is ahead of this Mailkeep's {HEAD} and still serves it."
        yield warning("migrations", told, "Finish the upgrade: restart the hosts with the new version.")
    else:
        yield ok("migrations", f"The tables are at version {HEAD}.")
    try:
        yield await _round_trip(store)
        domains += [domain.name for domain in await store.directory.domains()]
        if not domains:
            yield warning("domains", "No domain is hosted here.", "mailkeep domains add example.org")
        for finding in _keys(await KeyService(store, settings.auth).list()):
            yield finding
    except MailkeepError as error:
        yield failure("database", str(error), "Look at the database's own log.")
    finally:
        await store.close()


def _behind(version: str | None) -> Finding:
    if version is None:
        return failure("migrations", "There is no store yet.", "mailkeep migrate, or name it by --data-dir.")
    return failure("migrations", f"The tables are at {version} and not at {HEAD}.", "mailkeep migrate")


async def _round_trip(store: Store) -> Finding:
    await store.ping()
    began = time.monotonic()
    await store.ping()
    took = time.monotonic() - began
    told = f"The database answers within {took * 1000:.1f} ms."
    if took > SLOW_SECONDS:
        return warning("database", told, "Every command waits for it: bring it nearer, or relieve it.")
    return ok("database", told)


def _keys(keys: Sequence[KeyInfo]) -> list[Finding]:
    now = datetime.now(UTC)
    usable = [key for key in keys if key.is_usable(now)]
    unused = [key for key in usable if (key.last_used_at or key.created_at or now) < now - UNUSED]
    ending = [key for key in usable if key.expires_at and key.expires_at < now + ENDS_SOON]
    findings = []
    if unused:
        sentence = f"{len(unused)} of {len(usable)} API keys were not used for {UNUSED.days} days."
        findings.append(
            warning("keys", sentence, f"mailkeep keys revoke {unused[0].id} and so on; see keys list")
        )
    if ending:
        sentence = f"{len(ending)} API keys end within {ENDS_SOON.days} days."
        findings.append(warning("keys", sentence, "Tell their owners: mailkeep keys list"))
    return findings or [ok("keys", f"{len(usable)} API keys are usable, and none is forgotten.")]

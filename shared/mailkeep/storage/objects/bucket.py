"""The object store itself: put, get, delete, each with a deadline, few repetitions and one kind of failure.

The library is imported when a bucket is opened, so that who has none does without it. Objects are written in
one request, never in parts: what breaks off leaves nothing behind that only the store's owner could find.
"""

from __future__ import annotations

import asyncio
import importlib
import os
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

from mailkeep.errors import SettingsError, StoreCorrupt, StoreUnavailable
from mailkeep.observe import metrics
from mailkeep.observe.logs import get_logger
from mailkeep.settings_objects import ObjectSettings
from mailkeep.storage.objects.place import Place

SENTENCE = "The object store does not answer at present."
NOT_SET = "Content of this store lies in an object store: set [objects] as its hosts have it."
OBJECT_LIMIT = 128 * 1024 * 1024  # octets; larger content stays in the database, for it is put as a whole
PIECE = 4 * 1024 * 1024  # octets that are read at a time when a whole object is
AT_ONCE = 16  # requests of one process; each answer is a few MiB in memory
RETRIES = 2
REASON_LIMIT = 300  # characters of its own words that are logged
SLOWEST = 256 * 1024  # octets in a second that an upload comes to at least

log = get_logger(__name__)


class ObjectMissing(StoreCorrupt):
    """There is no object of that key."""


class Bucket:
    """One process's way to it. Raises SettingsError where the library is not installed."""

    def __init__(self, settings: ObjectSettings) -> None:
        self.settings = settings
        self._library = _library()
        self._seconds = settings.timeout_seconds
        try:
            self._reading = self._made(timedelta(seconds=self._seconds))
            self._writing = self._made(timedelta(seconds=OBJECT_LIMIT / SLOWEST))
        except (self._library.exceptions.BaseError, ValueError):  # what it says may hold the keys
            raise SettingsError("[objects] endpoint, region or ca_file cannot be used.") from None
        self._places = asyncio.Semaphore(AT_ONCE)

    async def put(self, key: str, octets: bytes) -> None:
        """Write one object. Raises StoreUnavailable: then it may be there or not."""
        with self._failures("put"):
            async with asyncio.timeout(self._patience + len(octets) / SLOWEST), self._places:
                await self._library.put_async(self._writing, key, octets, use_multipart=False)

    async def get(self, key: str, start: int, end: int) -> bytes:
        """The octets of a range. Raises ObjectMissing, StoreCorrupt if it ends before, StoreUnavailable."""
        began = time.monotonic()
        with self._failures("get"):
            async with asyncio.timeout(self._patience), self._places:
                got = await self._library.get_range_async(self._reading, key, start=start, end=end)
                octets = bytes(got)
        metrics.OBJECT_READ_SECONDS.observe(time.monotonic() - began)
        if len(octets) != end - start:
            raise StoreCorrupt("An object in the object store is shorter than what was put there.")
        return octets

    async def whole(self, place: Place) -> bytes:
        """The whole object, in requests of a few MiB. Raises as `get`."""
        return b"".join([piece async for piece in self.pieces(place)])

    async def pieces(self, place: Place) -> AsyncIterator[bytes]:
        """The same, one after the other."""
        for at in range(0, place.size, PIECE):
            yield await self.get(place.key, at, min(at + PIECE, place.size))

    async def delete(self, key: str) -> None:
        """Nothing happens if there is none. Raises StoreUnavailable."""
        with self._failures("delete"):
            async with asyncio.timeout(self._patience), self._places:
                await self._library.delete_async(self._reading, key)

    async def frames(self, place: Place, first: int, last: int) -> list[bytes]:
        """These chunks as they are stored. Raises as `get`."""
        start, end = place.span(first, last)
        return place.cut(await self.get(place.key, start, end), first, last)

    async def probe(self) -> None:
        """Put something, read it, remove it. Raises StoreUnavailable, StoreCorrupt."""
        key, octets = f"{self.settings.prefix}probe-{os.urandom(8).hex()}", os.urandom(64)
        await self.put(key, octets)
        try:
            if await self.get(key, 0, len(octets)) != octets:
                raise StoreCorrupt("The object store gives back other octets than it was given.")
        finally:
            await self.delete(key)

    @property
    def _patience(self) -> float:
        """For one request with its repetitions, and its place among the others."""
        return self._seconds * (1 + RETRIES)

    def _made(self, timeout: timedelta) -> Any:
        settings = self.settings
        return importlib.import_module("obstore.store").S3Store(
            settings.bucket,
            config=_config(settings),
            **_credentials(settings),
            client_options={
                "allow_http": settings.endpoint.startswith("http://"),
                "connect_timeout": timedelta(seconds=min(5.0, self._seconds)),
                "timeout": timeout,
                **({"root_certificate": _certificates(settings.ca_file)} if settings.ca_file else {}),
            },
            retry_config={
                "max_retries": RETRIES,
                "retry_timeout": timedelta(seconds=self._seconds * RETRIES),
                "backoff": {
                    "init_backoff": timedelta(milliseconds=50),
                    "max_backoff": timedelta(seconds=1),
                    "base": 2,
                },
            },
        )

    @contextmanager
    def _failures(self, operation: str) -> Iterator[None]:
        try:
            yield
        except FileNotFoundError as error:
            if "NoSuchBucket" not in str(error):
                raise ObjectMissing("An object is missing in the object store.") from error
            _count(operation, error)
            raise StoreUnavailable(SENTENCE) from error
        except (self._library.exceptions.BaseError, OSError, ValueError) as error:
            if "InvalidRange" in str(error):
                raise StoreCorrupt(
                    "An object in the object store is shorter than what was put there."
                ) from error
            _count(operation, error)
            raise StoreUnavailable(SENTENCE) from error


def _count(operation: str, error: Exception) -> None:
    """The first line says which request and what came of it; what follows is the library's own."""
    metrics.OBJECT_FAILURES.labels(operation).inc()
    reason = str(error).partition("\n")[0][:REASON_LIMIT] or type(error).__name__
    log.warning("the object store failed", operation=operation, reason=reason)


def _library() -> Any:
    try:
        importlib.import_module("obstore.exceptions")
        return importlib.import_module("obstore")
    except ModuleNotFoundError:
        raise SettingsError(
            "[objects] needs the library obstore, which is not installed: pip install 'mailkeep[objects]'."
        ) from None


def _config(settings: ObjectSettings) -> dict[str, object]:
    given: dict[str, object] = {
        "region": settings.region,
        "virtual_hosted_style_request": not settings.path_style,
        "checksum_algorithm": "sha256",  # the store refuses what was altered on its way
        # The library takes what is not said here from AWS_* in the environment.
        "skip_signature": False,
        "unsigned_payload": False,
    }
    if settings.endpoint:
        given["endpoint"] = settings.endpoint.rstrip("/")
    return given


def _credentials(settings: ObjectSettings) -> dict[str, object]:
    """The settings' key and nothing beside it; without one, Amazon's own ways to find one."""
    if not settings.access_key:
        return {}
    found = {
        "access_key_id": settings.access_key,
        "secret_access_key": settings.secret_key,
        "token": None,
        "expires_at": None,
    }
    return {"credential_provider": lambda: found}


def _certificates(path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise SettingsError(f"[objects] ca_file cannot be read: {error.strerror}.") from None


def opened_bucket(settings: ObjectSettings | None) -> Bucket | None:
    """None where the settings name none. Raises SettingsError."""
    return Bucket(settings) if settings is not None and settings.bucket else None

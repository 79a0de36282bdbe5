"""The object store: can it be written, read and cleared, and is it set where content lies in it?"""

from __future__ import annotations

from collections.abc import AsyncIterator

from mailkeep.errors import MailkeepError
from mailkeep.model.finding import Finding, failure, ok
from mailkeep.settings import Settings
from mailkeep.storage import open_store
from mailkeep.storage.objects.bucket import opened_bucket
from mailkeep.storage.objects.moving import SINCE
from mailkeep.storage.opening import stored_version

CHECK = "objects"
_REFUSED = frozenset({"PermissionDeniedError", "UnauthenticatedError"})


async def check(settings: Settings) -> AsyncIterator[Finding]:
    """Nothing where there is none and none is needed. It puts one object of its own, and removes it."""
    try:
        bucket = opened_bucket(settings.objects)
    except MailkeepError as error:
        yield failure(CHECK, str(error), "Mend [objects]; without it no host starts.")
        return
    if bucket is None:
        moved = await _moved(settings)
        if moved:
            told = f"{moved} large contents lie in an object store, and [objects] is not set here."
            yield failure(CHECK, told, "Set [objects] as it was, or nobody can read them.")
        return
    name = f"The bucket '{settings.objects.bucket}'"
    try:
        await bucket.probe()
    except MailkeepError as error:
        yield _why(name, error)
    else:
        yield ok(CHECK, f"{name} can be written, read and cleared.")


def _why(name: str, error: MailkeepError) -> Finding:
    if type(error.__cause__).__name__ in _REFUSED:
        told = f"{name} is not there, or its store refuses the key."
        return failure(CHECK, told, "The key of [objects] needs to put, get and delete below prefix.")
    told = f"{name} cannot be written and read: {error}"
    return failure(
        CHECK, told, "Check that the store runs, and [objects] endpoint, ca_file and the way there."
    )


async def _moved(settings: Settings) -> int:
    """How many contents lie elsewhere; 0 if that cannot be said, which is told of the database."""
    try:
        version = await stored_version(settings.store)
        if version is None or version < SINCE:
            return 0
        store = await open_store(settings.store)
    except MailkeepError:
        return 0
    try:
        return (await store.objects.usage()).in_objects
    except MailkeepError:
        return 0
    finally:
        await store.close()

"""What operators see of a host with workers: the parent asks each of them over a socket that only it can
reach.

prometheus_client's own mode for many processes keeps its numbers in files, takes no gauges that are asked
for, and changes every instrument; here a worker counts as a host of one process does, and the sums are made
when somebody reads. A host is ready as long as one of its workers is: the sockets are shared, so it answers.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from mailkeep.net.listen import address_of, bind_all
from mailkeep.net.worker import Worker
from mailkeep.observe.logs import get_logger
from mailkeep.settings import Settings

ASK_SECONDS = 5.0
ANSWER_LIMIT = 4 * 1024 * 1024  # octets; a worker's numbers take some tens of kilobytes

log = get_logger(__name__)


@asynccontextmanager
async def observed_workers(name: str, settings: Settings, workers: Sequence[Worker]) -> AsyncIterator[None]:
    """Answer for all of them where `[metrics]` says so. Raises SettingsError."""
    addresses: tuple[str, ...] = getattr(settings.metrics, name, ())
    if not addresses:
        yield
        return
    from mailkeep.observe.operator_listener import OperatorListener  # noqa: PLC0415  brings h11 along

    sockets = bind_all(addresses)
    crew = _Crew(workers)
    listener = OperatorListener(crew.objection, crew.exposition, crew.slow)
    await listener.start(sockets)
    log.info("observable", metrics=" ".join(address_of(one) for one in sockets))
    try:
        yield
    finally:
        listener.close()


class _Crew:
    def __init__(self, workers: Sequence[Worker]) -> None:
        self._workers = workers

    async def objection(self) -> str:
        """Why none of them can serve now; "" if one can."""
        ready = [worker for worker in self._workers if worker.is_ready]
        if not ready:
            return "No worker is ready."
        answers = await asyncio.gather(*(_ask(worker, "/health/ready") for worker in ready))
        if any(status == 200 for status, _ in answers):
            return ""
        told = next((json.loads(body)["status"] for status, body in answers if status == 503), "")
        return str(told) or "No worker answers."

    async def exposition(self) -> bytes:
        """The sums."""
        from mailkeep.observe import gathered  # noqa: PLC0415  only who is asked pays for it

        ready, told = await self._all("/metrics")
        texts = [body.decode() for body in told]
        return await asyncio.to_thread(gathered.gathered, texts, ready, len(self._workers))

    async def slow(self) -> bytes:
        """What any of them took long for, the latest last."""
        from mailkeep.observe import slow_list  # noqa: PLC0415

        _, told = await self._all("/slow")
        return slow_list.merged(told)

    async def _all(self, path: str) -> tuple[int, list[bytes]]:
        """How many are ready, and what those say that answer."""
        ready = [worker for worker in self._workers if worker.is_ready]
        answers = await asyncio.gather(*(_ask(worker, path) for worker in ready))
        return len(ready), [body for status, body in answers if status == 200]


async def _ask(worker: Worker, path: str) -> tuple[int, bytes]:
    """(status, body) of a worker's answer; status 0 if there is none."""
    try:
        async with asyncio.timeout(ASK_SECONDS):
            reader, writer = await asyncio.open_unix_connection(
                str(worker.place.operator_socket), limit=ANSWER_LIMIT
            )
            try:
                writer.write(b"GET %s HTTP/1.1\r\nHost: worker\r\n\r\n" % path.encode())
                head = await reader.readuntil(b"\r\n\r\n")
                body = await reader.read(-1)
            finally:
                writer.close()
    except (OSError, TimeoutError, EOFError, asyncio.LimitOverrunError):
        return 0, b""
    return int(head.split(b" ", 2)[1]), body

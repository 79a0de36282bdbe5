"""Preparing a message for the store without holding up the loop.

Most messages are scanned at once, because handing one to a thread and back costs more than scanning it. Large
ones and those that are made to be slow go to a thread, and those that lie in a file are mapped rather than
read.
"""

from __future__ import annotations

import asyncio
import mmap
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from mailkeep.errors import SpoolUnavailable
from mailkeep.mime.octets import Octets
from mailkeep.mime.prepare import prepare, prepare_swiftly
from mailkeep.model.message import PreparedMessage, SpooledContent
from mailkeep.storage.blobs import pack_octets

INLINE_LIMIT = 128 * 1024
"""Octets that are scanned and packed on the loop if they are ordinary: half a millisecond."""

SMALL = 8 * 1024
"""Octets that are scanned on the loop whatever they hold."""


async def prepare_content(content: bytes | SpooledContent) -> PreparedMessage:
    """A whole message, ready for the committer. Raises SpoolUnavailable if its file cannot be read."""
    if isinstance(content, SpooledContent):
        return await asyncio.to_thread(_prepare_spooled, content)
    if len(content) <= SMALL:
        return prepare(content)
    if len(content) <= INLINE_LIMIT:
        swift = prepare_swiftly(content)
        if swift is not None:
            return swift
    return await asyncio.to_thread(_prepare_large, content)


@contextmanager
def mapped(content: SpooledContent) -> Iterator[Octets]:
    """The octets of a spooled message, not read but mapped. For a thread. Raises OSError."""
    with open(content.path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as whole:
        if content.offset == 0 and content.size == len(whole):
            yield whole
            return
        with memoryview(whole) as view, view[content.offset : content.offset + content.size] as octets:
            yield octets


def _prepare_large(octets: bytes) -> PreparedMessage:
    """Packed too: the thread is here, and what the store would do in another needs nothing else."""
    message = prepare(octets)
    if not isinstance(message.content, bytes):
        return message
    return replace(message, packed=pack_octets(message.content))


def _prepare_spooled(content: SpooledContent) -> PreparedMessage:
    try:
        with mapped(content) as octets:
            return prepare(octets, content)
    except OSError as error:
        raise SpoolUnavailable(f"The spool cannot be read: {error.strerror}.") from error

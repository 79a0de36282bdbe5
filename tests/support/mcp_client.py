"""The SDK's own client, against a running host, with a result taken apart."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from mcp.client import Client
from mcp.client.streamable_http import streamable_http_client
from tests.support.api_host import ApiHost


@asynccontextmanager
async def assistant(api: ApiHost, key: str, mode: str = "auto") -> AsyncIterator[Client]:
    """An assistant with this key. `mode` is "legacy" for one that knows the handshake alone."""
    async with api.client(key) as http:
        transport = streamable_http_client(f"{api.url}/mcp", http_client=http)
        async with Client(transport, mode=mode) as client:
            yield client


async def result_of(client: Client, tool: str, **given: object) -> Any:
    """What a tool found, which must have worked."""
    answer = await client.call_tool(tool, given)
    assert not answer.is_error, answer.content
    assert answer.structured_content is not None
    assert answer.structured_content["untrusted"] is True
    return answer.structured_content["result"]


async def refusal_of(client: Client, tool: str, **given: object) -> str:
    """Why a tool did nothing."""
    answer = await client.call_tool(tool, given)
    assert answer.is_error, answer.structured_content
    return str(answer.content[0].text)

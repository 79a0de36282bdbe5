"""`mailkeep mcp`: an assistant's tools on standard input and output, done by an API host elsewhere.

It needs no store and keeps nothing: each call is made again at the host's /mcp with the key. The key comes by
the environment, because everybody on the machine sees arguments.
"""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING, Any

import click

from mailkeep.observe.logs import configure
from mailkeep.settings import LogSettings
from mailkeep.settings_identity import is_safe_url
from mailkeep_cli.context import PlainError

if TYPE_CHECKING:
    import httpx2
    from mcp.client import Client
    from mcp.server.lowlevel import Server

KEY_VARIABLE = "MAILKEEP_API_KEY"
CONNECT_SECONDS = 10.0
CALL_SECONDS = 120.0
PING = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
ACCEPT = {"Accept": "application/json, text/event-stream"}


@click.command()
@click.option(
    "--url",
    required=True,
    metavar="URL",
    envvar="MAILKEEP_API_URL",
    show_envvar=True,
    help="The API host, as in https://mail.example.org.",
)
def mcp(url: str) -> None:
    """Give an assistant a mailbox over standard input and output (the Model Context Protocol).

    \b
    The key is read from MAILKEEP_API_KEY; with the scope api:read it looks, with api:write it also
    sends, moves and marks:
      mailkeep keys create alice@example.org --name assistant --scope api:read
    """
    key = os.environ.get(KEY_VARIABLE, "")
    if not key:
        raise PlainError(f"There is no key in {KEY_VARIABLE}.", "Make one: mailkeep keys create --help")
    if not key.isascii() or not key.isprintable():
        raise PlainError(f"What {KEY_VARIABLE} holds is no key.")
    if not is_safe_url(url):
        raise PlainError("A key goes over https only, or to this machine itself.", "Give --url https://...")
    configure(LogSettings(level="error"))
    asyncio.run(_serve(f"{url.rstrip('/')}/mcp", key))


async def _serve(url: str, key: str) -> None:
    import httpx2  # noqa: PLC0415  with the SDK half a second, which no other command pays
    from mcp.client import Client  # noqa: PLC0415
    from mcp.client.streamable_http import streamable_http_client  # noqa: PLC0415
    from mcp.server.stdio import stdio_server  # noqa: PLC0415

    timeout = httpx2.Timeout(CALL_SECONDS, connect=CONNECT_SECONDS)
    async with httpx2.AsyncClient(headers={"Authorization": f"Bearer {key}"}, timeout=timeout) as http:
        await _require_welcome(http, url)
        async with Client(streamable_http_client(url, http_client=http)) as client:
            server = _forwarding(client)
            async with stdio_server() as (reading, writing):
                await server.run(reading, writing, server.create_initialization_options())


async def _require_welcome(http: httpx2.AsyncClient, url: str) -> None:
    """Raises PlainError with what the host says if it does not take the key."""
    import httpx2  # noqa: PLC0415

    try:
        answer = await http.post(url, json=PING, headers=ACCEPT)
    except httpx2.HTTPError as error:
        raise PlainError(f"The API host cannot be reached: {type(error).__name__}.", "Check --url.") from None
    if answer.status_code != httpx2.codes.OK:
        raise PlainError(f"The API host answered {answer.status_code}.", _detail(answer))


def _detail(answer: httpx2.Response) -> str:
    try:
        return str(answer.json()["detail"])
    except (ValueError, KeyError, TypeError):
        return "Check --url: it is the address of a Mailkeep API host."


def _forwarding(client: Client) -> Server[Any]:
    """A server with whatever tools the host has for this key."""
    import mcp_types as types  # noqa: PLC0415
    from mcp.server.lowlevel import Server  # noqa: PLC0415

    async def list_tools(_: object, params: types.PaginatedRequestParams | None) -> types.ListToolsResult:
        return await client.list_tools()

    async def call_tool(_: object, params: types.CallToolRequestParams) -> types.CallToolResult:
        return await client.call_tool(params.name, params.arguments)

    return Server(
        "mailkeep",
        title="Mailkeep",
        instructions=client.instructions,
        on_list_tools=list_tools,
        on_call_tool=call_tool,
    )

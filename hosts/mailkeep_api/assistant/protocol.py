"""The SDK's server with our tools. Imported at the first request: the SDK costs half a second.

A refusal is the result of its tool, so that the assistant can read it and do better; a fault says nothing but
a correlation id, under which the log has the cause. Requests need no session: each says all, so that a
restart of the host, or another host behind the same name, makes no difference.
"""

from __future__ import annotations

import logging
from typing import Any

import mcp_types as types
from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel import Server
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from mcp.shared.exceptions import MCPError
from pydantic import ValidationError

from mailkeep import __version__
from mailkeep.errors import Fault, MailkeepError
from mailkeep.observe.logs import cause_of, get_logger, new_correlation_id
from mailkeep_api.assistant import tools
from mailkeep_api.assistant.call import Call
from mailkeep_api.limits import CALL_LIMIT

_log = get_logger("api")
logging.getLogger("mcp").setLevel(logging.WARNING)  # it notes every request

Context = ServerRequestContext[Any, Any]


def manager() -> StreamableHTTPSessionManager:
    """What answers requests; to be run for as long as the host runs."""
    server: Server[Any] = Server(
        "mailkeep",
        title="Mailkeep",
        version=__version__,
        instructions=tools.INSTRUCTIONS,
        on_list_tools=_list_tools,
        on_call_tool=_call_tool,
    )
    return StreamableHTTPSessionManager(
        server, json_response=True, stateless=True, max_request_body_size=CALL_LIMIT
    )


async def _list_tools(context: Context, params: types.PaginatedRequestParams | None) -> types.ListToolsResult:
    """Those that the caller's credential opens."""
    call = Call.of(context.request)
    return types.ListToolsResult(tools=[_described(tool) for tool in tools.TOOLS if call.may(tool)])


def _described(tool: tools.Tool) -> types.Tool:
    return types.Tool(
        name=tool.name,
        description=tool.description,
        input_schema=tool.schema(),
        annotations=types.ToolAnnotations(
            read_only_hint=tool.reads_only, destructive_hint=False, open_world_hint=tool.sends
        ),
    )


async def _call_tool(context: Context, params: types.CallToolRequestParams) -> types.CallToolResult:
    tool = tools.BY_NAME.get(params.name)
    if tool is None:
        raise MCPError(types.INVALID_PARAMS, "There is no such tool.")
    try:
        call = Call.of(context.request)
        caller = call.admitted(tool.rule)
        asked = tool.takes.model_validate(params.arguments or {})
        return _answer(await tool.run(call.mailbox(caller, asked.account), asked))
    except ValidationError as error:
        return _refusal(_wrong(error))
    except Fault as error:
        return _fault(tool, error)
    except MailkeepError as error:
        return _refusal(str(error))
    except Exception as error:
        return _fault(tool, error)


def _answer(result: object) -> types.CallToolResult:
    told = tools.told(result)
    return types.CallToolResult(
        content=[types.TextContent(text=told.text)], structured_content=told.structured
    )


def _refusal(sentence: str) -> types.CallToolResult:
    return types.CallToolResult(content=[types.TextContent(text=sentence)], is_error=True)


def _fault(tool: tools.Tool, error: Exception) -> types.CallToolResult:
    correlation_id = new_correlation_id()
    _log.error("tool failed", tool=tool.name, correlation_id=correlation_id, **cause_of(error))
    return _refusal(f"Something failed on our side; the operator finds it under {correlation_id}.")


def _wrong(error: ValidationError) -> str:
    """What does not fit, by its name; never the value, which may be a whole message."""
    found = error.errors(include_url=False, include_input=False, include_context=False)
    return "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in found[:10])

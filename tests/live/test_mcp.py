"""`mailkeep mcp` as an assistant starts it: a process that speaks over its standard input and output."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

from mcp.client import Client
from mcp.client.stdio import StdioServerParameters
from tests.support.api_host import running_api
from tests.support.api_mail import ANN, BOB, deliver, plain
from tests.support.mcp_client import refusal_of, result_of

from mailkeep.model.scope import Scope
from mailkeep.settings import StoreSettings
from mailkeep.storage.interface import Store

MAILKEEP = str(Path(sys.executable).parent / "mailkeep")


async def test_an_assistant_reads_and_sends_over_stdio(store: Store, store_settings: StoreSettings) -> None:
    async with running_api(store, store_settings) as api:
        await api.user(str(BOB))
        key = await api.key(await api.user(str(ANN)), Scope.API_READ, Scope.API_WRITE)
        email_id = str(await deliver(api, plain("hello")))
        command = StdioServerParameters(
            command=MAILKEEP, args=["mcp", "--url", api.url], env={"MAILKEEP_API_KEY": key}
        )
        async with Client(command) as client:
            assert len((await client.list_tools()).tools) == 11
            assert "untrusted" in (client.instructions or "")
            read = await result_of(client, "read_email", email_id=email_id)
            assert read["text"].strip() == "Hello."
            sent = await result_of(client, "send_email", to=[str(BOB)], subject="hi", text="Hello.")
            assert sent["delivered"] == [str(BOB)]
            assert "limit" in await refusal_of(client, "list_emails", limit=501)


async def test_without_a_good_key_it_says_so_and_where_to_get_one(
    store: Store, store_settings: StoreSettings
) -> None:
    async with running_api(store, store_settings) as api:
        for key, said in (("", "no key in MAILKEEP_API_KEY"), ("wrong", f"Sign in at {api.url}/")):
            process = await asyncio.create_subprocess_exec(
                MAILKEEP,
                "mcp",
                "--url",
                api.url,
                env={**os.environ, "MAILKEEP_API_KEY": key},
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
            )
            out, err = await process.communicate()
            assert (process.returncode, out) == (1, b"")
            assert said in err.decode()

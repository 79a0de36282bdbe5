"""A platform brings people's access tokens along with its requests; the API host is then killed. Nothing of a
token is left anywhere. On both databases.

The account elsewhere lies on the same hosts, which take an API key for a token.
"""

from __future__ import annotations

import json
import os
import resource
import signal
from collections.abc import Callable
from pathlib import Path

import httpx2
import pytest
from mcp.client import Client
from mcp.client.streamable_http import streamable_http_client
from tests.support.clients import deliver, message
from tests.support.hosts import OFFSETS, MailkeepUp, Person
from tests.support.leftovers import holders, places_of
from tests.support.mcp_client import refusal_of, result_of

from mailkeep_api.assistant.platforms import ADDRESS, PROVIDER, TOKEN

ENDED = "ya29.a0-token-that-has-ended-5d1c7e"  # refused over there, so it goes through every error's way too


def lending(up: MailkeepUp) -> dict[str, str]:
    """Settings of hosts that lend the mailboxes of themselves."""
    provider = {
        "kind": "gmail",
        "client_id": "us",
        "ca_file": up.ca_file,
        "imap": f"127.0.0.1:{up.port_base + OFFSETS['imaps']}",
        "smtp": f"127.0.0.1:{up.port_base + OFFSETS['submissions']}",
    }
    return {"MAILKEEP_SESSIONS_PROVIDERS": json.dumps([provider])}


async def use(up: MailkeepUp, key: str, person: Person) -> None:
    """List, send and be refused, as the platform on the person's behalf."""
    headers = {"Authorization": f"Bearer {key}", PROVIDER: "gmail", ADDRESS: person.address}
    async with httpx2.AsyncClient(headers=headers, timeout=60, trust_env=False) as http:
        http.headers[TOKEN] = person.api_key
        async with Client(streamable_http_client(f"{up.api_url}/mcp", http_client=http)) as client:
            assert (await result_of(client, "list_emails"))["total"] == 1
            await result_of(client, "send_email", to=[person.address], text="Mine.")
            http.headers[TOKEN] = ENDED
            assert "refused the token" in await refusal_of(client, "list_emails")


async def test_a_token_that_is_brought_along_is_in_memory_and_nowhere_else(
    own_mailkeep: Callable[..., MailkeepUp], tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    up = own_mailkeep()
    up.start()
    person = up.add_person()
    made = up.cli("keys", "create", up.demo.address, "--name", "platform", "--scope", "app")
    up.stop()
    up.environ |= {**lending(up), "MAILKEEP_SESSIONS_PLATFORMS": str(made["id"])}
    with up:
        deliver(up, person.address, message(person.address, "hello"))
        await use(up, made["api_key"], person)
        [api] = up.pids("api")
        assert resource.prlimit(api, resource.RLIMIT_CORE) == (0, 0)
        os.kill(api, signal.SIGKILL)
    places = places_of(up, tmp_path, request)
    assert holders(places, {person.address.encode()}) != [], "the search finds what is there"
    assert holders(places, {person.api_key.encode(), ENDED.encode()}) == []

"""Who is let in at /mcp, and what those who are not are told."""

from __future__ import annotations

import subprocess
import sys

import pytest
from tests.support.api_host import ApiHost
from tests.support.api_mail import ANN

from mailkeep.model.scope import Scope
from mailkeep_api import limits
from mailkeep_api.assistant import server

LIST = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
ACCEPT = {"Accept": "application/json, text/event-stream"}


async def test_who_is_unknown_is_told_where_to_sign_in(api: ApiHost) -> None:
    async with api.client() as client:
        answer = await client.post("/mcp", json=LIST, headers=ACCEPT)
        assert answer.status_code == 401
        challenge = answer.headers["www-authenticate"]
        assert challenge == f'Bearer realm="mailkeep", resource_metadata="{_metadata(api)}"'
        assert answer.json()["signIn"] == [f"{api.url}/"]
        assert f"Sign in at {api.url}/" in answer.json()["detail"]
        assert (await client.get(_metadata(api))).json()["scopes_supported"]


async def test_a_key_for_something_else_is_not_taken(api: ApiHost) -> None:
    user = await api.user(str(ANN))
    for key, code in ((await api.key(user, Scope.IMAP), "insufficient_scope"), ("wrong", "invalid_token")):
        async with api.client(key) as client:
            answer = await client.post("/mcp", json=LIST, headers=ACCEPT)
            assert answer.status_code == 401
            assert f'error="{code}"' in answer.headers["www-authenticate"]


async def test_a_service_has_no_mailbox(api: ApiHost) -> None:
    async with api.client(await api.key(None, Scope.INTERNAL)) as client:
        assert (await client.post("/mcp", json=LIST, headers=ACCEPT)).status_code == 403


async def test_a_page_of_another_site_is_refused(api: ApiHost) -> None:
    async with api.client(await api.key(await api.user(str(ANN)), Scope.APP)) as client:
        for origin, status in (
            ("https://evil.test", 403),
            (api.url, 200),
            (api.settings.api.cors_origins[0], 200),
        ):
            answer = await client.post("/mcp", json=LIST, headers={**ACCEPT, "Origin": origin})
            assert answer.status_code == status, origin


async def test_there_is_nothing_to_listen_to_and_nothing_to_end(api: ApiHost) -> None:
    async with api.client(await api.key(await api.user(str(ANN)), Scope.APP)) as client:
        for method in ("GET", "DELETE"):
            answer = await client.request(method, "/mcp", headers=ACCEPT)
            assert (answer.status_code, answer.headers["allow"]) == (405, "POST")


async def test_a_request_has_a_limit_and_nobody_unknown_is_heard_out(api: ApiHost) -> None:
    large = b'"' + b"x" * limits.CALL_LIMIT + b'"'
    headers = {**ACCEPT, "Content-Type": "application/json"}
    async with api.client(await api.key(await api.user(str(ANN)), Scope.APP)) as client:
        assert (await client.post("/mcp", content=large, headers=headers)).status_code == 413
        assert (await client.post("/mcp", content=b"{", headers=headers)).status_code == 400
    async with api.client() as nobody:
        assert (await nobody.post("/mcp", content=large, headers=headers)).status_code == 401


def test_what_few_ask_for_is_not_loaded_before_somebody_does() -> None:
    """The SDK, and what accounts elsewhere, access tokens and PostgreSQL need: megabytes of each process."""
    program = (
        "import sys, mailkeep_api.server, mailkeep.storage.opening;"
        "few = {'mcp', 'mcp_types', 'aiosmtplib', 'imapclient', 'joserfc', 'cryptography', 'asyncpg'};"
        "print(few & set(sys.modules))"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "set()"


async def test_one_that_cannot_start_is_503_and_the_next_request_tries_again(
    api: ApiHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken() -> None:
        raise RuntimeError("the secret path")

    async with api.client(await api.key(await api.user(str(ANN)), Scope.APP)) as client:
        with monkeypatch.context() as patched:
            patched.setattr(server, "_loaded", broken)
            answer = await client.post("/mcp", json=LIST, headers=ACCEPT)
            assert (answer.status_code, "secret" in answer.text) == (503, False)
        assert (await client.post("/mcp", json=LIST, headers=ACCEPT)).status_code == 200


async def test_what_is_said_needs_no_session(api: ApiHost) -> None:
    async with api.client(await api.key(await api.user(str(ANN)), Scope.APP)) as client:
        answer = await client.post("/mcp", json=LIST, headers=ACCEPT)
        assert "mcp-session-id" not in answer.headers
        assert len(answer.json()["result"]["tools"]) == 11


async def test_a_signed_in_browser_is_a_caller_if_our_own_page_asks(api: ApiHost) -> None:
    key = await api.key(await api.user(str(ANN)), Scope.API_READ)
    async with api.client() as browser:
        signed_in = (await browser.post("/oauth/key", json={"key": key})).json()
        assert (await browser.post("/mcp", json=LIST, headers=ACCEPT)).status_code == 403
        headers = {**ACCEPT, "X-CSRF-Token": signed_in["csrfToken"]}
        answer = await browser.post("/mcp", json=LIST, headers=headers)
        assert len(answer.json()["result"]["tools"]) == 5


def _metadata(api: ApiHost) -> str:
    return f"{api.url}/.well-known/oauth-protected-resource"

"""The list of mail is answered past the framework's routing, and nobody can tell: each answer is the one that
its route gives."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from types import SimpleNamespace

import httpx2
import pytest
from tests.support.api_host import ApiHost
from tests.support.api_mail import ANN, keep, plain, reading

from mailkeep.model.scope import Scope
from mailkeep_api import deps, quick_lists
from mailkeep_api.rates import RateClass

QUERIES = ("", "?page=2&pageSize=5", "?pageSize=x", "?page=", "?sort=oldest", "?sort=no", "?page=1&page=y")
KNOWN, UNKNOWN = {"Origin": "http://localhost:5173"}, {"Origin": "https://evil.test"}
OF_THE_REQUEST = {"x-request-id", "date"}


@contextlib.contextmanager
def by_its_route() -> Iterator[None]:
    """Nothing passes by the framework's routing."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(quick_lists, "PATH", "/nowhere")
        yield


def told(answer: httpx2.Response) -> tuple[int, list[tuple[str, str]], bytes]:
    headers = sorted(one for one in answer.headers.multi_items() if one[0].lower() not in OF_THE_REQUEST)
    return answer.status_code, headers, answer.content


async def ask(client: httpx2.AsyncClient, method: str, query: str, origin: dict[str, str]) -> httpx2.Response:
    return await client.request(method, f"/api/emails{query}", headers=origin)


@pytest.mark.parametrize("origin", [{}, KNOWN, UNKNOWN], ids=["no origin", "known", "unknown"])
async def test_readers_hear_the_same(api: ApiHost, origin: dict[str, str]) -> None:
    async with await reading(api) as client:
        for subject in ("one", "two"):
            await keep(api, ANN, "INBOX", plain(subject))
        for query in QUERIES:
            quick = told(await ask(client, "GET", query, origin))
            with by_its_route():
                assert told(await ask(client, "GET", query, origin)) == quick


@pytest.mark.parametrize("method", ["HEAD", "PUT", "DELETE", "OPTIONS"])
async def test_other_methods_hear_the_same(api: ApiHost, method: str) -> None:
    async with await reading(api) as client:
        quick = told(await ask(client, method, "", {}))
        with by_its_route():
            assert told(await ask(client, method, "", {})) == quick


async def test_the_refused_hear_the_same(api: ApiHost) -> None:
    ann = await api.user("ann@example.test")
    keys = ["", "mk_wrong", await api.key(ann, Scope.IMAP), await api.key(ann, Scope.API_WRITE)]
    for key in [*keys, await api.key(None, Scope.INTERNAL)]:
        async with api.client(key) as client:
            quick = told(await ask(client, "GET", "", {}))
            with by_its_route():
                assert told(await ask(client, "GET", "", {})) == quick
            assert quick[0] in {401, 403}


async def test_both_ways_count_in_one_bucket(api: ApiHost, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deps, "time", SimpleNamespace(monotonic=lambda: 1000.0))  # nothing is refilled
    async with await reading(api) as client:
        for number in range(RateClass.API.value):
            with by_its_route() if number % 2 else contextlib.nullcontext():
                assert (await ask(client, "GET", "", {})).status_code == 200
        quick = await ask(client, "GET", "", {})
        with by_its_route():
            slow = await ask(client, "GET", "", {})
    assert quick.status_code == slow.status_code == 429
    assert "retry-after" in quick.headers

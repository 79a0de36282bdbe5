"""The page at "/": true settings, nothing from elsewhere, nothing that runs."""

from __future__ import annotations

from tests.support.api_host import ApiHost


async def test_it_shows_the_listeners_that_there_are(api: ApiHost) -> None:
    async with api.client() as client:
        answer = await client.get("/")
    assert answer.status_code == 200
    assert "<td>Read mail: IMAP</td><td>127.0.0.1</td><td>2143</td><td>STARTTLS</td>" in answer.text
    assert "POP3" not in answer.text  # these settings have no such listener


async def test_a_hostile_host_header_stays_text(api: ApiHost) -> None:
    async with api.client() as client:
        answer = await client.get("/", headers={"Host": "<script>alert(1)</script>"})
    assert "<script" not in answer.text


async def test_it_may_run_and_load_nothing(api: ApiHost) -> None:
    async with api.client() as client:
        page, style = await client.get("/"), await client.get("/style.css")
    assert page.headers["content-security-policy"].startswith("default-src 'none'; style-src 'self'")
    assert style.headers["content-type"].startswith("text/css")
    assert "http" not in page.text.replace("https", "http").partition("<body>")[0]

"""The OpenAPI document, held to by schemathesis: every route, every answer, with what fits and what does not.

One check is left out: a request that fits the document may still be refused for what it asks, an address that
is none or an expiry in the past, which no schema can say.
"""

from __future__ import annotations

import asyncio
import re
import sys
from pathlib import Path

import pytest
from tests.support.api_host import ApiHost
from tests.support.api_mail import ANN, RICH, deliver, plain

from mailkeep.model.scope import Scope

EXAMPLES = 3  # random ones of each route, beside those that cover every keyword of its schema
SECONDS = 240
NOT_HERE = "^/(oauth/|api/internal/|api/events)"  # by cookie, for hosts, without end
SCHEMATHESIS = Path(sys.executable).with_name("schemathesis")


async def test_no_fault_is_found(api: ApiHost, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("mailkeep_api.rates.Rates.take", lambda *_: None)
    key = await api.key(await api.user(str(ANN)), Scope.APP, Scope.API_READ, Scope.API_WRITE)
    for octets in (RICH, plain("one")):
        await deliver(api, octets)
    running = await asyncio.create_subprocess_exec(
        *(SCHEMATHESIS, "run", f"{api.url}/openapi.json", "--header", f"Authorization: Bearer {key}"),
        *("--max-examples", str(EXAMPLES), "--phases", "examples,coverage,fuzzing", "--workers", "1"),
        *("--exclude-path-regex", NOT_HERE, "--exclude-checks", "positive_data_acceptance"),
        *("--request-timeout", "30", "--continue-on-failure", "--no-color"),
        cwd=tmp_path,  # it keeps what it found where it runs
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        said, _ = await asyncio.wait_for(running.communicate(), SECONDS)
    finally:
        if running.returncode is None:
            running.kill()
            await running.wait()
    assert running.returncode == 0, said.decode()
    tested = re.search(rb"Tested: (\d+)", said)
    assert tested is not None
    assert int(tested.group(1)) > 50

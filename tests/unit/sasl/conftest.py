"""What the tests of all mechanisms use."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from mailkeep.model.principal import Credential
from mailkeep.sasl import Challenge, start

Login = Callable[..., Credential]


@pytest.fixture
def log_in() -> Login:
    """`log_in(name, *responses)`: the credential after the last response; challenges before it."""

    def run(name: str, *responses: bytes | None) -> Credential:
        mechanism = start(name, tls_or_loopback_ok=True)
        for response in responses[:-1]:
            assert isinstance(mechanism.step(response), Challenge)
        outcome = mechanism.step(responses[-1])
        assert isinstance(outcome, Credential)
        return outcome

    return run

"""LOGIN-DELAY on the wire: RFC 2449 sections 6.5 and 8.1.1."""

from __future__ import annotations

from tests.support.pop3_host import GREETING, IN_THE_CLEAR, Login, Operator, Pop3Host

from mailkeep.net.development import DevelopmentCa
from mailkeep.settings import StoreSettings


def test_the_next_login_waits_and_anothers_does_not(
    backend: StoreSettings, ca: DevelopmentCa, operator: Operator, login: Login
) -> None:
    with Pop3Host(backend, ca, IN_THE_CLEAR | {"POP3_LOGIN_DELAY_SECONDS": "3600"}) as host:
        with host.log_in(login) as client:
            assert "LOGIN-DELAY 3600" in client.listing("CAPA")
            assert client.command("QUIT").startswith("+OK")
        with host.connect() as client:
            client.play(
                f"""
                S: {GREETING}
                C: USER {login.address}
                S: +OK Send PASS.
                C: PASS {login.key}
                S: -ERR [LOGIN-DELAY] The last login was a moment ago; try again later.
                """
            )
        host.log_in(operator.user()).close()

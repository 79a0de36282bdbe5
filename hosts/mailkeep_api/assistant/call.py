"""Who calls, carried with the request from the door to the tool."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import cast
from uuid import NAMESPACE_OID, uuid5

from fastapi import Request

from mailkeep.errors import NotFound, Refusal
from mailkeep.model.principal import Principal
from mailkeep_api.assistant.mailbox import Mailbox
from mailkeep_api.assistant.own import OwnMailbox
from mailkeep_api.assistant.tools import Tool
from mailkeep_api.deps import Rule, Services, UserCaller, caller_with
from mailkeep_api.sessions.browser import Connection

_KEY = "mailkeep.call"


@dataclass(frozen=True, slots=True)
class Call:
    """A proven caller of one request. `principal` is None of a browser that has only connected accounts;
    `connections` are those of its session, and nobody else's."""

    services: Services
    principal: Principal | None
    connections: tuple[Connection, ...] = ()

    def carry(self, request: Request) -> None:
        """Put it into the request's scope, which the SDK hands on."""
        request.scope[_KEY] = self

    @classmethod
    def of(cls, request: Request | None) -> Call:
        """What `carry` put there."""
        assert request is not None, "requests come over HTTP"
        return cast(Call, request.scope[_KEY])

    def may(self, tool: Tool) -> bool:
        """True if the credential has a scope for it. Whoever has only lent accounts may use them."""
        return self.principal is None or self.principal.may(*tool.rule.any_of)

    def admitted(self, rule: Rule) -> UserCaller | None:
        """The user, None of a browser without one; counted. Raises PermissionRefused, TooManyRequests."""
        if self.principal is not None:
            return caller_with(self.services, self.principal, rule)
        first = min(self.connections, key=lambda one: one.provider)
        counted = uuid5(NAMESPACE_OID, f"{first.provider} {first.address}")
        self.services.rates.take(rule.rate, counted, time.monotonic())
        return None

    def mailbox(self, caller: UserCaller | None, account: str | None) -> Mailbox:
        """What the tool acts on. Raises NotFound, Refusal."""
        if account is None and caller is not None:
            return OwnMailbox(self.services, caller)
        # The server has them loaded by now, in a thread: see `server`.
        from mailkeep_api.assistant.connected import ConnectedMailbox  # noqa: PLC0415
        from mailkeep_api.assistant.lent import Lent  # noqa: PLC0415

        services, connection = self.services, self._connection(account)
        lent = Lent.of(connection, services.browser.sign_ins.providers[connection.provider])
        hostname, kept = services.settings.smtp.hostname, services.assistant
        return ConnectedMailbox(lent, hostname, kept.places, kept.in_doubt)

    def _connection(self, account: str | None) -> Connection:
        if account is None and len(self.connections) > 1:
            names = ", ".join(one.provider for one in self.connections)
            raise Refusal(f"Several accounts are connected; say which by account: {names}.")
        for one in self.connections:
            if account is None or account.lower() in {one.provider.lower(), one.address.lower()}:
                return one
        raise NotFound("No such account is connected in this browser session.")

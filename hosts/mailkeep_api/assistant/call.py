"""Who calls, carried with the request from the door to the tool."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from fastapi import Request

from mailkeep.model.principal import Principal
from mailkeep_api.assistant.mailbox import Mailbox
from mailkeep_api.assistant.own import OwnMailbox
from mailkeep_api.assistant.tools import Tool
from mailkeep_api.deps import Services, caller_with

_KEY = "mailkeep.call"


@dataclass(frozen=True, slots=True)
class Call:
    """A proven caller of one request."""

    services: Services
    principal: Principal

    def carry(self, request: Request) -> None:
        """Put it into the request's scope, which the SDK hands on."""
        request.scope[_KEY] = self

    @classmethod
    def of(cls, request: Request | None) -> Call:
        """What `carry` put there."""
        assert request is not None, "requests come over HTTP"
        return cast(Call, request.scope[_KEY])

    def may(self, tool: Tool) -> bool:
        """True if the credential has a scope for it."""
        return self.principal.may(*tool.rule.any_of)

    def mailbox(self, tool: Tool) -> Mailbox:
        """What the tool acts on. Raises PermissionRefused, TooManyRequests."""
        return OwnMailbox(self.services, caller_with(self.services, self.principal, tool.rule))

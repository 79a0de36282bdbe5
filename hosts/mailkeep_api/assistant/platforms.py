"""Platforms that sign people in themselves: each request brings the account elsewhere that it is about.

The platform proves itself by a key of its own, with the scope `app` and named in the settings; nobody else
may have this host try tokens on other servers. The token lives as long as the request: there is no session,
and nothing of it is kept, logged or said again.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from mailkeep.errors import InvalidName, PermissionRefused, Refusal
from mailkeep.model.address import Address
from mailkeep.model.principal import Principal
from mailkeep.model.scope import Scope
from mailkeep.upstream.accounts import TOKEN_LIMIT
from mailkeep_api.deps import Services
from mailkeep_api.sessions.browser import Connection

PROVIDER = "X-Upstream-Provider"
ADDRESS = "X-Upstream-Address"
TOKEN = "X-Upstream-Access-Token"  # noqa: S105  the name of a field
HEADERS = (PROVIDER, ADDRESS, TOKEN)
LIFE = timedelta(minutes=5)  # longer than any call


def brought_along(headers: Mapping[str, str], principal: Principal, services: Services) -> Connection | None:
    """The account of this request, None if it brings none. Raises PermissionRefused, Refusal."""
    given = [headers.get(name, "") for name in HEADERS]
    if not any(given):
        return None
    platforms = {one.lower() for one in services.settings.sessions.platforms}
    if str(principal.key_id) not in platforms or not principal.may(Scope.APP):
        raise PermissionRefused("Only a platform that the operator trusts may bring an account along.")
    if not all(given):
        raise Refusal(f"An account elsewhere is brought along by all of {', '.join(HEADERS)}.")
    name, address, token = given
    provider = services.browser.sign_ins.providers.get(name)
    if provider is None or provider.kind.signs_in:
        raise Refusal(f"{PROVIDER} names no provider of mailboxes here.")
    if len(token) > TOKEN_LIMIT or not (token.isascii() and token.isprintable()):
        raise Refusal(f"{TOKEN} is no access token.")
    try:
        return Connection(name, str(Address.parse(address)), token, datetime.now(UTC) + LIFE)
    except InvalidName:
        raise Refusal(f"{ADDRESS} is no address.") from None

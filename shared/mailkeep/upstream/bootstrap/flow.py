"""The authorization code flow with PKCE (RFC 6749 section 4.1, RFC 7636) and the device flow (RFC 8628).

Nothing here reads a terminal or opens a browser: the caller shows the address and brings back the outcome.
"""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from hmac import compare_digest
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from mailkeep.auth.tokens.documents import openid_configuration
from mailkeep.auth.tokens.facts import is_same_issuer
from mailkeep.net.outbound import OutboundClient, OutboundFailed
from mailkeep.settings_identity import is_safe_url
from mailkeep.upstream.bootstrap.plan import BootstrapPlan
from mailkeep.upstream.errors import UpstreamCode, UpstreamError, plain
from mailkeep.upstream.refresh.base import RefreshedOAuthToken
from mailkeep.upstream.refresh.endpoint import read_answer

TIMEOUT_SECONDS = 30.0
pause = asyncio.sleep  # by a name of its own, so that tests need not wait
DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"
DEVICE_INTERVAL_SECONDS = 5  # RFC 8628 section 3.2
DEVICE_SECONDS_LIMIT = 1800


@dataclass(frozen=True, slots=True)
class Tokens:
    """What a sign-in gave."""

    access: RefreshedOAuthToken
    refresh_token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class DeviceCode:
    """What the person enters on another device, and how long they have."""

    verification_uri: str
    user_code: str
    device_code: str = field(repr=False)
    interval: int
    seconds: int


class Bootstrap:
    """One sign-in. `prepare`, then either `url` and `finish`, or `device` and `wait_for_device`."""

    def __init__(self, plan: BootstrapPlan) -> None:
        self.plan = plan
        self._http = OutboundClient(TIMEOUT_SECONDS, plan.ca_file)
        self._state = secrets.token_urlsafe(32)
        self._verifier = secrets.token_urlsafe(48)

    async def prepare(self) -> None:
        """Find the endpoints if they are not known. Raises UpstreamError."""
        if self.plan.authorization_endpoint:
            return
        issuer = self.plan.issuer
        try:
            document = await self._http.get(openid_configuration(issuer))
        except OutboundFailed as error:
            raise _unavailable(error) from None
        if not is_same_issuer(document.get("issuer"), issuer):
            raise UpstreamError(UpstreamCode.CONFIG, "The discovery document names another issuer.")
        self.plan = replace(
            self.plan,
            authorization_endpoint=_endpoint(document, "authorization_endpoint"),
            token_endpoint=_endpoint(document, "token_endpoint"),
            device_endpoint=_endpoint(document, "device_authorization_endpoint", required=False),
        )

    async def close(self) -> None:
        """Let go of the connection."""
        await self._http.close()

    @property
    def url(self) -> str:
        """Where the person agrees."""
        digest = hashlib.sha256(self._verifier.encode()).digest()
        query = {
            **self.plan.parameters,
            "response_type": "code",
            "client_id": self.plan.client_id,
            "redirect_uri": self.plan.redirect_uri,
            "scope": self.plan.scope,
            "state": self._state,
            "code_challenge": urlsafe_b64encode(digest).rstrip(b"=").decode(),
            "code_challenge_method": "S256",
        }
        joint = "&" if "?" in self.plan.authorization_endpoint else "?"
        return f"{self.plan.authorization_endpoint}{joint}{urlencode(query)}"

    def code_of(self, returned: str) -> str:
        """The code in the address that the browser ended up at, or in its query, or a bare code that was
        pasted. Raises UpstreamError; a bare code brings no state, which only the person can vouch for."""
        text = returned.strip()
        if "=" not in text:
            if not text or not text.isprintable():
                raise UpstreamError(UpstreamCode.REFUSED, "That is neither an address nor a code.")
            return text
        found = parse_qs(urlsplit(text).query or text)
        if "error" in found:
            raise UpstreamError(UpstreamCode.REFUSED, f"The provider said: {plain(found['error'][0])}.")
        if not compare_digest(found.get("state", [""])[0].encode(), self._state.encode()):
            raise UpstreamError(UpstreamCode.REFUSED, "That address belongs to another sign-in; begin again.")
        if "code" not in found:
            raise UpstreamError(UpstreamCode.REFUSED, "There is no code in that address.")
        return found["code"][0]

    async def finish(self, code: str) -> Tokens:
        """Exchange the code. Raises UpstreamError."""
        return await self._grant(
            {
                "grant_type": "authorization_code",
                "code": code,
                "redirect_uri": self.plan.redirect_uri,
                "code_verifier": self._verifier,
            }
        )

    async def device(self) -> DeviceCode:
        """RFC 8628 section 3.1. Raises UpstreamError if the provider has no such flow."""
        if not self.plan.device_endpoint:
            raise UpstreamError(UpstreamCode.CONFIG, "This provider has no sign-in on another device.")
        form = {"client_id": self.plan.client_id, "scope": self.plan.scope}
        try:
            answer = await self._http.post(self.plan.device_endpoint, form, {})
        except OutboundFailed as error:
            raise _unavailable(error) from None
        place = answer.get("verification_uri") or answer.get("verification_url")  # Google's older name
        words = (place, answer.get("user_code"), answer.get("device_code"))
        if not all(isinstance(word, str) and word for word in words):
            raise UpstreamError(
                UpstreamCode.REFRESH_NONSENSE, "The provider gave no code for another device."
            )
        uri, user_code, device_code = map(str, words)
        return DeviceCode(
            plain(uri),
            plain(user_code),
            device_code,
            _seconds(answer.get("interval"), DEVICE_INTERVAL_SECONDS, 60),
            _seconds(answer.get("expires_in"), DEVICE_SECONDS_LIMIT, DEVICE_SECONDS_LIMIT),
        )

    async def wait_for_device(self, device: DeviceCode) -> Tokens:
        """Ask until the person has agreed (RFC 8628 section 3.4). Raises UpstreamError."""
        interval = device.interval
        try:
            async with asyncio.timeout(device.seconds):
                while True:
                    await pause(interval)
                    try:
                        return await self._grant(
                            {"grant_type": DEVICE_GRANT, "device_code": device.device_code}
                        )
                    except _Pending as pending:
                        interval += DEVICE_INTERVAL_SECONDS if pending.slow_down else 0
        except TimeoutError:
            raise UpstreamError(UpstreamCode.REFUSED, "Nobody agreed in time; begin again.") from None

    async def _grant(self, form: dict[str, str]) -> Tokens:
        form["client_id"] = self.plan.client_id
        if self.plan.client_secret:
            form["client_secret"] = self.plan.client_secret
        try:
            answer = await self._http.post(self.plan.token_endpoint, form, {})
        except OutboundFailed as error:
            if error.word in {"authorization_pending", "slow_down"}:
                raise _Pending(slow_down=error.word == "slow_down") from None
            if error.status is not None and error.status < 500:
                raise UpstreamError(UpstreamCode.REFUSED, f"The provider refused: {error}") from None
            raise _unavailable(error) from None
        access, refresh_token = read_answer(answer, datetime.now(UTC))
        return Tokens(access, refresh_token)


class _Pending(Exception):
    def __init__(self, *, slow_down: bool) -> None:
        super().__init__()
        self.slow_down = slow_down


def _endpoint(document: Mapping[str, Any], name: str, *, required: bool = True) -> str:
    url = document.get(name)
    if isinstance(url, str) and is_safe_url(url):
        return url
    if required:
        raise UpstreamError(UpstreamCode.CONFIG, f"The discovery document has no usable {name}.")
    return ""


def _seconds(given: object, default: int, most: int) -> int:
    if isinstance(given, bool) or not isinstance(given, int) or not 0 < given <= most:
        return default
    return given


def _unavailable(error: OutboundFailed) -> UpstreamError:
    return UpstreamError(UpstreamCode.REFRESH_UNAVAILABLE, f"The provider does not answer: {error}")

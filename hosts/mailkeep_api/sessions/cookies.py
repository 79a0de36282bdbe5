"""The two cookies of a browser, and what a request must show besides them before it changes anything.

`email_session` names the session; the other binds a sign-in under way to its browser. Neither can be read by
script. A cookie goes along with requests that other sites cause, so a write must also come from our own
pages: its Origin is ours, and it knows the session's CSRF token.
"""

from __future__ import annotations

import math
from hmac import compare_digest
from urllib.parse import urlsplit

from fastapi import Request, Response

from mailkeep.errors import PermissionRefused
from mailkeep.settings_identity import is_loopback
from mailkeep_api.sessions.attempts import ATTEMPT_SECONDS
from mailkeep_api.sessions.browser import Session

SESSION_COOKIE = "email_session"
ATTEMPT_COOKIE = "email_session_attempt"
ATTEMPT_PATH = "/oauth"
CSRF_HEADER = "X-CSRF-Token"
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
WORD_LIMIT = 100  # characters of a cookie; longer ones are none of ours


class Cookies:
    """`public_url` decides about Secure: it is left out on this machine alone, where there is no TLS."""

    def __init__(self, public_url: str) -> None:
        parts = urlsplit(public_url)
        self._origin = f"{parts.scheme}://{parts.netloc}"
        self._secure = not (parts.scheme == "http" and is_loopback(parts.hostname or ""))

    def keep_session(self, response: Response, session_id: str, seconds: float) -> None:
        """Hand the browser its session."""
        self._set(response, SESSION_COOKIE, session_id, "/", seconds)

    def drop_session(self, response: Response) -> None:
        """Have the browser forget it."""
        response.delete_cookie(SESSION_COOKIE, path="/", secure=self._secure, httponly=True, samesite="lax")

    def keep_attempt(self, response: Response, word: str) -> None:
        """Bind a sign-in to the browser. Lax: it comes back by a link from the provider's site."""
        self._set(response, ATTEMPT_COOKIE, word, ATTEMPT_PATH, ATTEMPT_SECONDS)

    def drop_attempt(self, response: Response) -> None:
        """The sign-in is over."""
        response.delete_cookie(
            ATTEMPT_COOKIE, path=ATTEMPT_PATH, secure=self._secure, httponly=True, samesite="lax"
        )

    def require_own_page(self, request: Request, session: Session) -> None:
        """Raises PermissionRefused for a write that our own pages did not make."""
        if request.method in SAFE_METHODS:
            return
        self.require_own_origin(request)
        token = request.headers.get(CSRF_HEADER, "")
        if not compare_digest(token.encode(), session.csrf_token.encode()):
            raise PermissionRefused("Reload the page and try again: this request has no valid CSRF token.")

    def require_own_origin(self, request: Request) -> None:
        """Raises PermissionRefused if another site made the browser ask. Programs send no Origin."""
        origin = request.headers.get("origin")
        if origin is not None and origin != self._origin:
            raise PermissionRefused("This request comes from another site.")
        if request.headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}:
            raise PermissionRefused("This request comes from another site.")

    def _set(self, response: Response, name: str, value: str, path: str, seconds: float) -> None:
        response.set_cookie(
            name,
            value,
            max_age=math.ceil(seconds),
            path=path,
            secure=self._secure,
            httponly=True,
            samesite="lax",
        )


def session_id_of(request: Request) -> str:
    """The session's id as the browser sent it, "" if it sent none that we could have made."""
    return _word(request, SESSION_COOKIE)


def attempt_of(request: Request) -> str:
    """The word that binds a sign-in to this browser, "" if there is none."""
    return _word(request, ATTEMPT_COOKIE)


def _word(request: Request, name: str) -> str:
    value = request.cookies.get(name, "")
    return value if len(value) <= WORD_LIMIT else ""

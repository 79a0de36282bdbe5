"""Every kind of secret, in every encoding, by every way into the log: none comes out."""

from __future__ import annotations

import asyncio
import base64
import io
import json
import logging
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import suppress
from urllib.parse import quote

import pytest
import structlog
from twisted.logger import Logger, globalLogPublisher
from twisted.logger import STDLibLogObserver as TwistedObserver

from mailkeep.auth import apikeys
from mailkeep.observe import logs
from mailkeep.settings import LogSettings

API_KEY = apikeys.generate()
JWT = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhbm4ifQ.c2lnbmF0dXJlLW9mLWEtdG9rZW4tdGhhdC1pcy1sb25n"
PASSWORD, OPAQUE = "correct-horse-battery", "opaque-0a1b2c3d4e5f6a7b"

# Kind -> what is logged, and what must not be seen of it.
SECRETS = {
    "api key": (API_KEY, API_KEY[13:]),
    "jwt": (JWT, JWT.rpartition(".")[2]),
    "plain with a key": (f"\0ann@example.org\0{API_KEY}", API_KEY[13:]),
    "plain with a password": (f"\0ann@example.org\0{PASSWORD}", PASSWORD),
    "plain for another": (f"ann@example.org\0ann@example.org\0{PASSWORD}", PASSWORD),
    "xoauth2": (f"user=ann@example.org\1auth=Bearer {OPAQUE}\1\1", OPAQUE),
    "oauthbearer": (f"n,a=ann@example.org,\1host=x\1port=993\1auth=Bearer {OPAQUE}\1\1", OPAQUE),
    "bearer": (f"Authorization: Bearer {OPAQUE}", OPAQUE),
    "database url": (f"postgresql+asyncpg://mail:{PASSWORD}@db.example/mail", PASSWORD),
}


def b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


ENCODINGS: dict[str, Callable[[str], str]] = {
    "as it is": lambda text: text,
    "base64": b64,
    "base64 unpadded": lambda text: b64(text).rstrip("="),
    "base64url": lambda text: base64.urlsafe_b64encode(text.encode()).decode(),
    "base64 in a url": lambda text: quote(b64(text), safe=""),
    "base64 twice": lambda text: b64(b64(text)),
    "hex": lambda text: text.encode().hex(),
    "hex upper": lambda text: text.encode().hex().upper(),
    "percent": lambda text: quote(text, safe=""),
    "percent all": lambda text: "".join(f"%{octet:02X}" for octet in text.encode()),
    "repr": lambda text: repr(text.encode()),
    "json": json.dumps,
    "in a command": lambda text: f"AUTHENTICATE PLAIN {b64(text)}",
}


def by_structlog(text: str) -> None:
    logs.get_logger("ours").info("something", value=text)


def by_the_event(text: str) -> None:
    logs.get_logger("ours").warning(f"something with {text} in it")


def nested(text: str) -> None:
    logs.get_logger("ours").info("something", value={"deep": [{"er": (text, text.encode())}]})


def bound(text: str) -> None:
    with structlog.contextvars.bound_contextvars(peer=text):
        logs.get_logger("ours").info("something")


def by_a_library(text: str) -> None:
    logging.getLogger("uvicorn.error").warning("could not read %s", text)


def by_a_librarys_bytes(text: str) -> None:
    logging.getLogger("mail.log").error("could not read %r", text.encode())


def by_a_traceback(text: str) -> None:
    try:
        raise ValueError(text)
    except ValueError:
        logging.getLogger("asyncpg").exception("failed")


def by_a_chain(text: str) -> None:
    try:
        try:
            raise KeyError(text)
        except KeyError as error:
            raise RuntimeError("while doing so") from error
    except RuntimeError as error:
        logs.get_logger("ours").error("failed", **logs.cause_of(error))


def by_a_warning(text: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(False)  # pytest has put its own reader in between
        logging.captureWarnings(True)
        warnings.warn(text, stacklevel=1)


def by_the_loop(text: str) -> None:
    loop = asyncio.new_event_loop()
    loop.call_exception_handler({"message": f"Task failed {text}", "exception": ValueError(text)})
    loop.close()


def by_twisted(text: str) -> None:
    observer = TwistedObserver("twisted")
    globalLogPublisher.addObserver(observer)
    try:
        log = Logger("reactor")
        log.warn("could not read {what}", what=text)
        try:
            raise ValueError(text)
        except ValueError:
            log.failure("failed")
    finally:
        globalLogPublisher.removeObserver(observer)


def uncaught(text: str) -> None:
    try:
        raise ValueError(text)
    except ValueError as error:
        sys.excepthook(ValueError, error, error.__traceback__)


def uncaught_in_a_thread(text: str) -> None:
    def fail() -> None:
        raise ValueError(text)

    thread = threading.Thread(target=fail)
    thread.start()
    thread.join()


PATHS = (
    by_structlog, by_the_event, nested, bound, by_a_library, by_a_librarys_bytes, by_a_traceback, by_a_chain,
    by_a_warning, by_the_loop, by_twisted, uncaught, uncaught_in_a_thread,
)  # fmt: skip


@pytest.fixture
def interpreter() -> Iterator[None]:
    """The interpreter's hooks, put back afterwards."""
    hooks = sys.excepthook, threading.excepthook, sys.unraisablehook
    logs.observe_interpreter()
    yield
    sys.excepthook, threading.excepthook, sys.unraisablehook = hooks


@pytest.mark.parametrize("format", ["json", "console"])
@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.__name__)
@pytest.mark.usefixtures("interpreter")
def test_no_secret_comes_out(path: Callable[[str], None], format: str) -> None:
    for kind, (text, secret) in SECRETS.items():
        for name, encode in ENCODINGS.items():
            stream = io.StringIO()
            logs.configure(LogSettings(level="debug", format=format), "imap", stream)  # type: ignore[arg-type]
            with suppress(UnicodeError):
                path(f"before {encode(text)} after")
            logs.close()
            written = stream.getvalue()
            assert written, f"{kind}, {name}: nothing was logged, so nothing was seen"
            for form in forms(secret):
                assert form not in written, f"{kind}, {name}: {written}"


def forms(secret: str) -> set[str]:
    """How a secret would show itself; base64 in each of its three alignments."""
    aligned = {b64("x" * shift + secret)[4:-4] for shift in range(3)}
    return {secret, secret.encode().hex(), secret.encode().hex().upper(), quote(secret, safe=""), *aligned}

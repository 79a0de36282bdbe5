"""Every kind of secret, in every place where an event can hold it."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailkeep.observe.redaction import CUT, MARK, TEXT_LIMIT, redact_event, redact_text, redact_value

SECRET = "Zm9yLW5vYm9keXMtZXllcy1idXQtb3Vycw0123456789"  # 43 characters, as keys have
API_KEY = f"mk_abc123XYZ_{SECRET}a1b2c3"
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ4In0.c2lnbmF0dXJlLW9mLWEtdG9rZW4"
OPAQUE = "opaque-0a1b2c3d4e5f"


def encoded(octets: bytes) -> str:
    return base64.b64encode(octets).decode()


# Kind -> (text that holds it, what must not be seen of it)
KINDS = {
    "api key": (API_KEY, SECRET),
    "api key cut short": (API_KEY[:30], SECRET[:12]),
    "jwt": (JWT, JWT.split(".")[2]),
    "bearer": (f"Bearer {OPAQUE}", OPAQUE),
    "bearer in a repr": (f"b'Bearer {OPAQUE}\\r\\n'", OPAQUE),
    "authorization header": (f"Authorization: Custom {OPAQUE}, more={OPAQUE}", OPAQUE),
    "api key header": (f"authorization: ApiKey {OPAQUE}", OPAQUE),
    "url password": ("postgresql+asyncpg://mail:p@ss/w:rd@db.example/mail", "ss/w:rd"),
    "libpq password": ("host=db user=mail password=hunter22 dbname=x", "hunter22"),
    "quoted password": ("password='two words' user=x", "two words"),
    "json": ('{"client_secret": "hunter22", "n": 1}', "hunter22"),
    "auth plain": (f"AUTH PLAIN {encoded(b'x' * 4 + OPAQUE.encode())}", encoded(b"x" * 4 + OPAQUE.encode())),
    "plain continuation": (encoded(f"\0me@example.test\0{OPAQUE}".encode()), encoded(OPAQUE.encode())[:-4]),
    "xoauth2 continuation": (
        encoded(f"user=me\x01auth=Bearer {OPAQUE}\x01\x01".encode()),
        encoded(f"user=me\x01auth=Bearer {OPAQUE}\x01\x01".encode()),
    ),
    "oauthbearer": (
        f"AUTHENTICATE OAUTHBEARER {encoded(b'n,a=me,' + OPAQUE.encode())}",
        encoded(b"n,a=me," + OPAQUE.encode()),
    ),
    "login continuation": (encoded(API_KEY.encode()), encoded(API_KEY.encode())),
    "imap login": (f'a1 LOGIN me@example.test "{OPAQUE}"', OPAQUE),
    "pop3 pass": (f"PASS {OPAQUE} with spaces", OPAQUE),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "place",
    [
        lambda text: {"event": text},
        lambda text: {"event": f"something before {text} something after"},
        lambda text: {"event": "x", "value": text},
        lambda text: {"event": "x", "value": text.encode()},
        lambda text: {"event": "x", "value": {"inner": [text, {"deeper": (text,)}]}},
        lambda text: {"event": "x", "value": ValueError(text)},
        lambda text: {"event": "x", "exception": f"Traceback ...\nValueError: {text}\n"},
    ],
    ids=["event", "sentence", "value", "bytes", "nested", "object", "exception"],
)
def test_no_kind_survives_in_any_place(kind: str, place: object) -> None:
    text, secret = KINDS[kind]
    shown = str(redact_event(None, "info", place(text)))  # type: ignore[operator]
    assert secret not in shown
    assert MARK in shown


@pytest.mark.parametrize(
    "name",
    ["password", "client_secret", "access_token", "api_key", "Authorization", "X-Api-Key", "cookie", "auth"],
)
def test_a_name_that_says_secret_hides_any_value(name: str) -> None:
    assert redact_event(None, "info", {"event": "x", name: 12345})[name] == MARK
    assert redact_value({"inner": {name: b"whatever"}}) == {"inner": {name: MARK}}


def test_the_prefix_of_a_key_stays_because_it_names_the_key() -> None:
    assert redact_text(f"used {API_KEY}.") == f"used mk_abc123XYZ_{MARK}."


@pytest.mark.parametrize(
    "harmless",
    [
        "message stored in mailbox 12 with uid 4711",
        "<CAF+abcdefghijklmnop0123456789@mail.example.org>",
        "connect to https://127.0.0.1:2080/api/emails",
        "sha256 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "demo@example.test from 127.0.0.1:50123",
        "LOGINDISABLED AUTH=PLAIN AUTH=XOAUTH2",
    ],
)
def test_what_is_no_secret_stays(harmless: str) -> None:
    assert redact_text(harmless) == harmless


def test_a_broken_str_loses_the_value_and_not_the_event() -> None:
    class Broken:
        def __str__(self) -> str:
            raise RuntimeError(API_KEY)

    assert redact_value(Broken()) == "<Broken without text: RuntimeError>"


def test_a_value_is_cut_at_its_limit() -> None:
    shown = redact_text("word " * TEXT_LIMIT)
    assert TEXT_LIMIT - 10 < len(shown) <= TEXT_LIMIT + len(CUT)
    assert shown.endswith(f"word{CUT}")


def test_a_secret_on_the_edge_is_cut_away_whole() -> None:
    text = "x " * (TEXT_LIMIT // 2 - 8) + "postgresql://user:hunter22@db/mail"
    assert len(text) > TEXT_LIMIT
    assert "hunt" not in redact_text(text)


@pytest.mark.parametrize(
    "unit",
    ["a", "://x:", "token", "token=", "eyJaaaa-", "Bearer ", "AUTH PLAIN ", "'", "mk_abcdefghi_", "://a:b@"],
)
def test_no_text_makes_it_slow(unit: str) -> None:
    """Rules that try again at each character would take minutes here, and the test's time limit ends them."""
    for _ in range(20):
        redact_text(unit * (TEXT_LIMIT // len(unit)))


def test_containers_that_hold_themselves_end() -> None:
    ring: list[object] = []
    ring.append(ring)
    assert MARK in str(redact_value(ring))


@given(st.text(max_size=300))
def test_any_text_passes_and_twice_is_once(text: str) -> None:
    once = redact_text(text)
    assert redact_text(once) == once


@given(before=st.text(max_size=30), after=st.text(max_size=30))
def test_a_key_is_found_between_any_other_text(before: str, after: str) -> None:
    assert SECRET not in redact_text(f"{before} {API_KEY} {after}")


@given(st.from_regex(r"[0-9a-f]{12}(?:[0-9a-f]{4})?", fullmatch=True))
def test_in_an_id_of_ours_no_rule_finds_anything(own_id: str) -> None:
    assert redact_text(f"the message {own_id}") == f"the message {own_id}"
    assert redact_text(own_id) == own_id

"""AUTHENTICATE with an initial response, and LOGIN."""

from __future__ import annotations

import pytest
from tests.support.imap_parsing import parsed, refused

from mailkeep.imap.commands.authenticate import Authenticate, Login, decode_response, encode_response
from mailkeep.imap.errors import ImapSyntaxError


def test_authenticate_rfc9051_6_2_2() -> None:
    assert parsed("AUTHENTICATE xoauth2") == Authenticate("A", "XOAUTH2")


def test_an_initial_response_rfc4959_3() -> None:
    assert parsed("AUTHENTICATE PLAIN AGZyZWQAc2VzYW1l") == Authenticate("A", "PLAIN", b"\0fred\0sesame")
    assert parsed("AUTHENTICATE EXTERNAL =") == Authenticate("A", "EXTERNAL", b"")


@pytest.mark.parametrize("response", ["A", "AA", "AA==A", "A===", "==", "AA =", "*", "AGZ_", "AB=="])
def test_only_canonical_base64_is_a_response_rfc4648_3_5(response: str) -> None:
    refused(f"AUTHENTICATE PLAIN {response}")


def test_responses_on_lines_of_their_own() -> None:
    assert decode_response(b"c2VzYW1l") == b"sesame"
    assert decode_response(b"") == b""
    assert encode_response(b"sesame") == b"c2VzYW1l"
    for line in (b"c2VzYW1", b"c2Vz YW1l", b"c2VzYW1l=", b"\xff"):
        with pytest.raises(ImapSyntaxError):
            decode_response(line)


def test_login_takes_an_astring_twice_rfc9051_6_2_3() -> None:
    assert parsed("LOGIN fred sesame") == Login("A", b"fred", b"sesame")
    assert parsed('LOGIN "fred" "open \\"sesame\\""') == Login("A", b"fred", b'open "sesame"')
    assert parsed("LOGIN {4}\r\nfred {7+}\r\nse same") == Login("A", b"fred", b"se same")
    assert parsed('LOGIN fred ""') == Login("A", b"fred", b"")


@pytest.mark.parametrize(
    "line", ["LOGIN", "LOGIN fred", "LOGIN fred  sesame", "LOGIN (fred) x", 'LOGIN a "b"c']
)
def test_what_is_no_login(line: str) -> None:
    refused(line)


def test_a_logged_command_shows_no_secret() -> None:
    assert "sesame" not in repr(parsed("LOGIN fred sesame"))
    assert "sesame" not in repr(parsed("AUTHENTICATE PLAIN AGZyZWQAc2VzYW1l"))

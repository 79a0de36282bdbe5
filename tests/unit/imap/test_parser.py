"""What a command line is: a tag, a name, arguments; and which error comes of what is none."""

from __future__ import annotations

import pytest

from mailkeep.imap.errors import ImapSyntaxError, UnknownCommand
from mailkeep.imap.parser import parse


@pytest.mark.parametrize(
    "octets", [b"A1 WONDER", b"A1 X-WONDER 5", b"A1 UID NOOP", b"A1 UID SELECT x", b"A1 DONE"]
)
def test_an_unknown_command_is_told_with_its_tag_rfc9051_7_1_3(octets: bytes) -> None:
    with pytest.raises(UnknownCommand) as caught:
        parse(octets)
    assert caught.value.tag == "A1"


@pytest.mark.parametrize(
    "octets", [b"A1", b"A1 ", b"A1  NOOP", b"A1 5", b"A1 (", b"A1\tNOOP", b"A1 \xc3\xa4"]
)
def test_a_tag_without_a_command_is_known_all_the_same(octets: bytes) -> None:
    with pytest.raises(ImapSyntaxError) as caught:
        parse(octets)
    assert caught.value.tag == "A1"


@pytest.mark.parametrize(
    "octets", [b"", b" NOOP", b"+ NOOP", b"* NOOP", b"(A1) NOOP", b'"A1" NOOP', b"\xff NOOP"]
)
def test_no_tag_no_name(octets: bytes) -> None:
    with pytest.raises(ImapSyntaxError) as caught:
        parse(octets)
    assert caught.value.tag is None


def test_the_tag_is_given_back_as_it_came() -> None:
    assert parse(b"a]B.1 NOOP").tag == "a]B.1"


def test_no_error_repeats_what_the_client_sent() -> None:
    for octets in (
        b"A1 LOGIN fred sesame x",
        b"A1 LOGIN sesame",
        b"A1 AUTHENTICATE PLAIN sesame!",
        b"A1 SESAME",
    ):
        with pytest.raises(ImapSyntaxError) as caught:
            parse(octets)
        assert "sesame" not in str(caught.value).lower()

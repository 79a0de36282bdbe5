"""To whom an answer goes (RFC 5322 section 3.6.3), and what its subject is."""

from __future__ import annotations

import pytest

from mailkeep.mime.answering import ADDRESSEES_LIMIT, SUBJECT_LIMIT, Answered, answered, one_line, subject_of

OWN = frozenset({"ann@example.test"})


def header(**fields: str) -> bytes:
    return "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in fields.items()).encode()


@pytest.mark.parametrize(
    ("given", "everybody", "to", "cc"),
    [
        (header(From="Carl <c@x.test>"), False, ["c@x.test"], []),
        (header(From="c@x.test", Reply_To="d@x.test, e@x.test"), False, ["d@x.test", "e@x.test"], []),
        (header(From="c@x.test", To="ANN@example.test, d@x.test"), True, ["c@x.test"], ["d@x.test"]),
        (header(From="c@x.test", To="c@x.test", Cc="C@X.test"), True, ["c@x.test"], []),
        (header(From="ann@example.test", To="c@x.test", Cc="d@x.test"), False, ["c@x.test"], []),
        (header(From="ann@example.test", To="c@x.test", Cc="d@x.test"), True, ["c@x.test"], ["d@x.test"]),
        (header(From="ann@example.test"), False, ["ann@example.test"], []),
        (header(To="undisclosed: ;"), False, [], []),
        (header(From="c@x.test", To="nobody, @x.test, d@x.test"), True, ["c@x.test"], ["d@x.test"]),
    ],
)
def test_an_answer_goes_to(given: bytes, everybody: bool, to: list[str], cc: list[str]) -> None:
    assert answered(given, OWN, everybody=everybody) == Answered(to, cc)


def test_an_answer_to_everybody_has_as_many_addressees_as_a_message_may() -> None:
    many = ", ".join(f"n{number}@x.test" for number in range(ADDRESSEES_LIMIT + 50))
    found = answered(header(From="c@x.test", To=many), OWN, everybody=True)
    assert len(found.to) + len(found.cc) == ADDRESSEES_LIMIT


def test_re_stands_once_and_a_subject_is_one_line_within_its_limit() -> None:
    assert subject_of("Re:", "hello") == "Re: hello"
    assert subject_of("Re:", "RE: hello") == "RE: hello"
    assert subject_of("Fwd:", "") == "Fwd:"
    assert len(subject_of("Re:", "x" * 5000)) == SUBJECT_LIMIT
    assert one_line("a\r\nb\x00c\u2028d\x85e") == "a  b c d e"

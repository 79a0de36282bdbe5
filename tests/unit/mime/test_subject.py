"""The base subject: RFC 5256 section 2.1."""

from __future__ import annotations

import pytest

from mailkeep.mime.subject import base_subject


@pytest.mark.parametrize(
    ("subject", "base", "changed"),
    [
        ("", "", False),
        ("hello", "hello", False),
        ("Re: hello", "hello", True),
        ("re:hello", "hello", True),
        ("RE : hello", "hello", True),
        ("Fw: hello", "hello", True),
        ("FWD: hello", "hello", True),
        ("Re: Fwd: RE: hello", "hello", True),
        ("Re[2]: hello", "hello", True),
        ("Re [list] : hello", "hello", True),
        ("[list] hello", "hello", False),
        ("[a][b] hello", "hello", False),
        ("[list] Re: [list] hello", "hello", True),
        ("hello (fwd)", "hello", True),
        ("hello (FWD) (fwd) ", "hello", True),
        ("[Fwd: hello]", "hello", True),
        ("[fwd: Re: [x] hello (fwd)]", "hello", True),
        ("[Fwd: [Fwd: hello]]", "hello", True),
        # A blob stays if nothing else would.
        ("[list]", "[list]", False),
        ("Re: [list]", "[list]", True),
        ("[a] [b]", "[b]", False),
        # No leader without its colon; no leader in the middle.
        ("regards", "regards", False),
        ("Re hello", "Re hello", False),
        ("hello Re: you", "hello Re: you", False),
        ("Fwdd: hello", "Fwdd: hello", False),
        ("Re: ", "", True),
        # Step 1: tabs and runs of spaces are one space.
        ("a \t  b", "a b", False),
        ("  lead and trail  ", "lead and trail", False),
        ("[unclosed Re: x", "[unclosed Re: x", False),
        ("Antwort: hello", "Antwort: hello", False),
    ],
)
def test_vector(subject: str, base: str, changed: bool) -> None:
    assert base_subject(subject) == (base, changed)


def test_the_base_of_a_base_is_itself() -> None:
    base, _ = base_subject("Re: [x] Fwd: [Fwd: [y] hello (fwd)]")
    assert base_subject(base) == (base, False)

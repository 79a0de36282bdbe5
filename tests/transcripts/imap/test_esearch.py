"""SEARCH RETURN: RFC 4731, and saved results: RFC 5182."""

from __future__ import annotations

import pytest
from tests.support.imap_host import Client

MESSAGE = b"Subject: one\r\n\r\nbody\r\n"


@pytest.fixture
def five(client: Client) -> Client:
    """A session with five messages, UIDs 2 to 6, of which the second and the fourth are flagged."""
    for number in range(6):
        client.append(
            "INBOX", MESSAGE, r"(\Flagged) " if number in {2, 4} else r"(\Deleted) " * (number == 0)
        )
    client.command("EXPUNGE")
    return client


@pytest.mark.parametrize(
    ("command", "answer"),
    [
        ("SEARCH RETURN () FLAGGED", "ALL 2,4"),
        ("SEARCH RETURN (ALL) ALL", "ALL 1:5"),
        ("SEARCH RETURN (MIN MAX COUNT) FLAGGED", "MIN 2 MAX 4 COUNT 2"),
        ("SEARCH RETURN (MIN) FLAGGED", "MIN 2"),
        ("SEARCH RETURN (COUNT) KEYWORD none", "COUNT 0"),
        ("UID SEARCH RETURN (MIN MAX ALL COUNT) FLAGGED", "UID MIN 3 MAX 5 COUNT 2 ALL 3,5"),
    ],
)
def test_return(five: Client, command: str, answer: str) -> None:
    five.play(f'C: a {command}\nS: * ESEARCH (TAG "a") {answer}\nS: a OK SEARCH completed.')


def test_nothing_found(five: Client) -> None:
    five.play('C: a SEARCH RETURN (MIN MAX ALL) KEYWORD none\nS: * ESEARCH (TAG "a")\nS: a OK ...')


@pytest.mark.parametrize(
    "options", ["(PARTIAL 1:2 ALL)", "(PARTIAL 1:2 PARTIAL 3:4)", "(NONSENSE)", "(RELEVANCY)"]
)
def test_options_that_are_refused(five: Client, options: str) -> None:
    assert five.refused(f"SEARCH RETURN {options} ALL").startswith("BAD")


def test_a_saved_result_stands_for_messages(five: Client) -> None:
    five.play(
        r"""
        C: a SEARCH RETURN (SAVE) FLAGGED
        S: a OK ...
        C: b FETCH $ UID
        S: * 2 FETCH (UID 3)
        S: * 4 FETCH (UID 5)
        S: b OK ...
        C: c UID SEARCH UID $ UID 1:4
        S: * SEARCH 3
        S: c OK ...
        C: d SEARCH NOT $
        S: * SEARCH 1 3 5
        S: d OK ...
        C: e STORE 2 +FLAGS.SILENT (\Deleted)
        S: e OK ...
        C: f EXPUNGE
        S: * 2 EXPUNGE
        S: f OK ...
        C: g UID FETCH $ UID
        S: * 3 FETCH (UID 5)
        S: g OK ...
        C: h COPY $ Trash
        S: h OK [COPYUID ... 5 1] ...
        C: i SEARCH RETURN (SAVE MIN) ALL
        S: * ESEARCH (TAG "i") MIN 1
        S: i OK ...
        C: j FETCH $ UID
        S: * 1 FETCH (UID 2)
        S: j OK ...
        """
    )


@pytest.mark.parametrize(
    ("command", "answer"),
    [
        ("SEARCH RETURN (PARTIAL 1:2) ALL", "PARTIAL (1:2 1:2)"),
        ("UID SEARCH RETURN (PARTIAL 4:9 COUNT) ALL", "UID COUNT 5 PARTIAL (4:9 5:6)"),
        ("UID SEARCH RETURN (PARTIAL -1:-2) ALL", "UID PARTIAL (-1:-2 5:6)"),
        ("SEARCH RETURN (PARTIAL -2:-1 MIN) FLAGGED", "MIN 2 PARTIAL (-2:-1 2,4)"),
        ("SEARCH RETURN (PARTIAL -9:-4) ALL", "PARTIAL (-9:-4 1:2)"),
        ("SEARCH RETURN (PARTIAL 2:1) ALL", "PARTIAL (2:1 1:2)"),
        ("SEARCH RETURN (PARTIAL 6:7) ALL", "PARTIAL (6:7 NIL)"),
        ("SEARCH RETURN (PARTIAL -6:-7) ALL", "PARTIAL (-6:-7 NIL)"),
        ("SORT RETURN (PARTIAL 2:3) (REVERSE ARRIVAL) UTF-8 ALL", "PARTIAL (2:3 ...)"),
        ("UID SORT RETURN (PARTIAL 2:3) (REVERSE SIZE FLAGGED) UTF-8 ALL", None),
    ],
)
def test_part_of_a_result_rfc9394_3_1(five: Client, command: str, answer: str | None) -> None:
    if answer is None:
        assert five.refused(command).startswith("BAD")
    else:
        five.play(f'C: a {command}\nS: * ESEARCH (TAG "a") {answer}\nS: a OK ...')


@pytest.mark.parametrize(
    ("options", "kept"),
    [
        ("SAVE PARTIAL 2:3", "3:4"),
        ("SAVE PARTIAL 2:3 MIN", "2:4"),
        ("SAVE PARTIAL 2:3 MAX", "3:4,6"),
        ("SAVE PARTIAL 2:3 MIN MAX", "2:4,6"),
        ("SAVE PARTIAL 2:3 COUNT", "2:6"),
    ],
)
def test_part_of_a_result_that_is_saved_rfc9394_3_2(five: Client, options: str, kept: str) -> None:
    assert any("PARTIAL (2:3 2:3)" in line for line in five.command(f"SEARCH RETURN ({options}) ALL"))
    five.play(f'C: a UID SEARCH RETURN () UID $\nS: * ESEARCH (TAG "a") UID ALL {kept}\nS: a OK ...')


def test_part_of_what_is_fetched_rfc9394_3_3(five: Client) -> None:
    five.play(
        r"""
        C: a UID FETCH 3:* (UID) (PARTIAL -1:-2)
        S: * 4 FETCH (UID 5)
        S: * 5 FETCH (UID 6)
        S: a OK ...
        C: b UID FETCH 3:* (UID) (PARTIAL 1:1)
        S: * 2 FETCH (UID 3)
        S: b OK ...
        C: c UID FETCH 1:* (UID) (PARTIAL 6:9)
        S: c OK ...
        """
    )
    (_, status) = five.command("STATUS INBOX (HIGHESTMODSEQ)")
    modseq = status.rstrip(")").rpartition(" ")[2]
    five.command(r"STORE 1,5 +FLAGS.SILENT (\Answered)")
    lines = five.command(f"UID FETCH 1:* (UID) (PARTIAL -1:-2 CHANGEDSINCE {modseq})")
    assert [line[:21] for line in lines] == ["* 5 FETCH (UID 6 MODS"]


def test_select_forgets_the_saved_result(five: Client) -> None:
    five.command("SEARCH RETURN (SAVE) ALL")
    five.command("SELECT INBOX")
    assert five.command("FETCH $ UID") == []


def test_a_search_refused_with_no_saves_nothing_and_bad_changes_nothing(five: Client) -> None:
    """RFC 5182 section 2.1."""
    five.command("SEARCH RETURN (SAVE) ALL")
    assert five.refused("SEARCH RETURN (SAVE) NONSENSE").startswith("BAD")
    assert five.refused("SEARCH RETURN (COUNT) CHARSET KLINGON ALL").startswith("NO")
    assert len(five.command("FETCH $ UID")) == 5
    assert five.refused("SEARCH RETURN (SAVE) CHARSET KLINGON ALL").startswith("NO [BADCHARSET")
    assert five.command("FETCH $ UID") == []

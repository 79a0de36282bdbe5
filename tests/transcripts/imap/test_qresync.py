"""QRESYNC: RFC 7162 section 3.2."""

from __future__ import annotations

import pytest
from tests.support.imap_host import Client

MESSAGE = b"Subject: one\r\n\r\nbody\r\n"


@pytest.fixture
def five(client: Client, other: Client) -> Client:
    """A session that has QRESYNC and five messages; the other one knows them, too."""
    for _ in range(5):
        client.append("INBOX", MESSAGE)
    other.command("NOOP")
    client.command("ENABLE QRESYNC")
    return client


def remove(client: Client, numbers: str) -> None:
    client.command(rf"STORE {numbers} +FLAGS.SILENT (\Deleted)")
    client.command("EXPUNGE")


def standing(client: Client) -> tuple[str, str]:
    """UIDVALIDITY and HIGHESTMODSEQ as SELECT tells them."""
    named = client.play(
        """
        C: s STATUS INBOX (UIDVALIDITY HIGHESTMODSEQ)
        S: * STATUS INBOX (UIDVALIDITY <v> HIGHESTMODSEQ <m>)
        S: s OK ...
        """
    )
    return named["v"], named["m"].rstrip(")")


def news(client: Client, parameters: str) -> list[str]:
    """What a SELECT with these parameters tells beside its usual answers."""
    lines = client.command(f"SELECT INBOX (QRESYNC ({parameters}))")
    return [line for line in lines if "VANISHED" in line or "FETCH" in line]


def test_expunge_is_vanished_with_the_modseq_to_remember(five: Client) -> None:
    five.command(r"STORE 2,4:5 +FLAGS.SILENT (\Deleted)")
    five.play("C: a EXPUNGE\nS: * VANISHED 2,4:5\nS: a OK [HIGHESTMODSEQ <m>] ...")
    five.play("C: b EXPUNGE\nS: b OK EXPUNGE completed.")


def test_move_is_vanished(five: Client) -> None:
    five.play(
        """
        C: a UID MOVE 2:3 Trash
        S: * OK [COPYUID ...] ...
        S: * VANISHED 2:3
        S: a OK [HIGHESTMODSEQ ...] ...
        """
    )


def test_close_tells_nothing(five: Client) -> None:
    five.command(r"STORE 1 +FLAGS.SILENT (\Deleted)")
    five.play("C: a CLOSE\nS: a OK CLOSE completed.")


def test_what_others_remove_vanishes_also_while_idle(five: Client, other: Client) -> None:
    remove(other, "1,3")
    five.command("UID SEARCH ALL")  # its flags may be told before
    five.send(b"i IDLE\r\n")
    lines = []
    while not (line := five.line()).startswith("+"):
        lines.append(line)
    remove(other, "1")
    while "VANISHED" not in (line := five.line()):
        pass
    assert line == "* VANISHED 2"
    five.send(b"DONE\r\n")
    five.until("i")


def test_flags_that_nobody_asked_for_come_with_uid_and_modseq(five: Client, other: Client) -> None:
    other.command(r"STORE 2 +FLAGS.SILENT (\Seen)")
    five.play("C: a NOOP\nS: * 2 FETCH (UID 2 FLAGS (\\Seen...) MODSEQ (...))\nS: a OK ...")


def test_select_tells_what_went_and_what_changed(five: Client, other: Client) -> None:
    validity, modseq = standing(five)
    five.command("UNSELECT")
    other.command(r"STORE 2 +FLAGS.SILENT (\Seen)")
    remove(other, "3:4")
    told = news(five, f"{validity} {modseq}")
    assert told[0] == "* VANISHED (EARLIER) 3:4"
    assert [line.partition(" FLAGS")[0] for line in told[1:]] == ["* 2 FETCH (UID 2"]
    assert news(five, f"{validity} {modseq} 1:3")[0] == "* VANISHED (EARLIER) 3"
    assert news(five, f"{validity} {modseq} 5:* (1,3 1,3)") == []
    assert news(five, " ".join(standing(five))) == []
    assert news(five, f"{int(validity) + 1} {modseq}") == []


def test_a_modseq_that_is_not_known_tells_all_that_is_not_there(five: Client, other: Client) -> None:
    validity, modseq = standing(five)
    remove(other, "2,5")
    told = news(five, f"{validity} 1")
    assert told[0] == "* VANISHED (EARLIER) 2,5"
    assert len(told) == 4
    assert news(five, f"{validity} {int(modseq) + 1000}") == []


def test_fetch_vanished_counts_what_was_the_highest_uid(five: Client, other: Client) -> None:
    _, modseq = standing(five)
    remove(five, "5")
    five.play(
        f"""
        C: a UID FETCH 1:* FLAGS (CHANGEDSINCE {modseq} VANISHED)
        S: * VANISHED (EARLIER) 5
        S: a OK ...
        C: b UID FETCH 1:3 FLAGS (CHANGEDSINCE {modseq} VANISHED)
        S: b OK ...
        """
    )


def test_what_the_client_still_counts_is_told_once(five: Client, other: Client) -> None:
    _, modseq = standing(five)
    remove(other, "4")
    lines = five.command(f"UID FETCH 1:* FLAGS (CHANGEDSINCE {modseq} VANISHED)")
    assert [line for line in lines if "VANISHED" in line] == ["* VANISHED 4"]


def test_a_removal_held_back_holds_the_modseq_back_rfc7162_6(five: Client, other: Client) -> None:
    before = int(standing(five)[1])
    remove(other, "1")  # one commit marks it, the next removes it
    other.command(r"STORE 1 +FLAGS.SILENT (x)")
    lines = five.command("FETCH 3 MODSEQ")
    assert any("UID 2 FLAGS (" in line for line in lines)
    assert lines[-1].startswith(f"* OK [HIGHESTMODSEQ {before + 1}] ")
    assert "* VANISHED 1" in five.command("NOOP")


@pytest.mark.parametrize(
    "command", ["SELECT INBOX (QRESYNC (1 1))", "UID FETCH 1:* FLAGS (CHANGEDSINCE 1 VANISHED)"]
)
def test_it_has_to_be_enabled_first(client: Client, command: str) -> None:
    assert client.refused(command).startswith("BAD")


def test_fetch_vanished_needs_uid_and_changedsince(five: Client) -> None:
    assert five.refused("FETCH 1 FLAGS (CHANGEDSINCE 1 VANISHED)").startswith("BAD")
    assert five.refused("UID FETCH 1 FLAGS (VANISHED)").startswith("BAD")

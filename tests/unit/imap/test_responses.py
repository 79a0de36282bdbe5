"""Lines that a server says, word for word."""

from __future__ import annotations

from mailkeep.imap import responses
from mailkeep.imap.commands.mailbox import StatusItem
from mailkeep.imap.names import NameForm
from mailkeep.imap.response_codes import AppendUid, CopyUid, NumberCode, PermanentFlags
from mailkeep.model.uids import UidSet


def test_tagged_and_untagged_status_rfc9051_7_1() -> None:
    assert responses.tagged("A1", b"OK", "NOOP done.") == b"A1 OK NOOP done.\r\n"
    assert responses.tagged(None, b"BAD", "What?") == b"* BAD What?\r\n"
    assert responses.bye("Autologout.", b"UNAVAILABLE") == b"* BYE [UNAVAILABLE] Autologout.\r\n"
    code = NumberCode("UIDNEXT", 4392).encode()
    assert responses.untagged_ok("Next.", code) == b"* OK [UIDNEXT 4392] Next.\r\n"


def test_a_text_cannot_break_out_of_its_line() -> None:
    injected = responses.tagged("A1", b"NO", "no\r\n* 1 EXISTS\0ä")
    assert injected.count(b"\r\n") == 1
    assert injected.isascii()
    assert b"\0" not in injected


def test_a_text_is_never_taken_for_a_response_code() -> None:
    assert responses.tagged("A1", b"NO", "[ALERT] x") == b"A1 NO ([ALERT] x)\r\n"


def test_a_text_is_never_empty_rfc3501_9() -> None:
    assert responses.tagged("A1", b"OK", "") == b"A1 OK Done.\r\n"


def test_a_continuation_has_its_space_even_before_nothing_rfc9051_7_6() -> None:
    assert responses.continuation() == b"+ \r\n"
    assert responses.continuation("Go on.") == b"+ Go on.\r\n"


def test_counts_rfc9051_7_4() -> None:
    assert responses.CountData(responses.Count.EXISTS, 23).encode() == b"* 23 EXISTS\r\n"
    assert responses.CountData(responses.Count.EXPUNGE, 44).encode() == b"* 44 EXPUNGE\r\n"


def test_list_rfc9051_7_3_1() -> None:
    sent = responses.ListData("Sent", ("\\HasNoChildren", "\\Sent"))
    assert sent.encode() == b'* LIST (\\HasNoChildren \\Sent) "/" Sent\r\n'
    parent = responses.ListData("A b", ("\\NonExistent",), child_info=("SUBSCRIBED",))
    assert parent.encode() == b'* LIST (\\NonExistent) "/" "A b" ("CHILDINFO" ("SUBSCRIBED"))\r\n'
    renamed = responses.ListData("new", old_name="old")
    assert renamed.encode() == b'* LIST () "/" new ("OLDNAME" (old))\r\n'
    assert responses.ListData("x", delimiter=None, lsub=True).encode() == b"* LSUB () NIL x\r\n"


def test_one_mailbox_name_in_both_forms_rfc9051_5_1() -> None:
    data = responses.StatusData("Entwürfe", ((StatusItem.MESSAGES, 231), (StatusItem.MAILBOXID, "F1")))
    assert data.encode() == b"* STATUS Entw&APw-rfe (MESSAGES 231 MAILBOXID (F1))\r\n"
    wire = '* STATUS "Entwürfe" (MESSAGES 231 MAILBOXID (F1))\r\n'
    assert data.encode(NameForm.UTF8) == wire.encode()


def test_namespace_rfc2342_6() -> None:
    data = responses.NamespaceData((responses.NamespaceEntry(""),))
    assert data.encode() == b'* NAMESPACE (("" "/")) NIL NIL\r\n'


def test_search_and_esearch() -> None:
    assert responses.SearchData().encode() == b"* SEARCH\r\n"
    assert responses.SearchData((2, 84), modseq=917).encode() == b"* SEARCH 2 84 (MODSEQ 917)\r\n"
    found = responses.EsearchData("A283", uid=True, minimum=2, count=3, all=UidSet.of([2, 10, 11]))
    assert found.encode() == b'* ESEARCH (TAG "A283") UID MIN 2 COUNT 3 ALL 2,10:11\r\n'
    window = responses.EsearchData("A01", uid=True, partial=("-1:-100", None))
    assert window.encode() == b'* ESEARCH (TAG "A01") UID PARTIAL (-1:-100 NIL)\r\n'
    scored = responses.EsearchData("B1", all=UidSet.of([1, 5, 10]), relevancy=(4, 99, 42))
    assert scored.encode() == b'* ESEARCH (TAG "B1") ALL 1,5,10 RELEVANCY (4 99 42)\r\n'


def test_an_empty_esearch_has_no_all_rfc4731_3_1() -> None:
    assert responses.EsearchData("A1", all=UidSet()).encode() == b'* ESEARCH (TAG "A1")\r\n'


def test_id_and_enabled_and_vanished() -> None:
    assert responses.IdData((("name", "Mailkeep"),)).encode() == b'* ID ("name" "Mailkeep")\r\n'
    assert responses.IdData(None).encode() == b"* ID NIL\r\n"
    assert responses.EnabledData().encode() == b"* ENABLED\r\n"
    assert responses.VanishedData(UidSet.of([41, 43, 44]), earlier=True).encode() == (
        b"* VANISHED (EARLIER) 41,43:44\r\n"
    )


def test_uidplus_codes_pair_by_position_rfc4315_3() -> None:
    assert AppendUid(38505, (3955,)).encode() == b"APPENDUID 38505 3955"
    assert CopyUid(38505, (304, 319, 320), (3956, 3957, 3958)).encode() == (
        b"COPYUID 38505 304,319:320 3956:3958"
    )


def test_permanent_flags_rfc9051_7_1() -> None:
    assert PermanentFlags(("\\Seen", "\\*")).encode() == b"PERMANENTFLAGS (\\Seen \\*)"

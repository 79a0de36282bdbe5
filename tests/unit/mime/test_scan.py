"""Where parts begin and end: RFC 2046 section 5.1, in all its broken forms."""

from __future__ import annotations

import mmap
import tempfile

import pytest

from mailkeep.mime import octets as octets_module
from mailkeep.mime.scan import DEPTH_LIMIT, HEADER_LIMIT, PART_LIMIT, Entity, Kind, scan


def bodies(message: bytes) -> list[bytes]:
    """Bodies of all leaves."""
    return [message[e.body_start : e.body_end] for e in scan(message) if e.kind is Kind.LEAF]


def mixed(content: bytes, boundary: bytes = b"b") -> bytes:
    return b"Content-Type: multipart/mixed; boundary=%b\r\n\r\n%b" % (boundary, content)


def test_the_example_of_the_standard() -> None:
    # RFC 2046 section 5.1.1
    message = mixed(
        b"This is the preamble.  It is to be ignored.\r\n"
        b"--simple boundary\r\n\r\n"
        b"This is implicitly typed plain US-ASCII text.\r\nIt does NOT end with a linebreak.\r\n"
        b"--simple boundary\r\nContent-type: text/plain; charset=us-ascii\r\n\r\n"
        b"This is explicitly typed plain US-ASCII text.\r\nIt DOES end with a linebreak.\r\n\r\n"
        b"--simple boundary--\r\n\r\nThis is the epilogue.  It is also to be ignored.\r\n",
        b'"simple boundary"',
    )
    assert bodies(message) == [
        b"This is implicitly typed plain US-ASCII text.\r\nIt does NOT end with a linebreak.",
        b"This is explicitly typed plain US-ASCII text.\r\nIt DOES end with a linebreak.\r\n",
    ]


@pytest.mark.parametrize("eol", [b"\r\n", b"\n", b"\r"])
def test_line_ends_of_every_kind(eol: bytes) -> None:
    message = mixed(b"--b\r\nContent-Type: text/x\r\n\r\none\r\ntwo\r\n--b\r\n\r\n\r\n--b--\r\n").replace(
        b"\r\n", eol
    )
    assert bodies(message) == [b"one" + eol + b"two", b""]
    assert [e.lines for e in scan(message)] == [0, 1, 0]


def test_mixed_line_ends() -> None:
    assert bodies(mixed(b"--b\n\r\none\r\n--b\r\n\ntwo\n--b--")) == [b"one", b"two"]


def test_a_bare_cr_ends_no_line_where_lf_does() -> None:
    assert bodies(mixed(b"--b\r\n\r\none\r--b--\rtwo\r\n--b--")) == [b"one\r--b--\rtwo"]


def test_no_close_delimiter() -> None:
    assert bodies(mixed(b"--b\r\n\r\none\r\n--b\r\n\r\ntwo\r\n")) == [b"one", b"two\r\n"]


@pytest.mark.parametrize("padding", [b"", b" ", b" \t ", b"\t"])
def test_white_space_after_a_delimiter(padding: bytes) -> None:
    message = mixed(b"--b%b\r\n\r\none\r\n--b--%b\r\nepilogue" % (padding, padding))
    assert bodies(message) == [b"one"]


def test_white_space_at_the_end_of_a_boundary_parameter() -> None:
    # RFC 2046 section 5.1.1: a boundary does not end with white space.
    assert bodies(mixed(b"--b\r\n\r\none\r\n--b--", b'"b  "')) == [b"one"]


def test_a_delimiter_that_is_only_a_prefix() -> None:
    # RFC 2046 section 5.1.1: comparing the beginning of the line is enough.
    assert bodies(mixed(b"--b junk\r\n\r\none\r\n--b--junk\r\nepilogue")) == [b"one"]


@pytest.mark.parametrize(("outer", "inner"), [(b"b", b"bb"), (b"bb", b"b"), (b"b", b"b--")])
def test_boundaries_that_begin_alike(outer: bytes, inner: bytes) -> None:
    message = mixed(
        b"--%b\r\nContent-Type: multipart/alternative; boundary=%b\r\n\r\n"
        b"--%b\r\n\r\none\r\n--%b\r\n\r\ntwo\r\n--%b--\r\n"
        b"--%b\r\n\r\nthree\r\n--%b--\r\n" % (outer, inner, inner, inner, inner, outer, outer),
        outer,
    )
    assert bodies(message) == [b"one", b"two", b"three"]
    assert [e.depth for e in scan(message)] == [0, 1, 2, 2, 1]


def test_the_same_boundary_within_itself_belongs_to_the_inner_one_until_it_closes() -> None:
    inner = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\none\r\n--b--\r\n"
    message = mixed(b"--b\r\n" + inner + b"--b\r\n\r\ntwo\r\n--b--\r\n")
    assert bodies(message) == [b"one", b"two"]
    assert [e.depth for e in scan(message)] == [0, 1, 2, 1]


def test_an_outer_delimiter_ends_inner_parts() -> None:
    inner = b"Content-Type: multipart/mixed; boundary=i\r\n\r\n--i\r\n\r\none\r\n"
    assert bodies(mixed(b"--b\r\n" + inner + b"--b\r\n\r\ntwo\r\n--b--")) == [b"one", b"two"]


def test_delimiters_in_an_epilogue_mean_nothing() -> None:
    inner = (
        b"Content-Type: multipart/mixed; boundary=bi\r\n\r\n--bi\r\n\r\none\r\n--bi--\r\n--bi\r\n\r\nx\r\n"
    )
    message = mixed(b"--b\r\n" + inner + b"--b\r\n\r\ntwo\r\n--b--\r\n--b\r\n\r\nthree\r\n")
    assert bodies(message) == [b"one", b"two"]


def test_a_delimiter_ends_a_header_without_blank_line() -> None:
    message = mixed(b"--b\r\nContent-Type: text/x\r\n--b\r\nContent-Type: text/y\r\n\r\n--b--")
    assert [(e.subtype, e.body_end - e.body_start) for e in scan(message)[1:]] == [(b"x", 0), (b"y", 0)]


def test_adjacent_delimiters_hold_an_empty_part() -> None:
    assert bodies(mixed(b"--b\r\n--b\r\n\r\none\r\n--b--")) == [b"", b"one"]


def test_an_embedded_multipart_ends_with_the_message_that_holds_it() -> None:
    embedded = b"Content-Type: message/rfc822\r\n\r\n" + mixed(b"--i\r\n\r\none\r\n", b"i")
    message = mixed(b"--b\r\n" + embedded + b"--b\r\n\r\ntwo\r\n--b--")
    assert bodies(message) == [b"one", b"two"]
    assert [e.kind for e in scan(message)] == [
        Kind.MULTIPART, Kind.MESSAGE, Kind.MULTIPART, Kind.LEAF, Kind.LEAF,
    ]  # fmt: skip


@pytest.mark.parametrize("message", [b"", b"\r\n", b"\n", b"\r", b"x", b"Subject: x", b"Subject: x\r\n"])
def test_the_smallest_messages(message: bytes) -> None:
    (entity,) = scan(message)
    assert (entity.header_start, entity.body_start, entity.body_end) == (0, len(message), len(message))


def test_a_message_that_opens_with_a_blank_line_has_no_header() -> None:
    (entity,) = scan(b"\r\nContent-Type: text/html\r\n")
    assert (entity.body_start, entity.subtype) == (2, b"plain")


def test_a_boundary_of_rfc_2231_form() -> None:
    header = b"Content-Type: multipart/mixed; boundary*=us-ascii''a%20b\r\n\r\n"
    assert bodies(header + b"--a b\r\n\r\none\r\n--a b--") == [b"one"]


def test_fields_past_the_header_limit_are_not_read() -> None:
    padding = b"X: " + b"y" * HEADER_LIMIT + b"\r\n"
    (entity,) = scan(padding + b"Content-Type: text/html\r\n\r\nbody")
    assert entity.subtype == b"plain"
    assert entity.body_end - entity.body_start == 4


def test_nesting_of_1500_multiparts() -> None:
    found = scan(b"".join(mixed(b"--b%d.\r\n" % level, b"b%d." % level) for level in range(1500)))
    assert len(found) == DEPTH_LIMIT + 1
    assert found[-1].subtype == b"octet-stream"


def test_nesting_of_1500_multiparts_with_one_boundary() -> None:
    found = scan(mixed(b"--b\r\n") * 1500)
    assert max(e.depth for e in found) == DEPTH_LIMIT
    assert len(found) == 1501  # past the limit, each delimiter begins the next part of the innermost


def test_nesting_of_1500_messages() -> None:
    found = scan(b"Content-Type: message/rfc822\r\n\r\n" * 1500 + b"x")
    assert len(found) == DEPTH_LIMIT + 1
    assert found[-1].body_end == found[0].body_end


def test_more_parts_than_the_limit() -> None:
    found = scan(mixed(b"--b\r\n\r\n" * (PART_LIMIT * 2)))
    assert len(found) == PART_LIMIT


def _shape(entities: list[Entity]) -> list[tuple[int, int, int, int]]:
    return [(e.header_start, e.body_start, e.body_end, e.lines) for e in entities]


def test_twenty_megabytes_in_memory_and_mapped() -> None:
    line = b"QUJD" * 19 + b"\r\n"
    count = 20 * 1024 * 1024 // len(line)
    head = b"--b\r\nContent-Type: text/plain\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    message = mixed(head + line * count + b"--b\r\n\r\nend\r\n--b--\r\n")
    expected = scan(message)
    assert [e.lines for e in expected] == [0, count - 1, 0]
    with tempfile.TemporaryFile() as file:
        file.write(message)
        file.flush()
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
            assert _shape(scan(mapped)) == _shape(expected)


def test_windows_of_a_search_overlap(monkeypatch: pytest.MonkeyPatch) -> None:
    message = mixed(b"preamble\r\n--b\r\n\r\none\r\ntwo\r\n--b\r\n\r\nthree\r\n--b--\r\nepilogue")
    expected = _shape(scan(message))
    for window in range(1, 12):
        monkeypatch.setattr(octets_module, "WINDOW", window)
        assert _shape(scan(message)) == expected
        assert _shape(scan(memoryview(message))) == expected

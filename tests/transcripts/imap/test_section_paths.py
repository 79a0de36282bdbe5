"""One section, many ways: alone, remembered, with the part index, with the whole message, by a URL; of a
message that is read at once and of one that is streamed. All give the same octets."""

from __future__ import annotations

import random
import re

import pytest
from tests.support.imap_host import Client, Login

STREAMED = 1_100_000  # octets; more than is read at once
FIELDS = (
    b"Subject: s\r\n",
    b"Subject : odd\r\n",
    b"X-A: 1\r\n two\r\n",
    b"x-a: 2\r\n",
    b"no field\r\n",
    b"A B: c\r\n",
    b"To: \xc3\xa9@x\r\n",
)
BODIES = (b"", b"text\r\n", b"aGVsbG8=\r\n", b"=41=\r\nx", b"\r\n\r\n", b"\xff\xfe", b"AAAA====BB")
ENCODINGS = (b"base64", b"quoted-printable", b"8bit", b"binary")
PARTS = ("1", "1.1", "1.2", "1.1.1", "3")
NAMES = ('(Subject "A B")', '("Subject " X-A)', '("X:" "a b")')


def entity(choose: random.Random, depth: int) -> bytes:
    """Something that a part may be."""
    head = b"".join(choose.sample(FIELDS, choose.randint(0, 3)))
    kind = choose.randrange(3) if depth else 0
    if kind == 1:
        return b"Content-Type: message/rfc822\r\n\r\n" + head + entity(choose, depth - 1)
    if kind == 2:
        boundary = b"b%d" % depth
        parts = [entity(choose, depth - 1) for _ in range(choose.randint(0, 2))]
        inside = b"".join(b"--%b\r\n%b\r\n" % (boundary, part) for part in parts)
        return b"Content-Type: multipart/mixed; boundary=%b\r\n%b\r\n%b--%b--\r\n" % (
            boundary,
            head,
            inside,
            boundary,
        )
    encoding = b"Content-Transfer-Encoding: %b\r\n" % choose.choice(ENCODINGS)
    return b"Content-Type: text/plain\r\n%b%b\r\n%b" % (encoding, head, choose.choice(BODIES))


def message(choose: random.Random, filling: int) -> bytes:
    """Part 1 is what matters; part 2 makes it as large as it has to be."""
    head = b"".join(choose.sample(FIELDS, len(FIELDS)))
    first = entity(choose, 3)
    return (
        b"%bContent-Type: multipart/mixed; boundary=outer\r\n\r\n" % head
        + b"--outer\r\n%b\r\n--outer\r\n\r\n%b\r\n--outer--\r\n" % (first, b"f" * filling)
    )


def sections() -> list[str]:
    """Every kind of section that part 2 has no share in."""
    found = ["HEADER", *(f"HEADER.FIELDS {names}" for names in NAMES), f"HEADER.FIELDS.NOT {NAMES[0]}"]
    for part in PARTS:
        of_part = ("MIME", "HEADER", "TEXT", f"HEADER.FIELDS {NAMES[0]}", f"HEADER.FIELDS.NOT {NAMES[1]}")
        found += [part, *(f"{part}.{text}" for text in of_part)]
    return found


class Reader:
    """Asks for one section at a time; its octets, or None for NIL."""

    def __init__(self, client: Client) -> None:
        self.client = client

    def fetch(self, uid: int, item: str, beside: str = "") -> bytes | None:
        """`item` is asked for last, so that its octets stand last."""
        self.client.send(f"r UID FETCH {uid} ({beside}{item})\r\n".encode())
        return self._last()

    def url(self, url: str) -> bytes | None:
        """By a signed URL."""
        (line,) = self.client.command(f'GENURLAUTH "{url};URLAUTH=anonymous" INTERNAL')
        self.client.send(b"r URLFETCH %b\r\n" % line.removeprefix("* GENURLAUTH ").encode())
        return self._last()

    def _last(self) -> bytes | None:
        found: bytes | None = None
        while not (line := self.client.line()).startswith("r "):
            literal = re.search(r"\{(\d+)\}$", line)
            if literal is not None:
                found = self.client.octets(int(literal[1]))
            elif line.endswith(("NIL", "NIL)")):
                found = None
        assert line.startswith("r OK"), line
        return found


@pytest.mark.parametrize("seed", range(4))
def test_all_ways_lead_to_the_same(client: Client, user: Login, seed: int) -> None:
    choose = random.Random(seed)  # the same every time: a failure can be repeated
    reader = Reader(client)
    state = choose.getstate()
    small = client.append("INBOX", message(choose, 1))
    choose.setstate(state)
    large = client.append("INBOX", message(choose, STREAMED))
    place = f"imap://{user.address.replace('@', '%40')}@mail.example/INBOX"
    for section in sections():
        partial = choose.choice(["", "", "<1.3>", "<0.1000>"])
        item = f"BODY.PEEK[{section}]{partial}"
        ways = [
            reader.fetch(small, item),
            reader.fetch(small, item),  # remembered
            reader.fetch(small, item, "BODY.PEEK[] "),
            reader.fetch(small, item, "BODY.PEEK[2] "),
            reader.fetch(large, item),
            reader.fetch(large, item, "BODY.PEEK[1] "),
        ]
        if '"' not in section:
            range_of_url = partial.strip("<>")
            end = f"/;PARTIAL={range_of_url}" if partial else ""
            ways += [reader.url(f"{place}/;UID={uid}/;SECTION={section}{end}") for uid in (small, large)]
        assert ways.count(ways[0]) == len(ways), (item, ways)
    for part in PARTS:
        decoded = {reader.fetch(uid, f"BINARY.PEEK[{part}]") for uid in (small, large)}
        assert len(decoded) == 1, part

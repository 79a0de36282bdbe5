"""Letters from an account elsewhere: answers and forwards as RFC 5322 has them."""

from __future__ import annotations

import email
import uuid
from dataclasses import replace
from datetime import UTC, datetime
from email import policy
from email.message import EmailMessage

import pytest

from mailkeep.errors import InvalidName, TooLarge
from mailkeep.mime.compose import File, Named, compose
from mailkeep.model.address import Address
from mailkeep.model.directory import User
from mailkeep.model.upstream import UpstreamRecord
from mailkeep.settings import Settings
from mailkeep.upstream.config import AccountConfig
from mailkeep.upstream.writing import FILES_LIMIT, Letter, draft_of, send

ANN = Named(Address.parse("ann@elsewhere.test"), "Ann")
BOB = Named(Address.parse("bob@far.test"))
NOW = datetime.now(UTC)
PARENT = (
    b"Message-ID: <2@far.test>\r\nReferences: <1@far.test>\r\nFrom: Bob <bob@far.test>\r\n"
    b"To: ann@elsewhere.test, cy@far.test\r\nDate: Thu, 1 Jan 2026 12:00:00 +0000\r\nSubject: plan\r\n"
    b"MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
    b"--b\r\n\r\nAt nine.\r\n--b\r\nContent-Type: text/plain\r\n"
    b'Content-Disposition: attachment; filename="../x.txt"\r\n\r\nfile\r\n--b--\r\n'
)


def written(letter: Letter) -> EmailMessage:
    found = email.message_from_bytes(
        compose(draft_of(letter, ANN, "3@elsewhere.test")), policy=policy.default
    )
    assert isinstance(found, EmailMessage)
    return found


@pytest.mark.parametrize(("everybody", "cc"), [(False, None), (True, "cy@far.test")])
def test_an_answer_joins_its_thread(everybody: bool, cc: str | None) -> None:
    found = written(Letter(text="Fine.", answers=PARENT, answers_everybody=everybody))
    assert (found["To"], found["Cc"], found["Subject"]) == ("bob@far.test", cc, "Re: plan")
    assert (found["In-Reply-To"], found["References"]) == ("<2@far.test>", "<1@far.test> <2@far.test>")
    assert found["Message-ID"] == "<3@elsewhere.test>"


def test_a_forward_brings_text_and_files() -> None:
    found = written(Letter(to=(BOB,), text="See below.", forwards=PARENT))
    assert (found["Subject"], found["In-Reply-To"]) == ("Fwd: plan", None)
    body = found.get_body(("plain",))
    assert body is not None
    text = body.get_content().replace("\r\n", "\n")
    assert text.startswith("See below.")
    assert "From: Bob <bob@far.test>\nDate: Thu, 1 Jan 2026 12:00:00 +0000\n" in text
    assert "At nine." in text
    (file,) = found.iter_attachments()
    assert (file.get_filename(), file.get_content()) == ("x.txt", "file")


def test_a_forward_as_a_message_is_the_message() -> None:
    found = written(Letter(to=(BOB,), text="See below.", forwards=PARENT, forwards_as="message"))
    (attached,) = found.iter_attachments()
    assert attached.get_content_type() == "message/rfc822"
    assert PARENT in compose(draft_of(Letter(to=(BOB,), forwards=PARENT, forwards_as="message"), ANN, "3@x"))


def test_there_is_a_limit_to_files() -> None:
    files = (File("x", "text/plain", b""),) * (FILES_LIMIT + 1)
    with pytest.raises(InvalidName, match="at most 100 files"):
        draft_of(Letter(to=(BOB,), files=files), ANN, "3@x")


@pytest.mark.parametrize(
    ("letter", "error"),
    [
        (Letter(to=(BOB,), files=(File("x", "text/plain", b"x" * 3000),)), TooLarge),
        (Letter(to=(BOB,), text="x" * 3000), TooLarge),
        (Letter(to=()), InvalidName),
        (Letter(bcc=tuple(Named(Address.parse(f"{n}@far.test")) for n in range(201))), InvalidName),
    ],
)
async def test_what_is_too_much_never_comes_to_the_queue(letter: Letter, error: type[Exception]) -> None:
    """There is no store that could take it."""
    user = User(uuid.uuid4(), 1, "", "", "", "alice@example.test", False, NOW, None)
    settings = replace(Settings(), smtp=replace(Settings().smtp, max_message_size=2000))
    record = UpstreamRecord(uuid.uuid4(), user.id, "work", "", NOW)
    config = AccountConfig("ann@elsewhere.test", smtp="elsewhere.test:465")
    with pytest.raises(error):
        await send(None, settings, user, (record, config), letter)  # type: ignore[arg-type]

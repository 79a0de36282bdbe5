"""Commands put together at random: each is answered, none is our fault."""

from __future__ import annotations

import random

import pytest
from tests.support.imap_host import Client, ImapHost, Login

MESSAGE = b"Subject: x\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\ny\r\n--b--\r\n"
COMMANDS = 400
VERBS = [
    "FETCH",
    "UID FETCH",
    "STORE",
    "UID STORE",
    "SEARCH",
    "UID SEARCH",
    "SORT",
    "UID SORT",
    "COPY",
    "UID COPY",
    "MOVE",
    "UID MOVE",
    "EXPUNGE",
    "UID EXPUNGE",
    "SELECT",
    "EXAMINE",
    "CREATE",
    "DELETE",
    "RENAME",
    "SUBSCRIBE",
    "UNSUBSCRIBE",
    "STATUS",
    "LIST",
    "LSUB",
    "NOOP",
    "CHECK",
    "CLOSE",
    "UNSELECT",
    "ENABLE",
    "ID",
    "NAMESPACE",
    "CAPABILITY",
    "THREAD",
    "GETQUOTA",
    "GETQUOTAROOT",
    "SETQUOTA",
    "GETMETADATA",
    "SETMETADATA",
    "SETACL",
    "DELETEACL",
    "GETACL",
    "LISTRIGHTS",
    "MYRIGHTS",
    "ESEARCH",
    "ESEARCH IN (personal)",
    "NOTIFY SET",
    "NOTIFY",
    "CANCELUPDATE",
    "RESETKEY",
    "GENURLAUTH",
    "URLFETCH",
    "APPEND INBOX CATENATE",
]
WORDS = [
    r"1",
    r"1:*",
    r"*",
    r"2,1",
    r"5:3",
    r"$",
    r"0",
    r"99",
    r"(FLAGS UID)",
    r"FLAGS",
    r"UID",
    r"ENVELOPE",
    r"BODY[]",
    r"BODY[1.2.HEADER]",
    r"BODY[TEXT]<0.5>",
    r"RFC822",
    r"BODY.PEEK[HEADER.FIELDS (A B)]",
    r"RFC822.SIZE",
    r"INTERNALDATE",
    r"BODYSTRUCTURE",
    r"RETURN (UPDATE COUNT)",
    r"RETURN (PARTIAL -1:-5 SAVE)",
    r"UIDONLY",
    r"(personal (MessageNew MessageExpunge FlagChange MailboxName))",
    r"(selected (MessageNew (UID FLAGS BODY.PEEK[TEXT]) MessageExpunge))",
    r"(selected-delayed (MessageNew MessageExpunge FlagChange))",
    r"NONE",
    r"(mailboxes (INBOX a/b) (SubscriptionChange MailboxMetadataChange))",
    r'"T1"',
    r'(URL ";UID=1" URL "/INBOX/;UID=2/;SECTION=TEXT")',
    r"imap://a%40example.test@x/INBOX/;UID=1;URLAUTH=anonymous",
    r"INTERNAL",
    r"BINARY[1]",
    r"(BINARY.SIZE[1] BINARY.PEEK[2]<0.3>)",
    r"IMAP4rev2",
    r"UTF8=ACCEPT",
    r"BODY",
    r"MODSEQ",
    r"EMAILID",
    r"PREVIEW",
    r"(CHANGEDSINCE 1)",
    r"(UNCHANGEDSINCE 2)",
    r"+FLAGS",
    r"-FLAGS.SILENT",
    r"(\Seen)",
    r"(\Deleted x)",
    r"()",
    r"INBOX",
    r"Trash",
    r"a/b",
    r"a",
    r'""',
    r'"*"',
    r"%",
    r"Nope",
    r"(USE (\Junk))",
    r"ALL",
    r"UNSEEN",
    r"NOT",
    r"OR",
    r"SUBJECT x",
    r"TEXT y",
    r"BODY z",
    r"SINCE 1-Jan-2020",
    r"UID 1:*",
    r"LARGER 3",
    r"MODSEQ 1",
    r"KEYWORD x",
    r'HEADER A ""',
    r"RETURN (MIN COUNT)",
    r"RETURN (SAVE)",
    r"RETURN ()",
    r"CHARSET UTF-8",
    r"(SUBJECT REVERSE DATE)",
    r"(FROM TO CC SIZE ARRIVAL)",
    r"UTF-8",
    r"(MESSAGES UIDNEXT SIZE RECENT)",
    r"(SUBSCRIBED)",
    r"(CONDSTORE)",
    r"RETURN (STATUS (MESSAGES))",
    r"(SUBSCRIBED RECURSIVEMATCH)",
    r"NIL",
    r"(STORAGE 1)",
    r"/shared/a",
    r"(/private/a /shared)",
    r'(/private/a "b" /shared/c NIL)',
    r"(DEPTH infinity MAXSIZE 1)",
    r"RETURN (METADATA (/private/a) MYRIGHTS)",
    r"nobody@example.test",
    r"+lrs",
    r'"Other Users/x@y/z"',
    r'("a" "b")',
    r"[",
    r"]",
    r"(",
    r")",
    r'"',
    r"\ ",
]


def command(choose: random.Random) -> str:
    """A verb and up to five words."""
    words = [choose.choice(WORDS) for _ in range(choose.randint(0, 5))]
    return " ".join([choose.choice(VERBS), *words])


def fresh(host: ImapHost, user: Login) -> Client:
    """A session that has something to work on."""
    client = host.log_in(user, "INBOX")
    client.append("INBOX", MESSAGE)
    return client


@pytest.mark.parametrize("seed", range(2))
def test_every_command_has_an_answer(host: ImapHost, user: Login, seed: int) -> None:
    choose = random.Random(seed)  # the same every time: a failure can be repeated
    client = fresh(host, user)
    for _ in range(COMMANDS):
        sent = command(choose)
        status = client.exchange(sent)[-1]
        assert status.startswith(("OK", "NO", "BAD")), sent
        assert "SERVERBUG" not in status, sent
        client.exchange("NOOP")  # a good command forgives bad ones
    client.close()

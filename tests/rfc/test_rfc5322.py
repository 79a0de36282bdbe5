"""RFC 5322 appendix A: its example messages, as envelopes and summaries."""

from __future__ import annotations

from datetime import UTC, datetime

from mailkeep.mime.prepare import prepare
from mailkeep.model.message import PreparedMessage


def prepared(message: str) -> PreparedMessage:
    return prepare(message.replace("\n", "\r\n").encode())


def test_a_1_1_from_one_person_to_another() -> None:
    found = prepared("""\
From: John Doe <jdoe@machine.example>
Sender: Michael Jones <mjones@machine.example>
To: Mary Smith <mary@example.net>
Subject: Saying Hello
Date: Fri, 21 Nov 1997 09:55:06 -0600
Message-ID: <1234@local.machine.example>

This is a message just to say hello.
So, "Hello".
""")
    assert found.envelope == (
        b'("Fri, 21 Nov 1997 09:55:06 -0600" "Saying Hello" '
        b'(("John Doe" NIL "jdoe" "machine.example")) (("Michael Jones" NIL "mjones" "machine.example")) '
        b'(("John Doe" NIL "jdoe" "machine.example")) (("Mary Smith" NIL "mary" "example.net")) '
        b'NIL NIL NIL "<1234@local.machine.example>")'
    )
    assert found.summary.preview == 'This is a message just to say hello. So, "Hello".'


def test_a_1_3_group_addresses() -> None:
    found = prepared("""\
From: Pete <pete@silly.example>
To: A Group:Ed Jones <c@a.test>,joe@where.test,John <jdoe@one.test>;
Cc: Undisclosed recipients:;
Date: Thu, 13 Feb 1969 23:32:54 -0330
Message-ID: <testabcd.1234@silly.example>

Testing.
""")
    assert (
        b'((NIL NIL "A Group" NIL)("Ed Jones" NIL "c" "a.test")(NIL NIL "joe" "where.test")'
        b'("John" NIL "jdoe" "one.test")(NIL NIL NIL NIL)) '
        b'((NIL NIL "Undisclosed recipients" NIL)(NIL NIL NIL NIL)) NIL NIL'
    ) in found.envelope
    assert found.summary.sent_at == datetime(1969, 2, 14, 3, 2, 54, tzinfo=UTC)


def test_a_2_a_reply() -> None:
    found = prepared("""\
To: "Mary Smith: Personal Account" <smith@home.example>
From: John Doe <jdoe@machine.example>
Subject: Re: Saying Hello
Date: Fri, 21 Nov 1997 11:00:00 -0600
Message-ID: <abcd.1234@local.machine.test>
In-Reply-To: <3456@example.net>
References: <1234@local.machine.example> <3456@example.net>

This is a reply to your reply.
""")
    assert b'(("Mary Smith: Personal Account" NIL "smith" "home.example"))' in found.envelope
    assert found.envelope.endswith(b'"<3456@example.net>" "<abcd.1234@local.machine.test>")')
    assert found.summary.references == ("1234@local.machine.example", "3456@example.net")
    assert found.summary.base_subject == "Saying Hello"


def test_a_5_white_space_comments_and_other_oddities() -> None:
    found = prepared("""\
From: Pete(A nice \\) chap) <pete(his account)@silly.test(his host)>
To:A Group(Some people)
     :Chris Jones <c@(Chris's host.)public.example>,
         joe@example.org,
  John <jdoe@one.test> (my dear friend); (the end of the group)
Cc:(Empty list)(start)Hidden recipients  :(nobody(that I know))  ;
Date: Thu,
      13
        Feb
          1969
      23:32
               -0330 (Newfoundland Time)
Message-ID:              <testabcd.1234@silly.test>

Testing.
""")
    assert b'(("Pete" NIL "pete" "silly.test"))' in found.envelope
    assert (
        b'((NIL NIL "A Group" NIL)("Chris Jones" NIL "c" "public.example")(NIL NIL "joe" "example.org")'
        b'("John" NIL "jdoe" "one.test")(NIL NIL NIL NIL)) '
        b'((NIL NIL "Hidden recipients" NIL)(NIL NIL NIL NIL)) NIL NIL "<testabcd.1234@silly.test>")'
    ) in found.envelope
    assert found.summary.sent_at == datetime(1969, 2, 14, 3, 2, tzinfo=UTC)


def test_a_6_1_obsolete_addressing() -> None:
    found = prepared("""\
From: Joe Q. Public <john.q.public@example.com>
To: Mary Smith <@node.test:mary@example.net>, , jdoe@test  . example
Date: Tue, 1 Jul 2003 10:52:37 +0200
Message-ID: <5678.21-Nov-1997@example.com>

Hi everyone.
""")
    assert b'(("Joe Q. Public" NIL "john.q.public" "example.com"))' in found.envelope
    assert (
        b'(("Mary Smith" "@node.test" "mary" "example.net")(NIL NIL "jdoe" "test.example"))' in found.envelope
    )


def test_a_6_2_obsolete_dates() -> None:
    found = prepared("""\
From: John Doe <jdoe@machine.example>
To: Mary Smith <mary@example.net>
Subject: Saying Hello
Date: 21 Nov 97 09:55:06 GMT
Message-ID: <1234@local.machine.example>

This is a message just to say hello.
""")
    assert found.summary.sent_at == datetime(1997, 11, 21, 9, 55, 6, tzinfo=UTC)


def test_a_6_3_obsolete_white_space_and_comments() -> None:
    found = prepared("""\
From  : John Doe <jdoe@machine(comment).  example>
To    : Mary Smith
\x20\x20
          <mary@example.net>
Subject     : Saying Hello
Date  : Fri, 21 Nov 1997 09(comment):   55  :  06 -0600
Message-ID  : <1234   @   local(blah)  .machine .example>

This is a message just to say hello.
""")
    assert b'(("John Doe" NIL "jdoe" "machine.example"))' in found.envelope
    assert b'(("Mary Smith" NIL "mary" "example.net"))' in found.envelope
    assert found.summary.subject == "Saying Hello"
    assert found.summary.sent_at == datetime(1997, 11, 21, 15, 55, 6, tzinfo=UTC)

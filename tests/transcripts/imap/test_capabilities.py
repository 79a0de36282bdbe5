"""One proof for each capability: what is advertised works, and nothing is advertised that has none here."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from tests.support.imap_deflate import deflate
from tests.support.imap_host import Client, ImapHost, Login

MESSAGE = b"Subject: one\r\n\r\nbody\r\n"
Proof = Callable[[Client], None]


def rev1(client: Client) -> None:
    client.play("C: p CHECK\nS: p OK ...")


def literal_plus(client: Client) -> None:
    client.send(b"p STATUS {5+}\r\nINBOX (MESSAGES)\r\n")
    client.play("S: * STATUS INBOX (MESSAGES 0)\nS: p OK ...")


def rev2(client: Client) -> None:
    client.append("INBOX", MESSAGE)
    client.play(
        """
        C: p ENABLE IMAP4rev2
        S: * ENABLED IMAP4rev2
        S: p OK ...
        C: q SEARCH ALL
        S: * ESEARCH (TAG "q") ALL 1
        S: q OK ...
        """
    )


def utf8_accept(client: Client) -> None:
    client.play(
        """
        C: p ENABLE UTF8=ACCEPT
        S: * ENABLED UTF8=ACCEPT
        S: p OK ...
        C: q CREATE "Größe"
        S: q OK ...
        C: r LIST "" Gr%
        S: * LIST (\\HasNoChildren) "/" "Größe"
        S: r OK ...
        """
    )


def binary(client: Client) -> None:
    client.append("INBOX", b"Content-Transfer-Encoding: base64\r\n\r\nYQBi\r\n")
    client.play("C: p FETCH 1 (BINARY.SIZE[1] BINARY.PEEK[1])\nS: * 1 FETCH (BINARY.SIZE[1] 3 BINARY[1] ~{3}")
    client.play("S: a\0b)\nS: p OK ...")
    client.send(b"q APPEND INBOX ~{7+}\r\n\r\nx\0y\r\n\r\n")
    assert client.until("q")[-1].startswith("OK [APPENDUID")


def partial(client: Client) -> None:
    client.append("INBOX", MESSAGE)
    client.append("INBOX", MESSAGE)
    client.play(
        'C: p SEARCH RETURN (PARTIAL -1:-1) ALL\nS: * ESEARCH (TAG "p") PARTIAL (-1:-1 2)\nS: p OK ...'
    )
    client.play("C: q UID FETCH 1:* UID (PARTIAL 1:1)\nS: * 1 FETCH (UID 1)\nS: q OK ...")


def uidonly(client: Client) -> None:
    client.append("INBOX", MESSAGE)
    client.command("ENABLE UIDONLY")
    client.play("C: p UID FETCH 1 FLAGS\nS: * 1 UIDFETCH (FLAGS (\\Recent))\nS: p OK ...")
    client.play("C: q FETCH 1 FLAGS\nS: q BAD [UIDREQUIRED] ...")


def catenate(client: Client) -> None:
    client.append("INBOX", MESSAGE)
    client.send(b'p APPEND INBOX CATENATE (URL "/INBOX/;UID=1/;SECTION=HEADER" TEXT {3+}\r\nnew)\r\n')
    assert client.until("p")[-1].startswith("OK [APPENDUID")
    client.play(
        "C: q FETCH 2 BODY.PEEK[]\nS: * 2 FETCH (BODY[] {19}\nS: Subject: one\nS:\nS: new)\nS: q OK ..."
    )


def replace(client: Client) -> None:
    client.append("INBOX", MESSAGE)
    client.send(b"p REPLACE 1 INBOX (\\Draft) {3+}\r\nnew\r\n")
    client.play("S: * OK [APPENDUID ... 2] ...\nS: * 1 EXPUNGE\nS: * 1 EXISTS\nS: * ... RECENT\nS: p OK ...")


def context_search(client: Client) -> None:
    client.append("INBOX", MESSAGE)
    client.play('C: p UID SEARCH RETURN (UPDATE COUNT) SEEN\nS: * ESEARCH (TAG "p") UID COUNT 0\nS: p OK ...')
    lines = client.command(r"STORE 1 +FLAGS.SILENT (\Seen)")
    assert lines == ['* ESEARCH (TAG "p") UID ADDTO (0 1)']
    client.play('C: q CANCELUPDATE "p"\nS: q OK ...')


def notify(client: Client) -> None:
    client.append("Sent", MESSAGE)
    client.play(
        """
        C: p NOTIFY SET STATUS (mailboxes Sent (MessageNew MessageExpunge))
        S: * STATUS Sent (MESSAGES 1 UIDNEXT 2 ...)
        S: p OK ...
        """
    )


def multisearch(client: Client) -> None:
    client.append("Sent", MESSAGE)
    client.play(
        "C: p ESEARCH IN (personal) ALL\nS: * ESEARCH (TAG ... MAILBOX Sent ...) UID ALL 1\nS: p OK ..."
    )


def i18nlevel(client: Client) -> None:
    client.append("INBOX", "Subject: \u00e5\r\n\r\n".encode())
    client.send("p SEARCH CHARSET UTF-8 SUBJECT {3+}\r\nA\u030a\r\n".encode())
    client.play("S: * SEARCH 1\nS: p OK ...")


def id_command(client: Client) -> None:
    client.play('C: p ID NIL\nS: * ID ("name" ...)\nS: p OK ...')


def enable(client: Client) -> None:
    client.play("C: p ENABLE X-NONE\nS: * ENABLED\nS: p OK ...")


def idle(client: Client) -> None:
    client.play("C: p IDLE\nS: + ...\nC: DONE\nS: p OK ...")


def uidplus(client: Client) -> None:
    uid = client.append("INBOX", MESSAGE, r"(\Deleted) ")
    client.play(f"C: p UID COPY {uid} Trash\nS: p OK [COPYUID ... {uid} 1] ...")
    client.play(f"C: q UID EXPUNGE {uid}\nS: * 1 EXPUNGE\nS: q OK ...")


def move(client: Client) -> None:
    client.append("INBOX", MESSAGE)
    client.play("C: p MOVE 1 Trash\nS: * OK [COPYUID ...] ...\nS: * 1 EXPUNGE\nS: p OK ...")


def namespace(client: Client) -> None:
    client.play('C: p NAMESPACE\nS: * NAMESPACE (("" "/")) (("Other Users/" "/")) NIL\nS: p OK ...')


def unselect(client: Client) -> None:
    client.play("C: p UNSELECT\nS: p OK ...\nC: q CHECK\nS: q BAD ...")


def special_use(client: Client) -> None:
    client.play('C: p LIST "" Junk\nS: * LIST (\\HasNoChildren \\Junk) "/" Junk\nS: p OK ...')


def children(client: Client) -> None:
    client.command("CREATE x/y")
    client.play('C: p LIST "" x\nS: * LIST (\\HasChildren) "/" x\nS: p OK ...')


def condstore(client: Client) -> None:
    client.append("INBOX", MESSAGE)
    named = client.play(
        "C: p FETCH 1 MODSEQ\nS: * OK [HIGHESTMODSEQ ...] ...\nS: * 1 FETCH (MODSEQ (<m>))\nS: p OK ..."
    )
    client.play(f"C: q FETCH 1 (UID) (CHANGEDSINCE {named['m']})\nS: q OK ...")


def qresync(client: Client) -> None:
    client.append("INBOX", MESSAGE)
    client.append("INBOX", MESSAGE, r"(\Deleted) ")
    named = client.play(
        """
        C: p ENABLE QRESYNC
        S: * OK [HIGHESTMODSEQ <m>] ...
        S: * ENABLED QRESYNC
        S: p OK ...
        C: q EXPUNGE
        S: * VANISHED 2
        S: q OK [HIGHESTMODSEQ ...] ...
        """
    )
    client.play(f"C: r UID FETCH 1:* FLAGS (CHANGEDSINCE {named['m']} VANISHED)")
    client.play("S: * VANISHED (EARLIER) 2\nS: r OK ...")


def esearch(client: Client) -> None:
    client.append("INBOX", MESSAGE)
    client.play('C: p SEARCH RETURN (COUNT) ALL\nS: * ESEARCH (TAG "p") COUNT 1\nS: p OK ...')


def searchres(client: Client) -> None:
    client.append("INBOX", MESSAGE)
    client.play(
        "C: p SEARCH RETURN (SAVE) ALL\nS: p OK ...\nC: q FETCH $ UID\nS: * 1 FETCH (UID 1)\nS: q OK ..."
    )


def within(client: Client) -> None:
    client.append("INBOX", MESSAGE)
    client.play("C: p SEARCH YOUNGER 3600\nS: * SEARCH 1\nS: p OK ...")
    client.play("C: q SEARCH OLDER 3600\nS: * SEARCH\nS: q OK ...")


def search_fuzzy(client: Client) -> None:
    client.append("INBOX", b"Subject: the weather report\r\n\r\n")
    client.append("INBOX", b"Subject: report of weather\r\n\r\n")
    client.play(
        """
        C: p SEARCH FUZZY (SUBJECT "wether reprot")
        S: * SEARCH 1 2
        S: p OK ...
        C: q SORT RETURN (ALL RELEVANCY) (RELEVANCY) UTF-8 FUZZY SUBJECT "weather report"
        S: * ESEARCH (TAG "q") ALL 1:2 RELEVANCY (100 90)
        S: q OK ...
        """
    )


def objectid(client: Client) -> None:
    client.append("INBOX", MESSAGE)
    named = client.play(
        "C: p FETCH 1 (EMAILID THREADID)\nS: * 1 FETCH (EMAILID (<id>) THREADID NIL)\nS: p OK ..."
    )
    client.play(f"C: q SEARCH EMAILID {named['id'].rstrip(')')}\nS: * SEARCH 1\nS: q OK ...")


def savedate(client: Client) -> None:
    client.append("INBOX", MESSAGE, '"01-Jan-2001 00:00:00 +0000" ')
    client.play(
        f'C: p FETCH 1 SAVEDATE\nS: * 1 FETCH (SAVEDATE "...-{time.gmtime().tm_year} ...")\nS: p OK ...'
    )
    client.play("C: q SEARCH SAVEDSINCE 1-Jan-2020\nS: * SEARCH 1\nS: q OK ...")


def preview(client: Client) -> None:
    client.append("INBOX", MESSAGE)
    client.play('C: p FETCH 1 (PREVIEW)\nS: * 1 FETCH (PREVIEW "body")\nS: p OK ...')


def status_size(client: Client) -> None:
    client.append("INBOX", MESSAGE)
    client.play("C: p STATUS INBOX (SIZE)\nS: * STATUS INBOX (SIZE 22)\nS: p OK ...")


def list_extended(client: Client) -> None:
    client.play(
        r"""
        C: p LIST (SPECIAL-USE) "" ("Dr%" "Se%" "IN*") RETURN (SUBSCRIBED)
        S: * LIST (\HasNoChildren \Drafts \Subscribed) "/" Drafts
        S: * LIST (\HasNoChildren \Sent \Subscribed) "/" Sent
        S: p OK ...
        """
    )


def list_status(client: Client) -> None:
    client.play(
        r"""
        C: p LIST "" INBOX RETURN (STATUS (MESSAGES UNSEEN))
        S: * LIST (\HasNoChildren) "/" INBOX
        S: * STATUS INBOX (MESSAGES 0 UNSEEN 0)
        S: p OK ...
        """
    )


def create_special_use(client: Client) -> None:
    client.play(
        r"""
        C: p CREATE More-Junk (USE (\Junk))
        S: p OK ...
        C: q LIST "" More-Junk
        S: * LIST (\HasNoChildren \Junk) "/" More-Junk
        S: q OK ...
        C: r CREATE Everything (USE (\All))
        S: r NO [USEATTR] ...
        """
    )


def multiappend(client: Client) -> None:
    client.send(b"p APPEND INBOX (\\Seen) {1+}\r\na {2+}\r\nbb (x) {3+}\r\nccc\r\n")
    client.play("S: * FLAGS ...\nS: * 3 EXISTS\nS: * 3 RECENT\nS: p OK [APPENDUID ... 1:3] ...")


def appendlimit(client: Client) -> None:
    limit = next(word for word in advertised(client) if word.startswith("APPENDLIMIT=")).partition("=")[2]
    client.play(f"C: p STATUS INBOX (APPENDLIMIT)\nS: * STATUS INBOX (APPENDLIMIT {limit})\nS: p OK ...")
    client.play(f"C: q APPEND INBOX {{{int(limit) + 1}}}\nS: q NO [TOOBIG] ...")


def sort(client: Client) -> None:
    client.append("INBOX", b"Subject: b\r\n\r\n")
    client.append("INBOX", b"Subject: A\r\n\r\n")
    client.play("C: p SORT (SUBJECT) UTF-8 ALL\nS: * SORT 2 1\nS: p OK ...")


def sort_display(client: Client) -> None:
    client.append("INBOX", b"From: Zoe <a@x>\r\n\r\n")
    client.append("INBOX", b"From: Adam <z@x>\r\n\r\n")
    client.play("C: p SORT (DISPLAYFROM) UTF-8 ALL\nS: * SORT 2 1\nS: p OK ...")


def esort(client: Client) -> None:
    client.append("INBOX", b"Subject: b\r\n\r\n")
    client.append("INBOX", b"Subject: A\r\n\r\n")
    client.play(
        'C: p SORT RETURN (MIN ALL) (SUBJECT) UTF-8 ALL\nS: * ESEARCH (TAG "p") MIN 2 ALL 2,1\nS: p OK ...'
    )


def thread_orderedsubject(client: Client) -> None:
    client.append("INBOX", b"Subject: a\r\n\r\n")
    client.append("INBOX", b"Subject: b\r\n\r\n")
    client.append("INBOX", b"Subject: Re: A\r\n\r\n")
    client.play("C: p THREAD ORDEREDSUBJECT UTF-8 ALL\nS: * THREAD (1 3)(2)\nS: p OK ...")


def an_answer(client: Client) -> None:
    client.append("INBOX", b"Subject: a\r\nMessage-ID: <1@x>\r\n\r\n")
    client.append("INBOX", b"Subject: b\r\nMessage-ID: <2@x>\r\n\r\n")
    client.append("INBOX", b"Subject: c\r\nReferences: <1@x>\r\n\r\n")


def thread_references(client: Client) -> None:
    an_answer(client)
    client.play("C: p THREAD REFERENCES UTF-8 ALL\nS: * THREAD (1 3)(2)\nS: p OK ...")


def thread_refs(client: Client) -> None:
    an_answer(client)
    client.play("C: p THREAD REFS UTF-8 ALL\nS: * THREAD (2)(1 3)\nS: p OK ...")


def compress(client: Client) -> None:
    client.play("C: p COMPRESS DEFLATE\nS: p OK ...")
    deflate(client)
    client.play("C: q NOOP\nS: q OK ...")


def unauthenticate(client: Client) -> None:
    client.play("C: p UNAUTHENTICATE\nS: p OK [CAPABILITY ...] ...\nC: q SELECT INBOX\nS: q BAD ...")


def metadata(client: Client) -> None:
    client.play('C: p SETMETADATA INBOX (/shared/comment "x")\nS: p OK ...')
    client.play(
        'C: q GETMETADATA INBOX /shared/comment\nS: * METADATA INBOX (/shared/comment "x")\nS: q OK ...'
    )


def list_metadata(client: Client) -> None:
    client.play('C: p LIST "" Junk RETURN (METADATA /shared/comment)\nS: * LIST ...')
    client.play("S: * METADATA Junk (/shared/comment NIL)\nS: p OK ...")


def acl(client: Client) -> None:
    client.play("C: p SETACL Junk anyone +lr\nS: p OK ...\nC: q GETACL Junk")
    client.play("S: * ACL Junk ... lrswipkxteacd anyone lr\nS: q OK ...")
    client.play("C: r DELETEACL Junk anyone\nS: r OK ...\nC: s GETACL Junk")
    client.play("S: * ACL Junk ... lrswipkxteacd\nS: s OK ...")


def rights(client: Client) -> None:
    client.play("C: p LISTRIGHTS Junk anyone")
    client.play('S: * LISTRIGHTS Junk anyone "" l r s w i p k x t e a c d\nS: p OK ...')


def list_myrights(client: Client) -> None:
    client.play('C: p LIST "" Junk RETURN (MYRIGHTS)\nS: * LIST ...')
    client.play("S: * MYRIGHTS Junk lrswipkxteacd\nS: p OK ...")


def quota(client: Client) -> None:
    client.append("INBOX", MESSAGE)
    client.play('C: p GETQUOTAROOT INBOX\nS: * QUOTAROOT INBOX ""\nS: * QUOTA "" (...)\nS: p OK ...')


def quota_storage(client: Client) -> None:
    client.append("INBOX", MESSAGE, r"(\Deleted) ")
    client.play(f'C: p GETQUOTA ""\nS: * QUOTA "" (STORAGE 1 {1 << 30} ...)\nS: p OK ...')
    client.play("C: q STATUS INBOX (DELETED-STORAGE)")
    client.play(f"S: * STATUS INBOX (DELETED-STORAGE {len(MESSAGE)})\nS: q OK ...")


def quota_message(client: Client) -> None:
    client.append("INBOX", MESSAGE, r"(\Deleted) ")
    client.play(f'C: p GETQUOTA ""\nS: * QUOTA "" (... MESSAGE 1 {1 << 30})\nS: p OK ...')
    client.play("C: q STATUS INBOX (DELETED)\nS: * STATUS INBOX (DELETED 1)\nS: q OK ...")


PROOFS: dict[str, Proof] = {
    "IMAP4rev1": rev1,
    "IMAP4rev2": rev2,
    "UTF8=ACCEPT": utf8_accept,
    "BINARY": binary,
    "PARTIAL": partial,
    "CONTEXT=SEARCH": context_search,
    "MULTISEARCH": multisearch,
    "NOTIFY": notify,
    "CATENATE": catenate,
    "REPLACE": replace,
    "UIDONLY": uidonly,
    "I18NLEVEL=1": i18nlevel,
    "LITERAL+": literal_plus,
    "ID": id_command,
    "ENABLE": enable,
    "IDLE": idle,
    "UIDPLUS": uidplus,
    "MOVE": move,
    "NAMESPACE": namespace,
    "UNSELECT": unselect,
    "SPECIAL-USE": special_use,
    "CHILDREN": children,
    "CONDSTORE": condstore,
    "QRESYNC": qresync,
    "ESEARCH": esearch,
    "SEARCHRES": searchres,
    "WITHIN": within,
    "SEARCH=FUZZY": search_fuzzy,
    "OBJECTID": objectid,
    "SAVEDATE": savedate,
    "PREVIEW": preview,
    "STATUS=SIZE": status_size,
    "LIST-EXTENDED": list_extended,
    "LIST-STATUS": list_status,
    "CREATE-SPECIAL-USE": create_special_use,
    "MULTIAPPEND": multiappend,
    "SORT": sort,
    "SORT=DISPLAY": sort_display,
    "ESORT": esort,
    "THREAD=ORDEREDSUBJECT": thread_orderedsubject,
    "THREAD=REFERENCES": thread_references,
    "THREAD=REFS": thread_refs,
    f"APPENDLIMIT={50 * 1024 * 1024}": appendlimit,
    "COMPRESS=DEFLATE": compress,
    "ACL": acl,
    "RIGHTS=texk": rights,
    "LIST-MYRIGHTS": list_myrights,
    "METADATA": metadata,
    "LIST-METADATA": list_metadata,
    "QUOTA": quota,
    "QUOTA=RES-STORAGE": quota_storage,
    "QUOTA=RES-MESSAGE": quota_message,
    "UNAUTHENTICATE": unauthenticate,
}
IN_TIME = {"INPROGRESS"}  # proven in test_inprogress.py
ELSEWHERE = {"URLAUTH", "URL-PARTIAL"}  # proven in test_urlauth.py, which knows users' addresses
BEFORE_LOGIN = {  # proven in test_tls.py and test_authenticate.py
    "SASL-IR",
    "STARTTLS",
    "AUTH=PLAIN",
    "AUTH=LOGIN",
    "AUTH=XOAUTH2",
    "AUTH=OAUTHBEARER",
}


def advertised(client: Client) -> list[str]:
    (line,) = client.command("CAPABILITY")
    return line.removeprefix("* CAPABILITY ").split()


@pytest.mark.parametrize("name", PROOFS)
def test_an_advertised_capability_works(client: Client, name: str) -> None:
    assert name in advertised(client)
    PROOFS[name](client)


def test_nothing_is_advertised_without_a_proof(host: ImapHost, client: Client) -> None:
    assert set(advertised(client)) <= set(PROOFS) | BEFORE_LOGIN | IN_TIME | ELSEWHERE
    with host.connect() as stranger:
        stranger.line()
        assert set(advertised(stranger)) <= set(PROOFS) | BEFORE_LOGIN


def test_what_is_not_advertised_is_refused(client: Client) -> None:
    for command in (
        "COMPRESS LZMA",
        "SORT (RELEVANCY) UTF-8 ALL",
        "SORT RETURN (UPDATE) (DATE) UTF-8 ALL",
        "THREAD JWZ UTF-8 ALL",
    ):
        assert client.refused(command).startswith("BAD"), command


def test_login_shows_what_capability_shows(host: ImapHost, user: Login) -> None:
    with host.connect() as client:
        client.line()
        status = client.exchange(f"LOGIN {user.address} {user.key}")[-1]
        assert status.startswith(f"OK [CAPABILITY {' '.join(advertised(client))}]")

"""From the octets of a complete command to a frozen command.

One table names every command of this engine and who reads its arguments; a command that is not in it does
not exist. That a command can be parsed does not say that a host offers it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Protocol

from mailkeep.imap.commands import (
    acl,
    append,
    authenticate,
    copy,
    fetch_parser,
    idle,
    list,
    mailbox,
    metadata,
    multisearch,
    notify,
    quota,
    replace,
    search,
    session,
    sort,
    store,
    thread,
    urlauth,
)
from mailkeep.imap.commands.base import Command
from mailkeep.imap.errors import ImapSyntaxError, UnknownCommand
from mailkeep.imap.lexer import Cursor
from mailkeep.imap.names import NameForm

_HEAD = re.compile(rb"([^\x00-\x20\x7f-\xff(){%*\"\\+]+) (UID )?([A-Za-z]+)", re.IGNORECASE)


class _UidReader(Protocol):
    def __call__(self, tag: str, cursor: Cursor, *, uid: bool) -> Command: ...


_PLAIN: dict[bytes, Callable[[str], Command]] = {
    b"CAPABILITY": session.Capability,
    b"NOOP": session.Noop,
    b"LOGOUT": session.Logout,
    b"STARTTLS": session.StartTls,
    b"UNAUTHENTICATE": session.Unauthenticate,
    b"NAMESPACE": list.Namespace,
    b"IDLE": idle.Idle,
    b"CLOSE": mailbox.Close,
    b"UNSELECT": mailbox.Unselect,
    b"EXPUNGE": mailbox.Expunge,
    b"CHECK": mailbox.Check,
}
_WITH_ARGUMENTS: dict[bytes, Callable[[str, Cursor], Command]] = {
    b"ID": session.parse_id,
    b"ENABLE": session.parse_enable,
    b"COMPRESS": session.parse_compress,
    b"AUTHENTICATE": authenticate.parse_authenticate,
    b"LOGIN": authenticate.parse_login,
    b"SELECT": mailbox.parse_select,
    b"EXAMINE": mailbox.parse_examine,
    b"CREATE": mailbox.parse_create,
    b"DELETE": mailbox.parse_delete,
    b"RENAME": mailbox.parse_rename,
    b"SUBSCRIBE": mailbox.parse_subscribe,
    b"UNSUBSCRIBE": mailbox.parse_unsubscribe,
    b"STATUS": mailbox.parse_status,
    b"LIST": list.parse_list,
    b"LSUB": list.parse_lsub,
    b"APPEND": append.parse_append,
    b"SETACL": acl.parse_set_acl,
    b"DELETEACL": acl.parse_delete_acl,
    b"GETACL": acl.parse_get_acl,
    b"LISTRIGHTS": acl.parse_list_rights,
    b"MYRIGHTS": acl.parse_my_rights,
    b"ESEARCH": multisearch.parse_multi_search,
    b"NOTIFY": notify.parse_notify,
    b"CANCELUPDATE": multisearch.parse_cancel_update,
    b"RESETKEY": urlauth.parse_reset_key,
    b"GENURLAUTH": urlauth.parse_gen_url_auth,
    b"URLFETCH": urlauth.parse_url_fetch,
    b"GETMETADATA": metadata.parse_get_metadata,
    b"SETMETADATA": metadata.parse_set_metadata,
    b"GETQUOTA": quota.parse_get_quota,
    b"GETQUOTAROOT": quota.parse_get_quota_root,
    b"SETQUOTA": quota.parse_set_quota,
}
_WITH_UID_FORM: dict[bytes, _UidReader] = {
    b"FETCH": fetch_parser.parse_fetch,
    b"SEARCH": search.parse_search,
    b"STORE": store.parse_store,
    b"COPY": copy.parse_copy,
    b"MOVE": copy.parse_move,
    b"REPLACE": replace.parse_replace,
    b"SORT": sort.parse_sort,
    b"THREAD": thread.parse_thread,
}


def parse(octets: bytes, form: NameForm = NameForm.MODIFIED_UTF7, streamed: tuple[int, ...] = ()) -> Command:
    """The command of a `framing.CommandLine`. Raises ImapSyntaxError or one of its kinds, with the tag if
    there was one."""
    found = _HEAD.match(octets)
    if found is None:
        raise _headless(octets)
    tag = found[1].decode("ascii")
    if found.end() == len(octets) and found[2] is None:
        plain = _PLAIN.get(found[3].upper())
        if plain is not None:
            return plain(tag)
    cursor = Cursor(octets, form, streamed)
    cursor.at = found.end()
    try:
        command = _read(tag, found[3].upper(), cursor, uid=found[2] is not None)
        cursor.end()
    except ImapSyntaxError as error:
        error.tag = tag
        raise
    return command


def _read(tag: str, name: bytes, cursor: Cursor, *, uid: bool) -> Command:
    with_uid_form = _WITH_UID_FORM.get(name)
    if with_uid_form is not None:
        return with_uid_form(tag, cursor, uid=uid)
    if uid:
        if name == b"EXPUNGE":
            return mailbox.parse_uid_expunge(tag, cursor)
        raise UnknownCommand("There is no such UID command.")
    plain = _PLAIN.get(name)
    if plain is not None:
        return plain(tag)
    with_arguments = _WITH_ARGUMENTS.get(name)
    if with_arguments is None:
        raise UnknownCommand("There is no such command.")
    return with_arguments(tag, cursor)


def _headless(octets: bytes) -> ImapSyntaxError:
    """No tag, or nothing that could be a command behind it."""
    cursor = Cursor(octets)
    try:
        tag = cursor.tag()
    except ImapSyntaxError as error:
        return error
    return ImapSyntaxError("A command is a tag, a space and a name.", tag)

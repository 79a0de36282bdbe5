"""What each command does. One file a family, with the stems of `mailkeep.imap.commands`.

A handler is `async (session, command) -> Done | None`: it sends its untagged responses and returns the
tagged one, or None if the command goes on with lines of its own. Errors are raised and become answers in
codes.py. State was checked before; a handler checks what only it can know.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from mailkeep.imap.commands import acl as acl_core
from mailkeep.imap.commands import append as append_core
from mailkeep.imap.commands import authenticate as authenticate_core
from mailkeep.imap.commands import copy as copy_core
from mailkeep.imap.commands import fetch as fetch_core
from mailkeep.imap.commands import idle as idle_core
from mailkeep.imap.commands import list as list_core
from mailkeep.imap.commands import mailbox as mailbox_core
from mailkeep.imap.commands import metadata as metadata_core
from mailkeep.imap.commands import multisearch as multisearch_core
from mailkeep.imap.commands import notify as notify_core
from mailkeep.imap.commands import quota as quota_core
from mailkeep.imap.commands import replace as replace_core
from mailkeep.imap.commands import search as search_core
from mailkeep.imap.commands import session as session_core
from mailkeep.imap.commands import sort as sort_core
from mailkeep.imap.commands import store as store_core
from mailkeep.imap.commands import thread as thread_core
from mailkeep.imap.commands import urlauth as urlauth_core
from mailkeep.imap.commands.base import Command
from mailkeep_imap.commands import (
    acl,
    append,
    authenticate,
    copy,
    fetch,
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
from mailkeep_imap.outcome import Done

Handler = Callable[[Any, Any], Awaitable[Done | None]]

HANDLERS: dict[type[Command], Handler] = {
    session_core.Capability: session.capability,
    session_core.Noop: session.noop,
    session_core.Logout: session.logout,
    session_core.StartTls: session.starttls,
    session_core.Id: session.identify,
    session_core.Enable: session.enable,
    session_core.Unauthenticate: session.unauthenticate,
    session_core.Compress: session.compress,
    authenticate_core.Authenticate: authenticate.authenticate,
    authenticate_core.Login: authenticate.login,
    mailbox_core.Select: mailbox.select,
    mailbox_core.Examine: mailbox.select,
    mailbox_core.Create: mailbox.create,
    mailbox_core.Delete: mailbox.delete,
    mailbox_core.Rename: mailbox.rename,
    mailbox_core.Subscribe: mailbox.subscribe,
    mailbox_core.Unsubscribe: mailbox.unsubscribe,
    mailbox_core.Status: mailbox.status,
    mailbox_core.Close: mailbox.close,
    mailbox_core.Unselect: mailbox.unselect,
    mailbox_core.Expunge: mailbox.expunge,
    mailbox_core.Check: session.noop,
    list_core.List: list.list_mailboxes,
    list_core.Lsub: list.lsub,
    list_core.Namespace: list.namespace,
    append_core.Append: append.append,
    fetch_core.Fetch: fetch.fetch,
    search_core.Search: search.search,
    multisearch_core.MultiSearch: multisearch.multi_search,
    multisearch_core.CancelUpdate: multisearch.cancel_update,
    sort_core.Sort: sort.sort,
    store_core.Store: store.store,
    thread_core.Thread: thread.thread,
    urlauth_core.ResetKey: urlauth.reset_key,
    urlauth_core.GenUrlAuth: urlauth.gen_url_auth,
    urlauth_core.UrlFetch: urlauth.url_fetch,
    copy_core.Copy: copy.copy,
    copy_core.Move: copy.move,
    replace_core.Replace: replace.replace,
    idle_core.Idle: idle.idle,
    notify_core.Notify: notify.notify,
    acl_core.SetAcl: acl.set_acl,
    acl_core.DeleteAcl: acl.delete_acl,
    acl_core.GetAcl: acl.get_acl,
    acl_core.ListRights: acl.list_rights,
    acl_core.MyRights: acl.my_rights,
    metadata_core.GetMetadata: metadata.get_metadata,
    metadata_core.SetMetadata: metadata.set_metadata,
    quota_core.GetQuota: quota.get_quota,
    quota_core.GetQuotaRoot: quota.get_quota_root,
    quota_core.SetQuota: quota.set_quota,
}

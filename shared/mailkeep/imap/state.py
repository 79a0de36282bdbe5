"""The four states of a connection, and which command may be given in which: one table."""

from __future__ import annotations

from enum import Enum

from mailkeep.imap.commands import (
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
from mailkeep.imap.commands.base import Command
from mailkeep.imap.errors import WrongState


class State(Enum):
    """RFC 9051 section 3."""

    NOT_AUTHENTICATED = "not authenticated"
    AUTHENTICATED = "authenticated"
    SELECTED = "selected"
    LOGOUT = "logout"


# Tuples, because each look into a set would call the enumeration's own hash, and each command looks.
_ANY = (State.SELECTED, State.AUTHENTICATED, State.NOT_AUTHENTICATED)
_BEFORE = (State.NOT_AUTHENTICATED,)
_AFTER = (State.SELECTED, State.AUTHENTICATED)
_SELECTED = (State.SELECTED,)

PERMITTED: dict[type[Command], tuple[State, ...]] = {
    # RFC 9051 section 6.1; RFC 2971 section 3.1
    session.Capability: _ANY,
    session.Noop: _ANY,
    session.Logout: _ANY,
    session.Id: _ANY,
    # section 6.2
    session.StartTls: _BEFORE,
    authenticate.Authenticate: _BEFORE,
    authenticate.Login: _BEFORE,
    # section 6.3. ENABLE belongs before SELECT, but section 6.3.1 lets the server not check that.
    session.Enable: _AFTER,
    session.Compress: _AFTER,  # RFC 4978 permits it earlier; strangers get no such memory from us
    session.Unauthenticate: _AFTER,  # RFC 8437 section 2
    mailbox.Select: _AFTER,
    mailbox.Examine: _AFTER,
    mailbox.Create: _AFTER,
    mailbox.Delete: _AFTER,
    mailbox.Rename: _AFTER,
    mailbox.Subscribe: _AFTER,
    mailbox.Unsubscribe: _AFTER,
    mailbox.Status: _AFTER,
    list.List: _AFTER,
    list.Lsub: _AFTER,
    list.Namespace: _AFTER,
    append.Append: _AFTER,
    multisearch.MultiSearch: _AFTER,  # RFC 7377 section 2.2
    multisearch.CancelUpdate: _SELECTED,
    notify.Notify: _AFTER,
    urlauth.ResetKey: _AFTER,  # RFC 4467 section 10
    urlauth.GenUrlAuth: _AFTER,
    urlauth.UrlFetch: _AFTER,
    idle.Idle: _AFTER,
    acl.SetAcl: _AFTER,  # RFC 4314 section 3
    acl.DeleteAcl: _AFTER,
    acl.GetAcl: _AFTER,
    acl.ListRights: _AFTER,
    acl.MyRights: _AFTER,
    metadata.GetMetadata: _AFTER,  # RFC 5464 section 4
    metadata.SetMetadata: _AFTER,
    quota.GetQuota: _AFTER,  # RFC 9208 section 4
    quota.GetQuotaRoot: _AFTER,
    quota.SetQuota: _AFTER,
    # section 6.4; RFC 5256
    mailbox.Close: _SELECTED,
    mailbox.Unselect: _SELECTED,
    mailbox.Expunge: _SELECTED,
    mailbox.Check: _SELECTED,
    fetch.Fetch: _SELECTED,
    search.Search: _SELECTED,
    store.Store: _SELECTED,
    copy.Copy: _SELECTED,
    copy.Move: _SELECTED,
    replace.Replace: _SELECTED,  # RFC 8508 section 3.5
    sort.Sort: _SELECTED,
    thread.Thread: _SELECTED,
}


def check(command: Command, state: State) -> None:
    """Raises WrongState, with the tag, if the command may not be given in `state`."""
    permitted = PERMITTED[type(command)]
    if state in permitted:
        return
    if State.NOT_AUTHENTICATED in permitted:
        reason = "You are authenticated already."
    elif state is State.NOT_AUTHENTICATED:
        reason = "Please authenticate first."
    else:
        reason = "No mailbox is selected."
    raise WrongState(reason, command.tag)

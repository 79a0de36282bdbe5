"""GETQUOTA, GETQUOTAROOT, SETQUOTA (RFC 9208). An account is one quota root, whose name is empty; that of
another user, who shares a mailbox, is called as the place where their mailboxes are shown.

Where neither the operator's default nor the account's own setting limits anything, there is no quota root.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mailkeep.errors import NotFound, PermissionRefused
from mailkeep.imap.commands.quota import GetQuota, GetQuotaRoot, SetQuota
from mailkeep.imap.responses import QuotaData, QuotaResource, QuotaRootData
from mailkeep.model.mailbox import HIERARCHY_DELIMITER
from mailkeep.model.quota import Quota
from mailkeep.model.rights import READ
from mailkeep_imap.access import is_foreign, reach, shared_mailboxes
from mailkeep_imap.outcome import Done

if TYPE_CHECKING:
    from mailkeep_imap.session import Session

ROOT = ""
UNIT = 1024  # octets of one STORAGE unit (RFC 9208 section 5.1)


async def get_quota(session: Session, command: GetQuota) -> Done:
    """RFC 9208 section 4.2."""
    account_id = session.account_id if command.root == ROOT else await _sharer(session, command.root)
    quota = await session.host.store.quotas.of(account_id)
    if not quota.limits:
        raise NotFound("There is no such quota root.")
    session.send(_data(command.root, quota).encode(session.form))
    return Done("GETQUOTA completed.")


async def get_quota_root(session: Session, command: GetQuotaRoot) -> Done:
    """RFC 9208 section 4.3: also for a mailbox that is to be made."""
    root, account_id = ROOT, session.account_id
    if is_foreign(command.mailbox):
        reached = await reach(session, command.mailbox, READ)
        root = command.mailbox[: -len(reached.own_name) - 1]
        account_id = reached.mailbox.account_id
    quota = await session.host.store.quotas.of(account_id)
    roots = (root,) if quota.limits else ()
    session.send(QuotaRootData(command.mailbox, roots).encode(session.form))
    if roots:
        session.send(_data(root, quota).encode(session.form))
    return Done("GETQUOTAROOT completed.")


async def set_quota(session: Session, command: SetQuota) -> Done:
    """RFC 9208 section 4.4: the operator's business, so QUOTASET is not offered."""
    raise PermissionRefused("Limits are set by the operator of this service.")


async def _sharer(session: Session, root: str) -> int:
    """The account of a user who lets this one read a mailbox. Raises NotFound."""
    for shared in await shared_mailboxes(session):
        if READ in shared.rights and shared.mailbox.name == root + HIERARCHY_DELIMITER + shared.own_name:
            return shared.mailbox.account_id
    raise NotFound("There is no such quota root.")


def _data(root: str, quota: Quota) -> QuotaData:
    """Usage is rounded up and limits down: what is shown as free is free."""
    resources = []
    if quota.limits.storage:
        used = -(-quota.storage // UNIT)
        resources.append(QuotaResource("STORAGE", used, quota.limits.storage // UNIT))
    if quota.limits.messages:
        resources.append(QuotaResource("MESSAGE", quota.messages, quota.limits.messages))
    return QuotaData(root, tuple(resources))

"""GETQUOTA, GETQUOTAROOT, SETQUOTA (RFC 9208). An account is one quota root, whose name is empty.

Where neither the operator's default nor the account's own setting limits anything, there is no quota root.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mailkeep.errors import NotFound, PermissionRefused
from mailkeep.imap.commands.quota import GetQuota, GetQuotaRoot, SetQuota
from mailkeep.imap.responses import QuotaData, QuotaResource, QuotaRootData
from mailkeep.model.quota import Quota
from mailkeep_imap.outcome import Done

if TYPE_CHECKING:
    from mailkeep_imap.session import Session

ROOT = ""
UNIT = 1024  # octets of one STORAGE unit (RFC 9208 section 5.1)


async def get_quota(session: Session, command: GetQuota) -> Done:
    """RFC 9208 section 4.2."""
    quota = await session.host.store.quotas.of(session.account_id)
    if command.root != ROOT or not quota.limits:
        raise NotFound("There is no such quota root.")
    session.send(_data(quota).encode(session.form))
    return Done("GETQUOTA completed.")


async def get_quota_root(session: Session, command: GetQuotaRoot) -> Done:
    """RFC 9208 section 4.3: also for a mailbox that is to be made."""
    quota = await session.host.store.quotas.of(session.account_id)
    roots = (ROOT,) if quota.limits else ()
    session.send(QuotaRootData(command.mailbox, roots).encode(session.form))
    if roots:
        session.send(_data(quota).encode(session.form))
    return Done("GETQUOTAROOT completed.")


async def set_quota(session: Session, command: SetQuota) -> Done:
    """RFC 9208 section 4.4: the operator's business, so QUOTASET is not offered."""
    raise PermissionRefused("Limits are set by the operator of this service.")


def _data(quota: Quota) -> QuotaData:
    """Usage is rounded up and limits down: what is shown as free is free."""
    resources = []
    if quota.limits.storage:
        used = -(-quota.storage // UNIT)
        resources.append(QuotaResource("STORAGE", used, quota.limits.storage // UNIT))
    if quota.limits.messages:
        resources.append(QuotaResource("MESSAGE", quota.messages, quota.limits.messages))
    return QuotaData(ROOT, tuple(resources))

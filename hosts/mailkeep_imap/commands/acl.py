"""SETACL, DELETEACL, GETACL, LISTRIGHTS, MYRIGHTS (RFC 4314).

An identifier is the address of a user of the owner's domains, or `anyone`, which means all of them. The owner
has every right and no row; there are no negative rights.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mailkeep.errors import InvalidName
from mailkeep.imap.commands.acl import DeleteAcl, GetAcl, ListRights, MyRights, SetAcl
from mailkeep.imap.responses import AclData, ListRightsData, MyRightsData
from mailkeep.model.address import Address
from mailkeep.model.rights import ADMINISTER, ALL, ANYONE, NONE, RightsAction, RightsChange, shown_rights
from mailkeep_imap.access import reach
from mailkeep_imap.outcome import Done

if TYPE_CHECKING:
    from mailkeep_imap.session import Session


async def set_acl(session: Session, command: SetAcl) -> Done:
    """RFC 4314 section 3.1."""
    await _change(session, command.mailbox, command.identifier, command.change)
    return Done("SETACL completed.")


async def delete_acl(session: Session, command: DeleteAcl) -> Done:
    """RFC 4314 section 3.2."""
    await _change(session, command.mailbox, command.identifier, RightsChange(RightsAction.SET, NONE))
    return Done("DELETEACL completed.")


async def get_acl(session: Session, command: GetAcl) -> Done:
    """RFC 4314 section 3.3; the owner stands first."""
    reached = await reach(session, command.mailbox, ADMINISTER)
    owner, grants = await session.host.store.sharing.grants(reached.mailbox.id)
    shown = [(grant.identifier, shown_rights(grant.rights)) for grant in grants]
    data = AclData(reached.mailbox.name, ((owner, shown_rights(ALL)), *shown))
    session.send(data.encode(session.form))
    return Done("GETACL completed.")


async def list_rights(session: Session, command: ListRights) -> Done:
    """RFC 4314 section 3.4: each right can be granted alone, and to the owner none can."""
    reached = await reach(session, command.mailbox, ADMINISTER)
    owner, _ = await session.host.store.sharing.grants(reached.mailbox.id)
    grantee = _grantee(command.identifier)
    is_owner = grantee is not None and grantee.key == owner
    required, optional = (shown_rights(ALL), "") if is_owner else ("", shown_rights(ALL))
    data = ListRightsData(reached.mailbox.name, command.identifier, required, tuple(optional))
    session.send(data.encode(session.form))
    return Done("LISTRIGHTS completed.")


async def my_rights(session: Session, command: MyRights) -> Done:
    """RFC 4314 section 3.5."""
    reached = await reach(session, command.mailbox)
    session.send(MyRightsData(reached.mailbox.name, shown_rights(reached.rights)).encode(session.form))
    return Done("MYRIGHTS completed.")


async def _change(session: Session, name: str, identifier: str, change: RightsChange) -> None:
    reached = await reach(session, name, ADMINISTER)
    await session.host.store.sharing.change(reached.mailbox.id, _grantee(identifier), change)


def _grantee(identifier: str) -> Address | None:
    """None is anyone. Raises InvalidName."""
    if identifier == ANYONE:
        return None
    if identifier.startswith("-"):
        raise InvalidName("There are no negative rights here.")
    return Address.parse(identifier)

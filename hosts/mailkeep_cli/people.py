"""From what an operator types to users and addresses."""

from __future__ import annotations

import click

from mailkeep.errors import InvalidName, NotFound
from mailkeep.model.address import Address
from mailkeep.model.directory import User
from mailkeep.storage.interface import Store


class AddressType(click.ParamType[Address]):
    """An argument that is an address; anything else is a usage error with the parser's own sentence."""

    name = "address"

    def convert(
        self, value: str | Address, param: click.Parameter | None, ctx: click.Context | None
    ) -> Address:
        """See Address.parse."""
        if isinstance(value, Address):
            return value
        try:
            return Address.parse(value)
        except InvalidName as error:
            self.fail(f"'{value}': {error}", param, ctx)


ADDRESS = AddressType()

USERS_HINT = "See who is there with: mailkeep users list"


async def user_of(store: Store, address: Address) -> User:
    """The user who has claimed the address. Raises NotFound."""
    user = await store.directory.user_by_address(address)
    if user is None:
        raise NotFound(f"No user has the address {address}.")
    return user

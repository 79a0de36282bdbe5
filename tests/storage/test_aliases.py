"""Aliases: whom an address leads to, through others and in circles."""

from __future__ import annotations

import pytest
from tests.conftest import open_test_store
from tests.storage.making import DOMAIN, address, new_user

from mailkeep.errors import InUse, LimitExceeded, NotFound
from mailkeep.model.address import Address
from mailkeep.model.directory import Alias, DomainPolicy, RecipientKind
from mailkeep.settings import StoreSettings
from mailkeep.storage import aliases
from mailkeep.storage.interface import Store


async def members(store: Store, name: str) -> list[str]:
    """Local parts of whom mail for an address goes to."""
    answer = await store.directory.recipient(address(name))
    assert answer.kind is RecipientKind.ALIAS
    assert answer.deliver_to is None
    return [member.partition("@")[0] for member in answer.members]


@pytest.fixture
async def hosted(store: Store) -> Store:
    await store.directory.add_domain(DOMAIN)
    return store


async def test_an_alias_goes_to_each_of_its_targets(hosted: Store) -> None:
    await hosted.aliases.add(address("Team"), [address("ann"), address("bob")])
    made = await hosted.aliases.add(address("team"), [address("cid"), address("ann")])
    assert made == Alias(address("team").key, tuple(address(name).key for name in ("ann", "bob", "cid")))
    assert await members(hosted, "team+tag") == ["ann", "bob", "cid"]
    assert list(await hosted.aliases.list()) == [made]


async def test_aliases_of_aliases_are_followed_and_circles_end(hosted: Store) -> None:
    await hosted.aliases.add(address("all"), [address("one"), address("two"), address("all")])
    await hosted.aliases.add(address("one"), [address("ann"), address("two")])
    await hosted.aliases.add(address("two"), [address("bob"), address("one"), address("ann")])
    assert set(await members(hosted, "all")) == {"ann", "bob"}


async def test_an_alias_that_leads_nowhere_is_refused(hosted: Store) -> None:
    await hosted.aliases.add(address("one"), [address("two")])
    await hosted.aliases.add(address("two"), [address("one")])
    assert (await hosted.directory.recipient(address("one"))).kind is RecipientKind.REFUSED


async def test_targets_follow_their_own_domains_policy(hosted: Store) -> None:
    await hosted.directory.add_domain("strict.test", DomainPolicy.REJECT_UNKNOWN)
    await hosted.directory.add_domain("gone.test")
    targets = [address("ann"), Address.parse("x@strict.test"), Address.parse("x@gone.test")]
    await hosted.aliases.add(address("team"), targets)
    await hosted.directory.remove_domain("gone.test")
    assert await members(hosted, "team") == ["ann"]
    assert (await hosted.directory.recipient(address("team"))).outside == ("x@gone.test",)


async def test_what_a_user_has_is_theirs(hosted: Store) -> None:
    await hosted.aliases.add(address("info"), [address("ann")])
    await new_user(hosted, "info")
    assert (await hosted.directory.recipient(address("info"))).kind is RecipientKind.CLAIMED
    with pytest.raises(InUse):
        await hosted.aliases.add(address("info"), [address("bob")])


async def test_taking_targets_and_the_whole_away(hosted: Store) -> None:
    await hosted.aliases.add(address("team"), [address("ann"), address("bob"), address("cid")])
    await hosted.aliases.remove(address("team"), [address("bob")])
    assert await members(hosted, "team") == ["ann", "cid"]
    with pytest.raises(NotFound):
        await hosted.aliases.remove(address("team"), [address("ann"), address("bob")])
    assert await members(hosted, "team") == ["ann", "cid"]
    await hosted.aliases.remove(address("team"))
    assert (await hosted.directory.recipient(address("team"))).kind is RecipientKind.UNCLAIMED
    with pytest.raises(NotFound):
        await hosted.aliases.remove(address("team"))


async def test_only_in_hosted_domains(hosted: Store) -> None:
    with pytest.raises(NotFound):
        await hosted.aliases.add(Address.parse("x@elsewhere.test"), [address("ann")])
    assert await hosted.aliases.list() == []


async def test_an_alias_may_lead_elsewhere(hosted: Store) -> None:
    """There a local part is written as it was given, here as it is compared."""
    elsewhere = Address.parse("Ann.Li@Elsewhere.test")
    made = await hosted.aliases.add(address("team"), [elsewhere, address("Bob")])
    assert set(made.targets) == {"Ann.Li@elsewhere.test", address("bob").key}
    await hosted.aliases.add(address("all"), [address("team"), Address.parse("x@elsewhere.test")])
    answer = await hosted.directory.recipient(address("all"))
    assert answer.members == (address("bob").key,)
    assert set(answer.outside) == {"Ann.Li@elsewhere.test", "x@elsewhere.test"}
    await hosted.aliases.remove(address("team"), [elsewhere, address("bob")])
    assert [alias.address for alias in await hosted.aliases.list()] == [address("all").key]


async def test_a_list_is_small(hosted: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aliases, "TARGETS_LIMIT", 2)
    await hosted.aliases.add(address("team"), [address("ann"), address("bob")])
    with pytest.raises(LimitExceeded):
        await hosted.aliases.add(address("team"), [address("cid")])
    assert await members(hosted, "team") == ["ann", "bob"]


async def test_other_processes_hear_of_it(store_settings: StoreSettings) -> None:
    async with open_test_store(store_settings) as one, open_test_store(store_settings) as two:
        await one.directory.add_domain(DOMAIN)
        await two.directory.recipient(address("team"))
        await one.aliases.add(address("team"), [address("ann")])
        while (await two.directory.recipient(address("team"))).kind is not RecipientKind.ALIAS:
            await one.ping()

"""Domains, users and addresses, and the recipient policy."""

from __future__ import annotations

import asyncio
from uuid import uuid4

import pytest
from tests.conftest import open_test_store
from tests.storage.making import DOMAIN, address, at, deliver, new_user

from mailkeep.errors import AlreadyExists, InUse, InvalidName, NotFound
from mailkeep.model.directory import LOCAL_ISSUER, DmarcPolicy, DomainPolicy, Recipient, RecipientKind
from mailkeep.settings import StoreSettings
from mailkeep.storage.interface import Store

# --- domains --------------------------------------------------------------------------------------


async def test_a_domain_is_hosted_under_its_normal_name(store: Store) -> None:
    added = await store.directory.add_domain("Bücher.Example")
    assert added.name == "xn--bcher-kva.example"
    assert added.policy is DomainPolicy.STORE_UNLINKED
    assert await store.directory.domain("xn--bcher-kva.example") == added
    assert list(await store.directory.domains()) == [added]


async def test_a_domain_is_hosted_once(store: Store) -> None:
    await store.directory.add_domain(DOMAIN)
    with pytest.raises(AlreadyExists):
        await store.directory.add_domain(DOMAIN.upper())


@pytest.mark.parametrize("name", ["", "no spaces.test", "a..b", "-x.test"])
async def test_what_dns_cannot_carry_is_no_domain(store: Store, name: str) -> None:
    with pytest.raises(InvalidName):
        await store.directory.add_domain(name)


async def test_a_catch_all_domain_needs_its_address(store: Store) -> None:
    with pytest.raises(InvalidName):
        await store.directory.add_domain(DOMAIN, DomainPolicy.CATCH_ALL)


async def test_a_domain_is_removed_when_no_user_needs_it(store: Store) -> None:
    await new_user(store)
    with pytest.raises(InUse):
        await store.directory.remove_domain(DOMAIN)
    await store.directory.add_domain("other.test")
    await store.directory.remove_domain("other.test")
    assert await store.directory.domain("other.test") is None
    with pytest.raises(NotFound):
        await store.directory.remove_domain("other.test")


# --- the recipient policy -------------------------------------------------------------------------


async def ask(store: Store, text: str) -> Recipient:
    return await store.directory.recipient(address(text))


async def test_other_domains_are_not_local(store: Store) -> None:
    await store.directory.add_domain(DOMAIN)
    assert await ask(store, "a@other.test") == Recipient(RecipientKind.NOT_LOCAL, None)


async def test_a_claimed_address_with_and_without_a_tag(store: Store) -> None:
    await new_user(store, "alice")
    claimed = Recipient(RecipientKind.CLAIMED, f"alice@{DOMAIN}")
    assert await ask(store, "alice") == claimed
    assert await ask(store, "alice+lists") == claimed
    assert (await ask(store, "ALICE")).kind is RecipientKind.CLAIMED


async def test_a_claimed_address_that_has_a_plus_wins_over_its_base(store: Store) -> None:
    user = await new_user(store, "alice")
    await new_user(store, "alice+bob")
    assert await ask(store, "alice+bob") == Recipient(RecipientKind.CLAIMED, f"alice+bob@{DOMAIN}")
    assert await store.directory.user_by_address(address("alice")) == user


async def test_unclaimed_mail_is_kept_under_the_address_without_its_tag(store: Store) -> None:
    await store.directory.add_domain(DOMAIN)
    assert await ask(store, "who+x") == Recipient(RecipientKind.UNCLAIMED, f"who@{DOMAIN}")


async def test_a_domain_may_refuse_unknown_recipients_but_not_its_postmaster(store: Store) -> None:
    await store.directory.add_domain(DOMAIN, DomainPolicy.REJECT_UNKNOWN)
    assert await ask(store, "who") == Recipient(RecipientKind.REFUSED, None)
    assert await ask(store, "Postmaster") == Recipient(RecipientKind.UNCLAIMED, f"Postmaster@{DOMAIN}")


async def test_a_catch_all_takes_the_rest(store: Store) -> None:
    await store.directory.add_domain(DOMAIN, DomainPolicy.CATCH_ALL, address("alice"))
    assert await ask(store, "who") == Recipient(RecipientKind.UNCLAIMED, f"alice@{DOMAIN}")
    await new_user(store, "alice")
    assert await ask(store, "who") == Recipient(RecipientKind.CLAIMED, f"alice@{DOMAIN}")


async def test_asking_writes_nothing(store: Store) -> None:
    await store.directory.add_domain(DOMAIN)
    await ask(store, "who")
    assert not await store.directory.addresses()


async def test_another_process_hears_of_a_claim(store_settings: StoreSettings) -> None:
    async with open_test_store(store_settings) as one, open_test_store(store_settings) as other:
        await one.directory.add_domain(DOMAIN)
        assert (await ask(other, "alice")).kind in {RecipientKind.UNCLAIMED, RecipientKind.NOT_LOCAL}
        await new_user(one, "alice")
        while (await ask(other, "alice")).kind is not RecipientKind.CLAIMED:
            await other.ping()


# --- users ----------------------------------------------------------------------------------------


async def test_a_user_by_every_name(store: Store) -> None:
    user = await new_user(store, "alice")
    assert (user.issuer, user.subject, user.name) == (LOCAL_ISSUER, f"alice@{DOMAIN}", "Alice")
    assert user.primary_address == f"alice@{DOMAIN}"
    assert await store.directory.user(user.id) == user
    assert await store.directory.user_by_address(address("Alice")) == user
    assert await store.directory.user_by_subject(LOCAL_ISSUER, f"alice@{DOMAIN}") == user
    assert list(await store.directory.users()) == [user]


async def test_nobody_is_none(store: Store) -> None:
    assert await store.directory.user(uuid4()) is None
    assert await store.directory.user_by_address(address("who")) is None
    assert await store.directory.user_by_subject("issuer", "subject\x00") is None


async def test_an_address_has_one_user(store: Store) -> None:
    await new_user(store, "alice")
    with pytest.raises(AlreadyExists):
        await store.directory.add_user(address("alice"), issuer="https://id.test", subject="1")
    assert len(await store.directory.users()) == 1


async def test_a_subject_has_one_user(store: Store) -> None:
    await store.directory.add_domain(DOMAIN)
    await store.directory.add_user(address("alice"), issuer="https://id.test", subject="1")
    with pytest.raises(AlreadyExists):
        await store.directory.add_user(address("bob"), issuer="https://id.test", subject="1")
    assert not await store.directory.owns((await store.directory.users())[0].id, address("bob"))


async def test_a_user_needs_a_hosted_domain(store: Store) -> None:
    with pytest.raises(NotFound):
        await store.directory.add_user(address("alice@other.test"))
    assert not await store.directory.users()


async def test_disabling_and_enabling(store: Store) -> None:
    user = await new_user(store)
    await store.directory.set_disabled(user.id, True)
    disabled = await store.directory.user(user.id)
    assert disabled is not None
    assert disabled.disabled
    await store.directory.set_disabled(user.id, False)
    assert await store.directory.user(user.id) == user
    with pytest.raises(NotFound):
        await store.directory.set_disabled(uuid4(), True)


async def test_a_login_time_never_moves_back(store: Store) -> None:
    user = await new_user(store)
    await store.directory.touch_logins([(user.id, at(2)), (uuid4(), at(3))])
    await store.directory.touch_logins([(user.id, at(1))])
    seen = await store.directory.user(user.id)
    assert seen is not None
    assert seen.last_login_at == at(2)


async def test_text_that_a_database_cannot_hold_is_kept_readable(store: Store) -> None:
    await store.directory.add_domain(DOMAIN)
    user = await store.directory.add_user(address("alice"), name="A\x00l\ud800ice")
    assert user.name == "A�l?ice"


# --- addresses ------------------------------------------------------------------------------------


async def test_a_further_address(store: Store) -> None:
    user = await new_user(store)
    added = await store.directory.add_address(user.id, address("second"))
    assert (added.user_id, added.account_id) == (user.id, user.account_id)
    assert (added.verified, added.primary) == (True, False)
    assert [record.address for record in await store.directory.addresses(user.id)] == [
        f"alice@{DOMAIN}",
        f"second@{DOMAIN}",
    ]
    with pytest.raises(AlreadyExists):
        await store.directory.add_address(user.id, address("second"))


async def test_owning_with_and_without_a_tag(store: Store) -> None:
    user, other = await new_user(store, "alice"), await new_user(store, "bob")
    assert await store.directory.owns(user.id, address("alice+any"))
    assert not await store.directory.owns(other.id, address("alice"))
    assert not await store.directory.owns(user.id, address("who"))


async def test_removing_an_address_leaves_the_mail_received_so_far(store: Store) -> None:
    user = await new_user(store)
    await store.directory.add_address(user.id, address("second"))
    first = (await deliver(store, "second"))[0]
    await store.directory.remove_address(address("second"))
    then = (await deliver(store, "second"))[0]
    assert first.account_id == user.account_id
    assert then.account_id != user.account_id
    assert then.user_id is None
    assert (await store.mailboxes.get(user.account_id, "INBOX")).messages == 1


async def test_addresses_that_cannot_be_removed(store: Store) -> None:
    await new_user(store)
    with pytest.raises(InUse):
        await store.directory.remove_address(address("alice"))
    await deliver(store, "unclaimed")
    for text in ("unclaimed", "who"):
        with pytest.raises(NotFound):
            await store.directory.remove_address(address(text))


async def test_all_addresses_include_unclaimed_ones(store: Store) -> None:
    await new_user(store)
    await deliver(store, "unclaimed")
    records = {record.address: record.user_id for record in await store.directory.addresses()}
    assert records.keys() == {f"alice@{DOMAIN}", f"unclaimed@{DOMAIN}"}
    assert records[f"unclaimed@{DOMAIN}"] is None


async def test_how_a_domain_takes_mail_is_set_apart_from_the_rest(store: Store) -> None:
    made = await store.directory.add_domain("careful.test")
    assert (made.dmarc, made.greylists) == (DmarcPolicy.JUNK, False)
    await store.directory.domain("careful.test")  # remembered
    await store.directory.set_reception("CAREFUL.test", dmarc=DmarcPolicy.REFUSE)
    changed = await store.directory.set_reception("careful.test", greylists=True)
    assert (changed.dmarc, changed.greylists) == (DmarcPolicy.REFUSE, True)
    async with asyncio.timeout(20):
        while await store.directory.domain("careful.test") != changed:  # until the feed has told of it
            await asyncio.sleep(0.005)
    assert changed in await store.directory.domains()
    with pytest.raises(NotFound):
        await store.directory.set_reception("nowhere.test", greylists=True)

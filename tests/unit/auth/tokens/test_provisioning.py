"""Who becomes a user at first sight, whose mail they find, and who gets nobody's: on both databases."""

from __future__ import annotations

import asyncio

import pytest
from tests.storage.making import deliver

from mailkeep.errors import AuthenticationFailed
from mailkeep.model.address import Address
from mailkeep.model.principal import Credential, CredentialKind, Peer
from mailkeep.model.proof import ProofLimits
from mailkeep.model.scope import Scope

IMAP = frozenset({Scope.IMAP})
HERE = Peer("192.0.2.1", 4711, tls=True)
PERSON = Address.parse("person@example.test")


async def enter(door, token, identity=""):
    credential = Credential(CredentialKind.BEARER, identity, token, mechanism="OAUTHBEARER")
    return await door.authenticate(credential, IMAP, HERE)


async def test_the_first_sign_in_makes_the_user_with_name_and_address(store, door, issuer):
    principal = await enter(door, issuer.token(name="Person"), "PERSON@example.test")
    [user] = await store.directory.users()
    assert (user.id, user.account_id) == (principal.user_id, principal.account_id)
    assert (user.issuer, user.subject, user.name) == (issuer.issuer, "subject-1", "Person")
    assert user.primary_address == "person@example.test"


async def test_mail_that_waited_is_theirs(store, door, issuer):
    waiting = await deliver(store, "person@example.test")
    principal = await enter(door, issuer.token())
    assert principal.account_id == waiting[0].account_id


async def test_later_sign_ins_are_the_same_user_and_are_noted(store, door, issuer):
    first = await enter(door, issuer.token())
    again = await enter(door, issuer.token(email="renamed@elsewhere.example", email_verified=False))
    assert again.user_id == first.user_id
    async with asyncio.timeout(20):
        while (await store.directory.user(first.user_id)).last_login_at is None:
            await asyncio.sleep(0.01)


async def test_the_issuers_other_spelling_is_the_same_issuer(store, door, issuer):
    first = await enter(door, issuer.token())
    assert (await enter(door, issuer.token(iss=issuer.issuer.upper()))).user_id == first.user_id


async def test_racing_first_requests_converge(store, started, issuer, issuer_settings):
    doors = [await started(issuer_settings(), host=host) for host in ("imap", "pop3", "api", "smtp")]
    token = issuer.token(scope="imap")
    entered = await asyncio.gather(*(enter(door, token) for door in doors * 4))
    assert len({principal.user_id for principal in entered}) == 1
    assert len(await store.directory.users()) == 1


async def test_nobody_gets_anothers_address(store, door, issuer):
    await enter(door, issuer.token())
    with pytest.raises(AuthenticationFailed):
        await enter(door, issuer.token(sub="subject-2"))
    assert len(await store.directory.users()) == 1


async def test_a_second_issuer_does_not_get_the_firsts_user(store, started, issuer, issuer_settings):
    owner = await store.directory.add_user(PERSON, "", "https://first.example", "s-1")
    door = await started(issuer_settings())
    with pytest.raises(AuthenticationFailed):
        await enter(door, issuer.token())
    assert await store.directory.user(owner.id) == owner


async def test_a_trusted_domain_needs_no_verified_claim(store, started, issuer, issuer_settings):
    door = await started(issuer_settings(trusted_domains=("EXAMPLE.test",)))
    assert (await enter(door, issuer.token(email_verified=None))).address == "person@example.test"


async def test_trust_in_one_domain_is_none_in_another(store, started, issuer, issuer_settings):
    await store.directory.add_domain("other.test")
    door = await started(issuer_settings(trusted_domains=("example.test",)))
    with pytest.raises(AuthenticationFailed):
        await enter(door, issuer.token(email="person@other.test", email_verified=None))


async def test_an_issuer_speaks_for_its_domains_alone(store, started, issuer, issuer_settings):
    await store.directory.add_domain("other.test")
    door = await started(issuer_settings(domains=("other.test",)))
    with pytest.raises(AuthenticationFailed):
        await enter(door, issuer.token())  # verified, and not this issuer's to say
    assert (await enter(door, issuer.token(email="p@other.test"))).address == "p@other.test"


# --- users whom an operator added by hand ----------------------------------------------------------


async def test_a_local_user_is_adopted_with_mail_and_keys(store, door, issuer):
    local = await store.directory.add_user(PERSON, "Person")
    assert (await enter(door, issuer.token())).user_id == local.id
    adopted = await store.directory.user(local.id)
    assert (adopted.issuer, adopted.subject, adopted.name) == (issuer.issuer, "subject-1", "Person")
    with pytest.raises(AuthenticationFailed):
        await enter(door, issuer.token(sub="subject-2"))


async def test_a_further_address_of_a_local_user_adopts_as_well(store, door, issuer):
    local = await store.directory.add_user(Address.parse("main@example.test"))
    await store.directory.add_address(local.id, PERSON)
    assert (await enter(door, issuer.token())).user_id == local.id


async def test_an_address_that_a_local_user_has_only_asked_for_adopts_nobody(store, door, issuer):
    local = await store.directory.add_user(Address.parse("main@example.test"))
    await store.proofs.begin(local.id, PERSON, b"digest", ProofLimits())
    assert (await enter(door, issuer.token())).user_id != local.id


@pytest.mark.parametrize("claims", [{"email_verified": False}, {"email_verified": None}])
async def test_an_unverified_address_adopts_nobody(store, door, issuer, claims):
    local = await store.directory.add_user(PERSON)
    with pytest.raises(AuthenticationFailed):
        await enter(door, issuer.token(**claims))
    assert await store.directory.user(local.id) == local


async def test_a_disabled_local_user_is_not_adopted(store, door, issuer):
    local = await store.directory.add_user(PERSON)
    await store.directory.set_disabled(local.id, True)
    with pytest.raises(AuthenticationFailed):
        await enter(door, issuer.token())
    assert (await store.directory.user(local.id)).issuer == local.issuer


async def test_racing_subjects_adopt_once(store, started, issuer, issuer_settings):
    local = await store.directory.add_user(PERSON)
    doors = [await started(issuer_settings(), host=host) for host in ("imap", "api")]
    tokens = [issuer.token(sub=f"subject-{number}") for number in range(6)]
    tries = [enter(door, token) for token in tokens for door in doors]
    outcomes = await asyncio.gather(*tries, return_exceptions=True)
    entered = [one for one in outcomes if not isinstance(one, BaseException)]
    assert len(entered) == len(doors)
    assert {one.user_id for one in entered} == {local.id}
    assert all(isinstance(one, AuthenticationFailed) for one in outcomes if isinstance(one, BaseException))


class AdoptedMeanwhile:
    """A directory where another host adopts the user between the looks for subject and address."""

    def __init__(self, directory, user_id, issuer, subject):
        self._directory = directory
        self._adoption = (user_id, issuer, subject)

    def __getattr__(self, name):
        return getattr(self._directory, name)

    async def user_by_address(self, address):
        await self._directory.adopt_subject(*self._adoption)
        return await self._directory.user_by_address(address)


async def test_who_is_adopted_at_another_host_meanwhile_enters_all_the_same(store, door, issuer, monkeypatch):
    local = await store.directory.add_user(PERSON)
    racing = AdoptedMeanwhile(store.directory, local.id, issuer.issuer, "subject-1")
    monkeypatch.setattr(door._tokens._provisioning, "_directory", racing)
    assert (await enter(door, issuer.token(sub="subject-1"))).user_id == local.id


# --- addresses that come later ----------------------------------------------------------------------


async def test_a_new_verified_address_of_a_known_user_brings_its_mail(store, door, issuer):
    first = await enter(door, issuer.token())
    await deliver(store, "second@example.test")
    for _ in range(2):
        assert (await enter(door, issuer.token(email="second@example.test"))).user_id == first.user_id
    assert await store.directory.owns(first.user_id, Address.parse("second@example.test"))
    inbox = (await store.mailboxes.list(first.account_id))[0]
    assert inbox.messages == 1


async def test_an_unverified_new_address_brings_nothing(store, door, issuer):
    first = await enter(door, issuer.token())
    await deliver(store, "second@example.test")
    await enter(door, issuer.token(email="second@example.test", email_verified=False))
    assert not await store.directory.owns(first.user_id, Address.parse("second@example.test"))


async def test_anothers_address_in_a_known_users_token_changes_nothing(store, door, issuer):
    first = await enter(door, issuer.token())
    other = await enter(door, issuer.token(sub="subject-2", email="other@example.test"))
    await enter(door, issuer.token(email="other@example.test"))
    assert await store.directory.owns(other.user_id, Address.parse("other@example.test"))
    assert not await store.directory.owns(first.user_id, Address.parse("other@example.test"))

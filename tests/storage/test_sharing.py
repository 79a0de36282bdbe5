"""Users of one domain share mailboxes: who may do what is counted from grants, and told on the feed."""

from __future__ import annotations

import asyncio

import pytest
from tests.storage.making import address, append, inbox_of, new_user

from mailkeep.errors import MailboxNotFound, NotFound, OverQuota, PermissionRefused
from mailkeep.model.directory import User
from mailkeep.model.flags import FlagAction, FlagMask, Flags, SystemFlag
from mailkeep.model.rights import ALL, NONE, Rights, RightsAction, RightsChange, parse_rights
from mailkeep.model.uids import UidSet
from mailkeep.storage import sharing
from mailkeep.storage.interface import Grant, Store, Topic, TopicKind


def setting(rights: str) -> RightsChange:
    return RightsChange(RightsAction.SET, parse_rights(rights))


async def archive_of(store: Store, user: User) -> int:
    return (await store.mailboxes.get(user.account_id, "Archive")).id


async def names(store: Store, user: User) -> list[tuple[str, str, str]]:
    shared = await store.sharing.shared_with(user.account_id)
    return [(one.owner, one.mailbox.name, "".join(sorted(one.rights))) for one in shared]


async def test_the_owner_has_every_right_and_nobody_else_any(store: Store) -> None:
    alice, bob = await new_user(store), await new_user(store, "bob")
    inbox = await inbox_of(store, alice)
    assert await store.sharing.rights(inbox, alice.account_id) == ALL
    assert await store.sharing.rights(inbox, bob.account_id) == NONE
    assert await store.sharing.rights(999_999, bob.account_id) == NONE
    assert await store.sharing.grants(inbox) == ("alice@example.test", [])
    assert await names(store, bob) == []


async def test_a_grant_is_set_widened_narrowed_and_taken(store: Store) -> None:
    alice, bob = await new_user(store), await new_user(store, "bob")
    archive = await archive_of(store, alice)
    for change, rights in (
        (setting("lr"), "lr"),
        (RightsChange(RightsAction.ADD, parse_rights("sw")), "lrsw"),
        (RightsChange(RightsAction.REMOVE, parse_rights("rx")), "lsw"),
    ):
        await store.sharing.change(archive, address("bob"), change)
        assert await store.sharing.rights(archive, bob.account_id) == parse_rights(rights)
        assert await store.sharing.grants(archive) == (
            "alice@example.test",
            [Grant("bob@example.test", parse_rights(rights))],
        )
    assert await names(store, bob) == [("alice@example.test", "Archive", "lsw")]
    await store.sharing.change(archive, address("bob"), setting(""))
    assert (await store.sharing.grants(archive))[1] == []


async def test_what_anyone_may_adds_to_ones_own(store: Store) -> None:
    alice, bob, carol = await new_user(store), await new_user(store, "bob"), await new_user(store, "carol")
    archive = await archive_of(store, alice)
    await store.sharing.change(archive, None, setting("lr"))
    await store.sharing.change(archive, address("bob"), setting("i"))
    assert await store.sharing.rights(archive, bob.account_id) == parse_rights("lri")
    assert await store.sharing.rights(archive, carol.account_id) == parse_rights("lr")
    assert await names(store, bob) == [("alice@example.test", "Archive", "ilr")]
    identifiers = [grant.identifier for grant in (await store.sharing.grants(archive))[1]]
    assert identifiers == ["anyone", "bob@example.test"]


async def test_anyone_is_anyone_of_the_domain(store: Store) -> None:
    alice = await new_user(store)
    await store.directory.add_domain("elsewhere.test")
    eve = await store.directory.add_user(address("eve@elsewhere.test"))
    archive = await archive_of(store, alice)
    await store.sharing.change(archive, None, setting("lr"))
    assert await store.sharing.rights(archive, eve.account_id) == NONE
    assert await names(store, eve) == []
    with pytest.raises(NotFound):
        await store.sharing.change(archive, address("eve@elsewhere.test"), setting("lr"))
    await store.directory.add_address(eve.id, address("eve"))
    assert await store.sharing.rights(archive, eve.account_id) == parse_rights("lr")


async def test_who_leaves_the_domain_loses_what_was_granted(store: Store) -> None:
    alice = await new_user(store)
    await store.directory.add_domain("elsewhere.test")
    eve = await store.directory.add_user(address("eve@elsewhere.test"))
    await store.directory.add_address(eve.id, address("eve"))
    archive = await archive_of(store, alice)
    await store.sharing.change(archive, address("eve"), setting("lr"))
    assert await names(store, eve) == [("alice@example.test", "Archive", "lr")]
    await store.directory.remove_address(address("eve"))
    assert await store.sharing.rights(archive, eve.account_id) == NONE
    assert await names(store, eve) == []
    with pytest.raises(NotFound):
        await store.sharing.change(archive, address("eve@elsewhere.test"), setting("l"))
    await store.sharing.change(archive, address("eve@elsewhere.test"), setting(""))
    assert (await store.sharing.grants(archive))[1] == []
    with pytest.raises(NotFound):
        await store.sharing.change(archive, address("eve@elsewhere.test"), setting(""))


async def test_who_cannot_be_granted_anything(store: Store) -> None:
    alice = await new_user(store)
    inbox = await inbox_of(store, alice)
    with pytest.raises(NotFound):
        await store.sharing.change(inbox, address("nobody"), setting("l"))
    with pytest.raises(PermissionRefused):
        await store.sharing.change(inbox, address("alice"), setting("l"))
    await store.sharing.change(inbox, address("alice"), RightsChange(RightsAction.ADD, parse_rights("l")))
    assert (await store.sharing.grants(inbox))[1] == []
    with pytest.raises(MailboxNotFound):
        await store.sharing.change(999_999, None, setting("l"))
    with pytest.raises(MailboxNotFound):
        await store.sharing.grants(999_999)


async def test_a_mailbox_is_found_by_owner_and_name_if_it_may_be_seen(store: Store) -> None:
    alice, bob = await new_user(store), await new_user(store, "bob")
    await store.sharing.change(await archive_of(store, alice), address("bob"), setting("lr"))
    await store.sharing.change(await inbox_of(store, alice), address("bob"), setting("r"))
    found = await store.sharing.find(bob.account_id, address("ALICE"), "Archive")
    assert (found.owner, found.mailbox.name, found.rights) == (
        "alice@example.test",
        "Archive",
        parse_rights("lr"),
    )
    for owner, name in (("alice", "INBOX"), ("alice", "none"), ("nobody", "INBOX")):
        with pytest.raises(MailboxNotFound):
            await store.sharing.find(bob.account_id, address(owner), name)
    assert await names(store, bob) == [("alice@example.test", "Archive", "lr")]


async def test_what_is_made_below_begins_with_the_grants_above(store: Store) -> None:
    alice, bob = await new_user(store), await new_user(store, "bob")
    await store.sharing.change(await archive_of(store, alice), address("bob"), setting("lr"))
    made = await store.mailboxes.create(alice.account_id, "Archive/2026/May")
    other = await store.mailboxes.create(alice.account_id, "other")
    assert await store.sharing.rights(made.id, bob.account_id) == parse_rights("lr")
    assert await store.sharing.rights(other.id, bob.account_id) == NONE
    assert [name for _, name, _ in await names(store, bob)] == [
        "Archive",
        "Archive/2026",
        "Archive/2026/May",
    ]


async def test_a_grant_dies_with_its_mailbox_and_follows_its_name(store: Store) -> None:
    alice, bob = await new_user(store), await new_user(store, "bob")
    made = await store.mailboxes.create(alice.account_id, "a/b")
    parent = await store.mailboxes.get(alice.account_id, "a")
    for place in (made.id, parent.id):
        await store.sharing.change(place, address("bob"), setting("lr"))
    await store.mailboxes.rename(alice.account_id, "a", "c")
    assert [name for _, name, _ in await names(store, bob)] == ["c", "c/b"]
    await store.mailboxes.delete(alice.account_id, "c")
    assert [name for _, name, _ in await names(store, bob)] == ["c/b"]
    await store.mailboxes.create(alice.account_id, "c")
    await store.mailboxes.delete(alice.account_id, "c/b")
    await store.mailboxes.create(alice.account_id, "c/b")
    assert await names(store, bob) == []


async def test_a_mailbox_has_so_many_grants(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    alice, _, _ = await new_user(store), await new_user(store, "bob"), await new_user(store, "carol")
    archive = await archive_of(store, alice)
    monkeypatch.setattr(sharing, "GRANTS_PER_MAILBOX", 1)
    await store.sharing.change(archive, address("bob"), setting("l"))
    with pytest.raises(OverQuota):
        await store.sharing.change(archive, address("carol"), setting("l"))
    await store.sharing.change(archive, address("bob"), setting("lr"))
    assert len((await store.sharing.grants(archive))[1]) == 1


async def test_the_feed_names_the_mailbox(store: Store) -> None:
    alice, _ = await new_user(store), await new_user(store, "bob")
    archive = await archive_of(store, alice)
    heard = asyncio.Event()
    stop = store.feed.watch(Topic(TopicKind.ACCESS, str(archive)), heard.set)
    await store.sharing.change(archive, address("bob"), setting("l"))
    assert heard.is_set()
    heard.clear()
    await store.mailboxes.delete(alice.account_id, "Archive")
    assert heard.is_set()
    stop()


# --- flags that only some may change ----------------------------------------------------------------


SEEN_ONLY = FlagMask(SystemFlag.SEEN, keywords=False)


async def test_flags_beyond_the_mask_stay(store: Store) -> None:
    alice = await new_user(store)
    inbox = await inbox_of(store, alice)
    (uid,) = await append(store, inbox, 1, Flags(SystemFlag.FLAGGED, ("work",)))
    uids = UidSet.of([uid])

    async def after(action: FlagAction, flags: Flags) -> Flags:
        await store.committer.store_flags(inbox, uids, action, flags, within=SEEN_ONLY)
        snapshot = await store.messages.snapshot(inbox)
        await store.messages.refresh(snapshot)
        entry = snapshot.entry(uid)
        assert entry is not None
        return entry.flags

    both = Flags(SystemFlag.SEEN | SystemFlag.DELETED, ("other",))
    assert await after(FlagAction.SET, both) == Flags(SystemFlag.SEEN | SystemFlag.FLAGGED, ("work",))
    assert await after(FlagAction.REMOVE, both) == Flags(SystemFlag.FLAGGED, ("work",))
    assert await after(FlagAction.ADD, both) == Flags(SystemFlag.SEEN | SystemFlag.FLAGGED, ("work",))


async def test_copies_have_the_flags_that_are_kept(store: Store) -> None:
    alice = await new_user(store)
    inbox, archive = await inbox_of(store, alice), await archive_of(store, alice)
    await append(store, inbox, 2, Flags(SystemFlag.SEEN | SystemFlag.DELETED, ("work",)))
    await store.committer.copy(inbox, UidSet.of([1]), archive, SEEN_ONLY)
    await store.committer.move(inbox, UidSet.of([2]), archive, FlagMask(SystemFlag(0), keywords=True))
    snapshot = await store.messages.snapshot(archive)
    kept = [snapshot.entry(uid) for uid in (1, 2)]
    assert [entry and entry.flags for entry in kept] == [Flags(SystemFlag.SEEN), Flags(keywords=("work",))]
    counted = await store.mailboxes.get(alice.account_id, "Archive")
    assert (counted.unseen, counted.deleted) == (1, 0)


def test_rights_are_sets() -> None:
    assert parse_rights("cd") == parse_rights("kxte")
    assert parse_rights("") == Rights(frozenset())

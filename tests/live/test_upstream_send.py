"""Mail sent by an account elsewhere: a second Mailkeep is the provider, which keeps a copy in Sent.

kill -9 on the host that sends, again and again, on each database: everything arrives, and nothing twice,
because what is in doubt is looked for in Sent.
"""

from __future__ import annotations

import asyncio
import email
import os
import random
import signal
from collections import Counter
from collections.abc import Iterator
from contextlib import asynccontextmanager
from email import policy
from pathlib import Path

import pytest
from tests.conftest import open_test_store
from tests.live.test_crash_relay import Host
from tests.support.dns_zone import DnsZone
from tests.support.hosts import MailkeepUp, Person
from tests.support.programs import private_file

from mailkeep.mime.compose import Named
from mailkeep.model.address import Address
from mailkeep.model.directory import User
from mailkeep.model.upstream import UpstreamRecord
from mailkeep.settings import Settings, StoreSettings
from mailkeep.storage.interface import Store
from mailkeep.upstream.account import UpstreamAccount
from mailkeep.upstream.config import AccountConfig, open_account
from mailkeep.upstream.writing import Letter, send

MESSAGES = 60
KILLS = 6
LIFE_SECONDS = 0.3
SECONDS = 120.0
PREFIX = "THEIRS"


@pytest.fixture(scope="module")
def provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MailkeepUp]:
    environ = {"MAILKEEP_SMTP_SAVE_TO_SENT": "true"}
    with MailkeepUp(tmp_path_factory.mktemp("provider"), environ=environ) as up:
        yield up


def configuration(provider: MailkeepUp, person: Person, directory: Path) -> AccountConfig:
    text = "".join(f"{PREFIX}_{protocol}_PASSWORD={person.api_key}\n" for protocol in ("IMAP", "SMTP"))
    places = {name: "{}:{}".format(*provider.place(name)) for name in ("imaps", "submission")}
    return AccountConfig(
        person.address,
        imap=f"tls://{places['imaps']}",
        smtp=f"starttls://{places['submission']}",
        ca_file=provider.ca_file,
        prefix=PREFIX,
        env_file=str(private_file(directory / "their.env", text)),
    )


@asynccontextmanager
async def opened(account: UpstreamAccount):  # type: ignore[no-untyped-def]
    yield account
    await account.close()


async def messages_of(config: AccountConfig, folder: str = "INBOX") -> list[bytes]:
    def read(client: object) -> list[bytes]:
        client.select_folder(folder, readonly=True)  # type: ignore[attr-defined]
        uids = client.search()  # type: ignore[attr-defined]
        rows = client.fetch(uids, ["BODY.PEEK[]"]) if uids else {}  # type: ignore[attr-defined]
        return [row[b"BODY[]"] for row in rows.values()]

    async with opened(open_account("theirs", config)) as account, account.imap() as connection:
        found: list[bytes] = await connection.run(read)
        return found


async def signed_up(store: Store, config: AccountConfig) -> tuple[User, UpstreamRecord]:
    if await store.directory.domain("example.test") is None:
        await store.directory.add_domain("example.test")
    user = await store.directory.add_user(Address.parse("alice@example.test"))
    return user, await store.upstreams.add(user.id, "theirs", config.to_json())


async def until_sent(store: Store, most: int = 0) -> None:
    async with asyncio.timeout(SECONDS):
        while len(await store.queue.entries(limit=1000)) > most:
            await asyncio.sleep(0.02)


@pytest.mark.live
async def test_killed_in_mid_send_nothing_is_lost_and_nothing_comes_twice(
    store_settings: StoreSettings, provider: MailkeepUp, tmp_path: Path
) -> None:
    seed = random.randrange(1 << 30)
    print(f"seed {seed}")  # shown when the test fails
    chance = random.Random(seed)
    ann, bob = provider.add_person(), provider.add_person()
    config = configuration(provider, ann, tmp_path)
    settings = Settings(store=store_settings)
    with DnsZone("far.test. MX 10 mx.far.test.\n") as zone:
        async with open_test_store(store_settings) as store:
            user, record = await signed_up(store, config)
            host = Host(store_settings, zone, 1, tmp_path / "log")
            for number in range(MESSAGES):
                letter = Letter(to=(Named(Address.parse(bob.address)),), subject=f"no {number}", text="hello")
                await send(store, settings, user, (record, config), letter)
            for _ in range(KILLS):
                before = len(await store.queue.entries(limit=1000))
                async with host.life() as pid:
                    await until_sent(store, max(before - 1, 0))
                    await asyncio.sleep(chance.uniform(0, LIFE_SECONDS))
                    os.kill(pid, signal.SIGKILL)
            async with host.life():
                await until_sent(store)
    (tmp_path / "bob").mkdir()
    came = await messages_of(configuration(provider, bob, tmp_path / "bob"))
    parsed = [email.message_from_bytes(one, policy=policy.default) for one in came]
    assert Counter(str(one["Subject"]) for one in parsed) == Counter(f"no {n}" for n in range(MESSAGES))
    assert len({one["Message-ID"] for one in parsed}) == MESSAGES
    assert all(str(one["X-Mailkeep-Attempt"]).startswith(one["Message-ID"][1:17]) for one in parsed)
    again = [one for one in parsed if not str(one["X-Mailkeep-Attempt"]).endswith("-1.1")]
    print(f"{len(again)} of {MESSAGES} arrived with a later attempt")
    assert "Traceback" not in host.log


@pytest.mark.live
def test_the_command_puts_a_message_into_the_queue(
    mailkeep: MailkeepUp, provider: MailkeepUp, person: Person, tmp_path: Path
) -> None:
    """It only queues: this `mailkeep up` relays nothing."""
    ann = provider.add_person()
    config = configuration(provider, ann, tmp_path)
    words = [
        "--user",
        person.address,
        "--address",
        config.address,
        "--imap",
        config.imap,
        "--smtp",
        config.smtp,
    ]
    name = f"work-{ann.address.partition('@')[0]}"
    mailkeep.cli("upstream", "add", name, *words, "--env-file", config.env_file, "--prefix", PREFIX)
    attached = tmp_path / "two words.txt"
    attached.write_text("attached")
    with pytest.raises(Exception, match="exit status 1"):
        mailkeep.cli("upstream", "send", name, "--subject", "nobody", "--text", "x")
    with pytest.raises(Exception, match="exit status 1"):
        mailkeep.cli("upstream", "send", name, "--to", "no address", "--text", "x")
    addressed = ("--to", "Bob <bob@far.test>", "--subject", "hi", "--text", "x")
    sent = mailkeep.cli("upstream", "send", name, *addressed, "--attach", str(attached))
    assert sent["queued"] == ["bob@far.test"]
    assert sent["message_id"].startswith(f"{sent['id']}@")
    [entry] = [one for one in mailkeep.cli("queue", "list") if one["id"] == f"{sent['id']}-1"]
    assert entry["sender"] == ann.address
    mailkeep.cli("queue", "drop", sent["id"])

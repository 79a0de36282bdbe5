"""`mailkeep domains dkim` and `mailkeep domains dns`: what to put into a zone, as lines that a zone takes."""

from __future__ import annotations

import json
from collections.abc import Callable

import dns.rdatatype
import dns.zone
import pytest
from click.testing import CliRunner, Result

from mailkeep.settings import StoreSettings
from mailkeep_cli import context
from mailkeep_cli.main import main

Run = Callable[..., Result]


@pytest.fixture
def domains(sqlite_settings: StoreSettings, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a command of the group, on a store with example.org in it."""
    monkeypatch.setattr(context, "configure", lambda _settings: None)

    def run(*words: str) -> Result:
        return CliRunner().invoke(main, ["domains", *words, "--data-dir", sqlite_settings.data_dir])

    assert run("add", "example.org").exit_code == 0
    return run


def zone_of(text: str) -> dns.zone.Zone:
    """Lines of a zone file, read by dnspython."""
    soa = "@ SOA ns h 1 1 1 1 1\n@ NS ns\n"
    return dns.zone.from_text("$TTL 60\n" + soa + text, origin="example.org", relativize=False)


def texts(zone: dns.zone.Zone, name: str) -> list[bytes]:
    found = zone.get_rdataset(name, dns.rdatatype.TXT)
    assert found is not None, name
    return [b"".join(record.strings) for record in found]


def test_new_keys_and_their_records(domains: Run) -> None:
    printed = domains("dkim", "add", "example.org", "--selector", "spring", "--algorithm", "rsa").stdout
    (text,) = texts(zone_of(printed), "spring._domainkey.example.org.")
    (listed,) = json.loads(domains("dkim", "list", "example.org", "--json").stdout)
    assert (listed["selector"], listed["value"]) == ("spring", text.decode())
    both = json.loads(domains("dkim", "add", "example.org", "--json").stdout)["records"]
    assert [record["value"][:16] for record in both] == ["v=DKIM1; k=rsa; ", "v=DKIM1; k=ed255"]
    domains("dkim", "remove", "example.org", "spring")
    assert "spring" not in domains("dkim", "list", "example.org").stdout


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("dkim", "add", "example.net"), "not hosted here"),
        (("dkim", "add", "example.org", "--selector", "x"), "names one key"),
        (("dkim", "add", "example.org", "--selector", "../x", "--algorithm", "rsa"), "selector"),
        (("dkim", "remove", "example.org", "x"), "mailkeep domains dkim list example.org"),
        (("dns", "example.org"), "--host mail.example.org"),
    ],
)
def test_slips_are_told(domains: Run, words: tuple[str, ...], said: str) -> None:
    refused = domains(*words)
    assert refused.exit_code != 0
    assert said in refused.stderr


def test_a_whole_zone(domains: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAILKEEP_IMAP_TLS", "0.0.0.0:2993")
    domains("dkim", "add", "example.org")
    zone = zone_of(domains("dns", "example.org", "--host", "mail.example.net").stdout)
    assert texts(zone, "example.org.") == [b"v=spf1 mx -all"]
    assert texts(zone, "_dmarc.example.org.") == [b"v=DMARC1; p=none; rua=mailto:postmaster@example.org"]
    assert texts(zone, "_smtp._tls.example.org.") == [b"v=TLSRPTv1; rua=mailto:postmaster@example.org"]
    assert texts(zone, "_mta-sts.example.org.")[0].startswith(b"v=STSv1; id=")
    assert sum("_domainkey" in str(name) for name in zone.nodes) == 2
    services = {
        str(name).partition(".")[0]: next(iter(zone.get_rdataset(name, dns.rdatatype.SRV))).to_text()
        for name in zone.nodes
        if zone.get_rdataset(name, dns.rdatatype.SRV)
    }
    assert services["_imaps"] == "0 1 2993 mail.example.net."
    assert services["_pop3s"] == "0 0 0 ."


def test_without_listeners_the_ports_are_the_usual_ones(domains: Run) -> None:
    printed = domains("dns", "example.org", "--host", "mail.example.net").stdout
    assert "_submissions._tcp.example.org. IN SRV 0 1 465 mail.example.net." in printed
    assert "example.org. IN MX 10 mail.example.net." in printed

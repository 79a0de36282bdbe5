"""Mail from outside, through real processes: a name server of the test's, settings by environment, swaks as
the stranger, behind a balancer's header and over LMTP."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import dkim as dkimpy
from tests.support.clients import read_imap
from tests.support.dns_zone import DnsZone
from tests.support.hosts import MailkeepUp
from tests.support.ports import free_port
from tests.support.programs import program, run, succeed
from tests.unit.mailauth.signing import pem, rsa_key, rsa_record

ZONE = """
1.0.0.127.in-addr.arpa. PTR client.test.
client.test. A 127.0.0.1
strict.test. TXT "v=spf1 ip4:192.0.2.77 -all"
_dmarc.strict.test. TXT "v=DMARC1; p=reject"
rsa._domainkey.strict.test. TXT {key}
"""
REFUSED = 26  # swaks: the message was not taken


def zone_text() -> str:
    """The key in strings that a TXT record may have."""
    text = rsa_record()
    return ZONE.format(key=" ".join(f'"{text[at : at + 200]}"' for at in range(0, len(text), 200)))


def configure(up: MailkeepUp, *words: str) -> None:
    """An operator's command beside the running hosts."""
    command = [str(Path(sys.executable).with_name("mailkeep")), *words, "--data-dir", str(up.data_dir)]
    subprocess.run(command, env=up.environment, check=True, timeout=120, stdout=subprocess.DEVNULL)


def swaks(place: tuple[str, int], sender: str, recipient: str, message: Path, *options: str) -> list[str]:
    host, port = place
    named = ["--server", host, "--port", str(port), "--from", sender, "--to", recipient]
    return [program("swaks"), *named, "--data", f"@{message}", "--timeout", "60", *options]


def test_a_stranger_is_checked_by_what_dns_says(
    own_mailkeep: Callable[..., MailkeepUp], tmp_path: Path
) -> None:
    with DnsZone(zone_text()) as zone:
        up = own_mailkeep(
            MAILKEEP_DNS_NAMESERVERS=zone.place,
            MAILKEEP_RECEPTION_TRUSTED_NETWORKS="198.51.100.0/24",
            MAILKEEP_NET_TRUSTED_PROXIES="127.0.0.2/32",
            MAILKEEP_SMTP_LMTP=f"127.0.0.1:{(lmtp := free_port())}",
        )
        with up:
            person = up.add_person()
            configure(up, "domains", "set", person.address.partition("@")[2], "--dmarc", "refuse")
            text = f"From: x@strict.test\r\nTo: {person.address}\r\nSubject: hi\r\n\r\nHello.\r\n".encode()
            plain, signed = tmp_path / "plain", tmp_path / "signed"
            plain.write_bytes(text)
            signed.write_bytes(dkimpy.sign(text, b"rsa", b"strict.test", pem(rsa_key())) + text)

            forged = run(swaks(up.place("mx"), "x@strict.test", person.address, plain), home=tmp_path)
            assert forged.returncode == REFUSED
            assert b"550 5.7.26 " in forged.stdout
            succeed(swaks(up.place("mx"), "x@strict.test", person.address, signed), home=tmp_path)
            proxied = ("--local-interface", "127.0.0.2", "--proxy", "TCP4 192.0.2.77 192.0.2.1 40000 25")
            succeed(swaks(up.place("mx"), "x@strict.test", person.address, plain, *proxied), home=tmp_path)
            both = f"{person.address},{up.demo.address}"
            over_lmtp = ("--protocol", "LMTP")
            succeed(swaks(("127.0.0.1", lmtp), "x@strict.test", both, signed, *over_lmtp), home=tmp_path)

            by_dkim, by_spf, again = read_imap(up, person)
    assert b"spf=fail" in by_dkim
    assert b"dkim=pass" in by_dkim
    assert b"dmarc=pass" in by_dkim
    assert b"[192.0.2.77]" in by_spf
    assert b"spf=pass" in by_spf
    assert b"with LMTP id" in again

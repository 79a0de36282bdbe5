"""Authentication-Results: what is written."""

from __future__ import annotations

import email.parser
import email.policy

from hypothesis import given
from hypothesis import strategies as st
from tests.unit.mailauth.dns_answers import DnsAnswers

from mailkeep.mailauth.arc import ArcResult
from mailkeep.mailauth.checks import SmtpClient, check_message
from mailkeep.mailauth.dkim import DkimResult
from mailkeep.mailauth.dmarc import DmarcResult
from mailkeep.mailauth.iprev import IprevResult
from mailkeep.mailauth.message import in_memory
from mailkeep.mailauth.results import Results, render
from mailkeep.mailauth.spf import SpfResult
from mailkeep.mailauth.verdict import Disposition, Verdict

HOST = "mx.example.test"
RESULTS = Results(
    mail_from="ann@signer.test",
    helo="client.test",
    iprev=IprevResult(Verdict.PASS, "2001:db8::1", "mail.test"),
    spf=SpfResult(Verdict.SOFTFAIL, "signer.test"),
    dkim=(
        DkimResult(Verdict.FAIL, "signer.test", "rsa", "rsa-sha256", "Ab/d+f", "the body has been altered"),
    ),
    arc=ArcResult(Verdict.NONE),
    dmarc=DmarcResult(Verdict.FAIL, "signer.test", Disposition.REJECT, Disposition.REJECT),
)


def test_all_results_stand_in_one_field() -> None:
    assert render(HOST, RESULTS).decode() == (
        "Authentication-Results: mx.example.test;\r\n"
        '\tiprev=pass policy.iprev="2001:db8::1";\r\n'
        "\tspf=softfail smtp.mailfrom=ann@signer.test;\r\n"
        '\tdkim=fail\r\n\t reason="the body has been altered"\r\n\t header.d=signer.test\r\n\t header.s=rsa'
        '\r\n\t header.a=rsa-sha256\r\n\t header.b="Ab/d+f";\r\n'
        "\tarc=none;\r\n"
        "\tdmarc=fail policy.published=reject header.from=signer.test\r\n"
    )


@given(st.text(max_size=80), st.text(max_size=80))
def test_nothing_that_a_stranger_chose_breaks_the_field(sender: str, selector: str) -> None:
    results = Results(
        sender,
        selector,
        RESULTS.iprev,
        RESULTS.spf,
        (DkimResult(Verdict.PASS, "a", selector),),
        RESULTS.arc,
        RESULTS.dmarc,
    )
    field = render(HOST, results)
    assert field.isascii()
    lines = field.split(b"\r\n")
    assert lines[-1] == b""
    assert all(line.startswith(b"\t") and line.strip() for line in lines[1:-1])
    assert b"\r" not in field.replace(b"\r\n", b"")
    assert b"\n" not in field.replace(b"\r\n", b"")
    parsed = email.parser.BytesHeaderParser(policy=email.policy.compat32).parsebytes(field)
    assert list(parsed) == ["Authentication-Results"]


async def test_without_dns_all_is_said_and_nothing_judged() -> None:
    class Down(DnsAnswers):
        def _find(self, kind: str, name: str) -> tuple[str, ...]:
            self._broken = (name,)
            return super()._find(kind, name)

    client = SmtpClient("192.0.2.1", "client.test", "ann@signer.test")
    message = in_memory(b"From: ann@signer.test\r\n\r\nx")
    found = await check_message(message, client, Down(), 0, lambda: 0)
    verdicts = found.iprev.verdict, found.spf.verdict, found.dmarc.verdict
    assert set(verdicts) == {Verdict.TEMPERROR}
    assert found.dmarc.disposition is Disposition.NONE


async def checked(helo: str, sender: str) -> tuple[str, Verdict]:
    """What is noted of SPF, and the one verdict that DMARC goes by."""
    dns = DnsAnswers({"client.test": ["v=spf1 ip4:192.0.2.1 -all"], "signer.test": ["v=spf1 -all"]})
    client = SmtpClient("192.0.2.1", helo, sender)
    found = await check_message(in_memory(b"From: ann@signer.test\r\n\r\nx"), client, dns, 0, lambda: 0)
    field = " ".join(render(HOST, found).decode().split())
    return " ".join(part for part in field.split("; ") if part.startswith("spf=")), found.spf.verdict


async def test_the_name_in_helo_is_checked_as_well() -> None:
    """RFC 7208 section 2.3; what it comes to does not stand in for the sender's result."""
    noted, verdict = await checked("client.test", "ann@signer.test")
    assert noted == "spf=pass smtp.helo=client.test spf=fail smtp.mailfrom=ann@signer.test"
    assert verdict is Verdict.FAIL


async def test_with_the_null_reverse_path_it_is_the_only_identity() -> None:
    """RFC 7208 section 2.4."""
    assert await checked("client.test", "") == ("spf=pass smtp.helo=client.test", Verdict.PASS)


async def test_what_is_no_name_is_not_checked() -> None:
    """RFC 7208 section 2.3: only a domain name with several labels."""
    for helo in ("[192.0.2.1]", "localhost"):
        noted, _ = await checked(helo, "ann@signer.test")
        assert noted == "spf=fail smtp.mailfrom=ann@signer.test"

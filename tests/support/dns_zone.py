"""A name server inside a test: a zone as text, served on loopback over UDP and TCP from threads of its own.

It is authoritative for everything: a name that is not in its zone does not exist. `fail` and `silence` make
names that break, so that what a resolver does without an answer can be seen. `asked` counts the questions.
"""

from __future__ import annotations

import socket
import struct
import threading
from collections import Counter
from contextlib import suppress
from types import TracebackType

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.rrset
import dns.zone

SOA = "@ 60 SOA ns.test. hostmaster.test. 1 3600 600 86400 60\n@ 60 NS ns.test.\n"


class DnsZone:
    """`text` is master-file lines with absolute names. Used as a context; `place` is "127.0.0.1:port"."""

    def __init__(self, text: str = "", authentic: bool = False) -> None:
        self._authentic = authentic
        self._failing: set[dns.name.Name] = set()
        self._silent: set[dns.name.Name] = set()
        self.asked: Counter[tuple[str, str]] = Counter()
        self.all_silent = False
        self.change(text)
        self._udp, self._tcp = _bound_twice()
        self.place = "{}:{}".format(*self._udp.getsockname())
        self._threads = [
            threading.Thread(target=serve, daemon=True) for serve in (self._serve_udp, self._serve_tcp)
        ]

    def change(self, text: str) -> None:
        """Serve another zone from now on."""
        self._zone = dns.zone.from_text(
            "$TTL 60\n" + SOA + text, origin=".", relativize=False, check_origin=False
        )

    def fail(self, *names: str) -> None:
        """Answer SERVFAIL to questions about these names."""
        self._failing |= {dns.name.from_text(name) for name in names}

    def silence(self, *names: str) -> None:
        """Never answer questions about these names."""
        self._silent |= {dns.name.from_text(name) for name in names}

    def __enter__(self) -> DnsZone:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for listening in (self._udp, self._tcp):
            with suppress(OSError):  # a datagram socket is not connected, and its thread wakes all the same
                listening.shutdown(socket.SHUT_RDWR)  # close alone would not wake it
        for thread in self._threads:
            thread.join(5)
        self._udp.close()
        self._tcp.close()

    def _serve_udp(self) -> None:
        while True:
            try:
                wire, peer = self._udp.recvfrom(65535)
            except OSError:
                return
            if not wire:
                return
            answer = self._answer(wire)
            if answer is not None:
                self._udp.sendto(self._fitting(answer, dns.message.from_wire(wire)), peer)

    @staticmethod
    def _fitting(answer: dns.message.Message, asked: dns.message.Message) -> bytes:
        """What UDP carries: the rest is to be asked for over TCP (RFC 1035 section 4.2.1)."""
        wire = answer.to_wire(max_size=65535)
        if len(wire) > (asked.payload or 512):
            cut = dns.message.make_response(asked)
            cut.flags |= dns.flags.TC
            wire = cut.to_wire()
        return wire

    def _serve_tcp(self) -> None:
        while True:
            try:
                wire, _ = self._tcp.accept()
            except OSError:
                return
            with wire, wire.makefile("rb") as reader:
                wire.settimeout(5)
                (size,) = struct.unpack("!H", reader.read(2))
                answer = self._answer(reader.read(size))
                if answer is not None:
                    octets = answer.to_wire(max_size=65535)
                    wire.sendall(struct.pack("!H", len(octets)) + octets)

    def _answer(self, wire: bytes) -> dns.message.Message | None:
        asked = dns.message.from_wire(wire)
        question = asked.question[0]
        name = question.name.canonicalize()
        self.asked[name.to_text(omit_final_dot=True), dns.rdatatype.to_text(question.rdtype)] += 1
        if self.all_silent or name in self._silent:
            return None
        answer = dns.message.make_response(asked, recursion_available=True)
        if name in self._failing:
            answer.set_rcode(dns.rcode.SERVFAIL)
            return answer
        if self._authentic:
            answer.flags |= dns.flags.AD
        self._fill(answer, name, question.rdtype)
        return answer

    def _fill(
        self, answer: dns.message.Message, name: dns.name.Name, rdtype: dns.rdatatype.RdataType
    ) -> None:
        for _ in range(8):  # CNAMEs in a row
            found = self._records(name, rdtype)
            if found is not None:
                answer.answer.append(found)
                return
            alias = self._records(name, dns.rdatatype.CNAME)
            if alias is None:
                break
            answer.answer.append(alias)
            name = alias[0].target
        if not self._exists(name):
            answer.set_rcode(dns.rcode.NXDOMAIN)
        soa = self._records(dns.name.root, dns.rdatatype.SOA)
        assert soa is not None
        answer.authority.append(soa)

    def _records(self, name: dns.name.Name, rdtype: dns.rdatatype.RdataType) -> dns.rrset.RRset | None:
        rdataset = self._zone.get_rdataset(name, rdtype)
        if rdataset is None:
            return None
        return dns.rrset.from_rdata_list(name, rdataset.ttl, list(rdataset))

    def _exists(self, name: dns.name.Name) -> bool:
        """Names between others exist, without records of their own (RFC 8020)."""
        return any(known.is_subdomain(name) for known in self._zone.nodes)


def _bound_twice() -> tuple[socket.socket, socket.socket]:
    """One port for UDP and TCP: a port that is free for one may be taken for the other."""
    for _ in range(100):
        udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        udp.bind(("127.0.0.1", 0))
        try:
            return udp, socket.create_server(udp.getsockname())
        except OSError:
            udp.close()
    raise RuntimeError("no port is free for UDP and TCP")

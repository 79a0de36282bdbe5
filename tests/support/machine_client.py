"""Runs inside a machine on Debian's own Python, which has nothing of Mailkeep: mail as clients see it.

client.py send ADDRESS COUNT          by SMTP to port 25; prints the Message-IDs that were acknowledged
client.py read ADDRESS KEY            by IMAP over TLS; prints the Message-IDs in INBOX
client.py pop3 ADDRESS KEY            by POP3 over TLS; prints how many messages there are
client.py submit ADDRESS KEY           to oneself by SMTP over TLS; prints the DKIM-Signature it arrives with
client.py issuers ADDRESS             prints where each host says that tokens come from
client.py reload ADDRESS KEY UNIT     a session that is open while UNIT is reloaded; prints certificates
client.py served NAME CA_FILE         prints the certificate that IMAP's clients of a name see; with a CA,
                                      once that verifies chain and name
client.py fetch URL FILE              keeps what an HTTPS server of this machine answers, once it does
"""

from __future__ import annotations

import base64
import hashlib
import imaplib
import json
import poplib
import re
import smtplib
import socket
import ssl
import subprocess
import sys
import threading
import time
import urllib.request

HOST = "127.0.0.1"
CA_FILE = "/etc/mailkeep/tls/ca.pem"
SENDERS = 4
PATIENCE = 60.0


def tls() -> ssl.SSLContext:
    return ssl.create_default_context(cafile=CA_FILE)


def send(address: str, count: str) -> None:
    """A message goes out again until it is acknowledged. Nobody may ever be refused a connection."""
    acknowledged: list[str] = []
    refused: list[str] = []

    def sender(number: int) -> None:
        for index in range(int(count) // SENDERS):
            name = f"<{number}.{index}.{time.time_ns()}@client.test>"
            deadline = time.monotonic() + PATIENCE
            while time.monotonic() < deadline:
                try:
                    deliver(address, name)
                except ConnectionRefusedError as error:
                    refused.append(str(error))
                except (smtplib.SMTPException, OSError):
                    pass
                else:
                    acknowledged.append(name)
                    break
                time.sleep(0.05)

    threads = [threading.Thread(target=sender, args=(number,)) for number in range(SENDERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print(json.dumps({"acknowledged": acknowledged, "refused": refused}))


def deliver(address: str, name: str) -> None:
    with smtplib.SMTP(HOST, 25, timeout=20) as smtp:
        smtp.sendmail("a@client.test", [address], f"Message-ID: {name}\r\nSubject: hello\r\n\r\nhello\r\n")


def logged_in(address: str, key: str) -> imaplib.IMAP4_SSL:
    imap = imaplib.IMAP4_SSL(HOST, 993, ssl_context=tls())
    imap.login(address, key)
    return imap


def read(address: str, key: str) -> None:
    imap = logged_in(address, key)
    _, (count,) = imap.select("INBOX")
    answer = []
    if int(count or 0):  # a sequence set names messages that exist (RFC 9051 section 9)
        _, answer = imap.fetch("1:*", "(BODY.PEEK[HEADER.FIELDS (MESSAGE-ID)])")
    text = b"".join(part if isinstance(part, bytes) else part[1] for part in answer if part)
    print(json.dumps([name.decode() for name in re.findall(rb"<[^>]+>", text)]))
    imap.logout()


def pop3(address: str, key: str) -> None:
    maildrop = poplib.POP3_SSL(HOST, 995, context=tls(), timeout=20)
    maildrop.user(address)
    maildrop.pass_(key)
    print(json.dumps(maildrop.stat()[0]))
    maildrop.quit()


def submit(address: str, key: str) -> None:
    with smtplib.SMTP_SSL(HOST, 465, context=tls(), timeout=20) as smtp:
        smtp.login(address, key)
        smtp.sendmail(address, [address], f"From: {address}\r\nSubject: signed\r\n\r\nhello\r\n")
    imap = logged_in(address, key)
    imap.select("INBOX")
    _, (found,) = imap.search(None, "SUBJECT", "signed")
    _, answer = imap.fetch(found.split()[-1].decode(), "(BODY.PEEK[HEADER.FIELDS (DKIM-SIGNATURE)])")
    print(json.dumps(answer[0][1].decode()))
    imap.logout()


def issuers(address: str) -> None:
    """By what the mail hosts answer to a token of nobody (RFC 7628 section 3.2.2), and the API to anybody."""
    response = base64.b64encode(f"n,a={address},\x01auth=Bearer nobody\x01\x01".encode()).decode()
    said = {
        "smtp": challenge(465, ["EHLO client.test"], f"AUTH OAUTHBEARER {response}"),
        "pop3": challenge(995, [], f"AUTH OAUTHBEARER {response}"),
        "imap": challenge(993, [], f"a AUTHENTICATE OAUTHBEARER {response}"),
    }
    with urllib.request.urlopen(
        f"http://{HOST}:8080/.well-known/oauth-protected-resource", timeout=20
    ) as answer:
        said["api"] = json.load(answer).get("authorization_servers")
    print(json.dumps(said))


def challenge(port: int, before: list[str], command: str) -> str:
    with (
        socket.create_connection((HOST, port), 20) as plain,
        tls().wrap_socket(plain, server_hostname="localhost") as wrapped,
        wrapped.makefile("rwb", buffering=0) as lines,
    ):
        for line in [*before, command]:
            lines.write(line.encode() + b"\r\n")
        while line := lines.readline():
            if found := re.match(rb"(?:334|\+) (\S{12,})\r\n", line):
                try:
                    return json.loads(base64.b64decode(found[1])).get("openid-configuration", "")
                except ValueError:  # a greeting
                    continue
    return "nothing"


def certificate(port: int) -> str:
    with (
        socket.create_connection((HOST, port), 20) as plain,
        tls().wrap_socket(plain, server_hostname="localhost") as wrapped,
    ):
        return hashlib.sha256(wrapped.getpeercert(binary_form=True) or b"").hexdigest()


def reload(address: str, key: str, unit: str) -> None:
    imap = logged_in(address, key)
    before = certificate(993)
    subprocess.run(["cp", "/root/renewed.pem", "/etc/mailkeep/tls/server.pem"], check=True)
    subprocess.run(["cp", "/root/renewed.key", "/etc/mailkeep/tls/server.key"], check=True)
    subprocess.run(["systemctl", "reload", unit], check=True)
    deadline = time.monotonic() + PATIENCE
    while certificate(993) == before and time.monotonic() < deadline:
        time.sleep(0.05)
    print(json.dumps({"before": before, "after": certificate(993), "still": imap.noop()[0]}))
    imap.logout()


def served(name: str, ca_file: str) -> None:
    context = ssl.create_default_context(cafile=ca_file or None)
    if not ca_file:
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            with (
                socket.create_connection((HOST, 993), 20) as plain,
                context.wrap_socket(plain, server_hostname=name) as wrapped,
            ):
                octets = wrapped.getpeercert(binary_form=True) or b""
        except ssl.SSLCertVerificationError:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        else:
            print(json.dumps(hashlib.sha256(octets).hexdigest()))
            return


def fetch(url: str, file: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            with urllib.request.urlopen(url, timeout=20, context=tls()) as answer, open(file, "wb") as kept:
                kept.write(answer.read())
        except OSError:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        else:
            print("null")
            return


if __name__ == "__main__":
    commands = (send, read, pop3, submit, issuers, reload, served, fetch)
    {command.__name__: command for command in commands}[sys.argv[1]](*sys.argv[2:])

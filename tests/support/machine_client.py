"""Runs inside a machine on Debian's own Python, which has nothing of Mailkeep: mail as clients see it.

client.py send ADDRESS COUNT          by SMTP to port 25; prints the Message-IDs that were acknowledged
client.py read ADDRESS KEY            by IMAP over TLS; prints the Message-IDs in INBOX
client.py pop3 ADDRESS KEY            by POP3 over TLS; prints how many messages there are
client.py reload ADDRESS KEY UNIT     a session that is open while UNIT is reloaded; prints certificates
"""

from __future__ import annotations

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
    imap.select("INBOX")
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


if __name__ == "__main__":
    {"send": send, "read": read, "pop3": pop3, "reload": reload}[sys.argv[1]](*sys.argv[2:])

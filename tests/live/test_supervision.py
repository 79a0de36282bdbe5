"""`mailkeep up`: one command, four hosts, and what happens to them."""

from __future__ import annotations

import imaplib
import os
import poplib
import signal
import smtplib
import socket
import stat
import time
import urllib.request
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest
from tests.support.clients import deliver, imap, message, pop3, read_imap, submission
from tests.support.hosts import HOSTS, MailkeepUp, is_alive

Make = Callable[..., MailkeepUp]


def test_the_first_start_makes_a_demo_and_later_ones_keep_it(own_mailkeep: Make) -> None:
    up = own_mailkeep()
    up.start()
    assert up.ready["domain"] == "example.test"
    assert up.ready["address"] == "demo@example.test"
    assert set(up.ready) == {
        *("domain", "address", "api_key", "internal_key", "ca_file", "api"),
        *("mx", "submission", "submissions", "imap", "imaps", "pop3", "pop3s"),
    }
    demo = up.demo
    up.wait_for_shown("Ctrl-C stops.")
    assert up.shown.count(demo.api_key) == 1
    assert stat.S_IMODE((up.directory / "ready.json").stat().st_mode) == 0o600
    assert (up.data_dir / "internal.key").read_text().strip() == up.internal_key
    assert stat.S_IMODE((up.data_dir / "internal.key").stat().st_mode) == 0o600
    deliver(up, demo.address, message(demo.address, "kept"))
    before = read_imap(up, demo)
    ca = Path(up.ca_file).read_bytes()
    up.stop()
    up.start()
    assert "api_key" not in up.ready
    assert "internal_key" not in up.ready
    assert read_imap(up, demo) == before
    assert len(before) == 1
    assert len(up.cli("keys", "list")) == 2  # the demo's and the hosts' own
    assert Path(up.ca_file).read_bytes() == ca
    with imap(up, demo) as client:
        assert client.select()[1] == [b"1"]
    up.stop(signal.SIGINT)
    (up.data_dir / "internal.key").unlink()  # the hosts' own key is made anew if it is lost
    first = up.internal_key
    up.start()
    assert up.ready["internal_key"] != first
    assert (up.data_dir / "internal.key").read_text().strip() == up.ready["internal_key"]
    up.stop()
    up.check_log()


def test_a_host_that_is_killed_comes_back_and_the_reason_is_printed(own_mailkeep: Make) -> None:
    up = own_mailkeep()
    up.start()
    for number, host in enumerate(HOSTS, start=1):
        (killed,) = up.pids(host)
        others = {name: up.pids(name) for name in HOSTS if name != host}
        os.kill(killed, signal.SIGKILL)
        up.wait_for_log(f"mailkeep: {host} ended (killed by SIGKILL); it starts again in 0.2 s.")
        up.wait_for_log(f"mailkeep: {host} is ready again.")
        assert up.pids(host) != [killed]
        assert {name: up.pids(name) for name in others} == others
        deliver(up, up.demo.address, message(up.demo.address))
        assert len(read_imap(up, up.demo)) == number
        with pop3(up, up.demo) as client:
            assert client.stat()[0] == number
        with submission(up, up.demo) as sender:
            assert sender.noop()[0] == 250
        with urllib.request.urlopen(f"{up.api_url}/health", timeout=60) as answer:
            assert answer.status == 200
    up.stop()
    up.check_log()


def test_a_second_one_on_its_data_directory_stops_at_once_and_it_stops_while_clients_are_connected(
    own_mailkeep: Make,
) -> None:
    up = own_mailkeep()
    up.start()
    told = (up.directory / "ready.json").read_bytes()
    key = (up.data_dir / "development.key").read_bytes()
    second = up.launch("--port-base", str(up.port_base + 1), "--ready-file", str(up.directory / "ready.json"))
    assert second.wait(60) == 78
    assert up.log.endswith(
        f"mailkeep: Another `mailkeep up` runs on the data directory '{up.data_dir}': stop it, or give this "
        "one another --data-dir.\n"
    )
    assert (up.directory / "ready.json").read_bytes() == told
    assert (up.data_dir / "development.key").read_bytes() == key
    assert all(len(up.pids(host)) == 1 for host in HOSTS)
    with ExitStack() as open_until_the_end:
        clients = {
            name: open_until_the_end.enter_context(connect(up, name))
            for name in ("mx", "imap", "imaps", "pop3")
        }
        clients["imaps"].sendall(f"a1 LOGIN {up.demo.address} {up.demo.api_key}\r\na2 IDLE\r\n".encode())
        said = b""
        while b"\r\n+ " not in said:
            said += clients["imaps"].recv(4096)
        up.stop()
        farewells = {name: read_to_the_end(client) for name, client in clients.items()}
    assert b"421" in farewells["mx"]
    assert b"* BYE" in farewells["imap"]
    assert b"* BYE" in farewells["imaps"]
    up.check_log()


def test_a_port_in_use_is_one_plain_sentence(own_mailkeep: Make) -> None:
    up = own_mailkeep()
    with socket.create_server(("127.0.0.1", up.port_base + 993)):
        process = up.launch()
        assert process.wait(60) == 78
    assert up.log == f"mailkeep: Port {up.port_base + 993} on 127.0.0.1 is in use by another program.\n"
    assert up.shown == ""


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--port-base", "99999"], "mailkeep: --port-base is a number between 0 and 64540."),
        (["--host", "192.0.2.1"], "mailkeep: '192.0.2.1' is not an address of this machine."),
        (["--ready-file", "/"], "Error: Invalid value for '--ready-file': File '/' is a directory."),
        (["--database", "mysql://u:topsecret@h/db"], "database"),
        (
            ["--database", "postgresql://u:topsecret@127.0.0.1:1/db"],
            "mailkeep: The mail store does not answer",
        ),
    ],
)
def test_what_cannot_work_is_said_in_a_sentence(tmp_path: Path, options: list[str], sentence: str) -> None:
    up = MailkeepUp(tmp_path / "up")
    process = up.launch(*options)
    try:
        assert process.wait(60) != 0
    finally:
        process.kill()
    assert sentence in up.log
    assert "Traceback" not in up.log
    assert "topsecret" not in up.log


def test_settings_that_cannot_work_end_in_their_own_exit_code(tmp_path: Path) -> None:
    up = MailkeepUp(tmp_path / "up")
    assert up.launch("--database", "postgresql+asyncpg://u:topsecret@[bad/db").wait(60) == 78
    assert up.log == "mailkeep: [store] database is not a database URL.\n"


def test_hosts_do_not_outlive_one_that_is_killed_and_nothing_has_to_be_removed_by_hand(
    own_mailkeep: Make,
) -> None:
    """Without a demo, as there is none in production."""
    up = own_mailkeep("--no-demo")
    up.start()
    assert not {"domain", "address", "api_key"} & set(up.ready)
    assert "internal_key" in up.ready
    assert up.cli("users", "list") == []
    hosts = [pid for host in HOSTS for pid in up.pids(host)]
    assert len(hosts) == len(HOSTS)
    up.kill()
    wait_for_the_end_of(hosts)
    up.start()
    up.stop()
    up.check_log()


def test_login_in_clear_from_this_machine_can_be_permitted(own_mailkeep: Make) -> None:
    up = own_mailkeep("--insecure-loopback-auth")
    up.start()
    demo = up.demo
    with imaplib.IMAP4(*up.place("imap")) as client:
        assert client.login(demo.address, demo.api_key)[0] == "OK"
    maildrop = poplib.POP3(*up.place("pop3"))
    maildrop.user(demo.address)
    assert maildrop.pass_(demo.api_key).startswith(b"+OK")
    maildrop.quit()
    with smtplib.SMTP(*up.place("submission")) as sender:
        assert sender.login(demo.address, demo.api_key)[0] == 235
    up.stop()


def connect(up: MailkeepUp, listener: str) -> socket.socket:
    connection = socket.create_connection(up.place(listener), timeout=60)
    return up.tls.wrap_socket(connection, server_hostname="localhost") if listener == "imaps" else connection


def read_to_the_end(connection: socket.socket) -> bytes:
    octets = b""
    while piece := connection.recv(65536):
        octets += piece
    return octets


def wait_for_the_end_of(hosts: list[int]) -> None:
    deadline = time.monotonic() + 60
    while [pid for pid in hosts if is_alive(pid)]:
        assert time.monotonic() < deadline, "a host outlived mailkeep up"
        time.sleep(0.02)

"""A real Thunderbird without a screen, whose buttons are pressed and whose windows can be pictured.

Its profile is its own. The names under example.test lead to this machine, as the domain's DNS records would;
nothing else can be reached. It trusts the hosts' CA, as a person who runs `mailkeep up` has it do.
"""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from tests.support.hosts import MailkeepUp
from tests.support.marionette import Marionette
from tests.support.ports import free_port
from tests.support.programs import program, succeed

WIDTH, HEIGHT = 1100, 720
STOP_SECONDS = 30.0

# One request finds the host that the domain's record `autoconfig` names; all else is refused at once.
_PROXY = """\
function FindProxyForURL(url, host) {
  if (host === "127.0.0.1" || host === "localhost" || host === "mail.example.test") return "DIRECT";
  if (url.startsWith("http://autoconfig.example.test/")) return "PROXY %s";
  return "PROXY 127.0.0.1:9";
}
"""
_PREFERENCES = """\
user_pref("marionette.port", {port});
user_pref("network.dns.localDomains", "mail.example.test");
user_pref("network.proxy.type", 2);
user_pref("network.proxy.autoconfig_url", "data:application/x-ns-proxy-autoconfig,{proxy}");
user_pref("app.update.enabled", false);
user_pref("app.donation.eoy.version.viewed", 999);
user_pref("datareporting.policy.dataSubmissionPolicyBypassNotification", true);
user_pref("mail.rights.version", 1);
user_pref("mailnews.start_page.enabled", false);
user_pref("mail.compose.max_recycled_windows", 0);
"""
# Its dialogs lie in shadow roots: `shown` looks through all of them.
_TOOLS = """\
const { MailServices } = ChromeUtils.importESModule("resource:///modules/MailServices.sys.mjs");
const window = Services.wm.getMostRecentWindow("mail:3pane");
const collect = (root, selector, found) => {
  found.push(...root.querySelectorAll(selector));
  for (const one of root.querySelectorAll("*")) if (one.shadowRoot) collect(one.shadowRoot, selector, found);
  return found;
};
const shown = (selector) => collect(window.document, selector, []).filter(
  (one) => one.checkVisibility({ visibilityProperty: true }) && !one.disabled);
const pane = () => window.document.getElementById("tabmail").currentAbout3Pane;
const reader = () => window.document.getElementById("tabmail").currentAboutMessage;
const inbox = () => MailServices.accounts.accounts[0].incomingServer.rootFolder
  .getFolderWithFlags(Ci.nsMsgFolderFlags.Inbox);
const writing = () => Services.wm.getMostRecentWindow("msgcompose");
"""


class Thunderbird:
    """What a person does with it. Everything waits until the program is as far."""

    def __init__(self, marionette: Marionette) -> None:
        self._marionette = marionette
        self.run("window.resizeTo(arguments[0], arguments[1])", WIDTH, HEIGHT)

    def run(self, script: str, *arguments: object) -> Any:
        """A script's answer, with the tools above."""
        return self._marionette.run(_TOOLS + script, *arguments)

    def wait(self, script: str, *arguments: object) -> Any:
        """The script's first answer that is true."""
        return self._marionette.wait(_TOOLS + script, *arguments)

    def picture(self, selector: str = "") -> bytes:
        """The window in front or one thing in it, as PNG."""
        if not selector:
            return self._marionette.picture()
        return self._marionette.picture(self.wait("return shown(arguments[0])[0]", selector))

    def fill(self, selector: str, text: str) -> None:
        """Type into a field of the account's dialog."""
        self.wait("return shown(arguments[0]).length", selector)
        self.run(
            "const field = shown(arguments[0])[0]; field.focus(); field.value = arguments[1];"
            'for (const kind of ["input", "change"])'
            " field.dispatchEvent(new window.Event(kind, {bubbles: true}));",
            selector,
            text,
        )

    def press(self, selector: str) -> None:
        """Press a button of the window or of the account's dialog, once it can be."""
        self.wait("return shown(arguments[0]).length", selector)
        self.run("shown(arguments[0])[0].click()", selector)

    def see(self, text: str) -> None:
        """Wait until the account's dialog says so."""
        look = 'return shown("dialog, [data-l10n-id], span, p, h1, h2").some((one) => '
        self.wait(look + "one.textContent.includes(arguments[0]))", text)

    def open_inbox(self) -> None:
        """Show it."""
        self.run("pane().displayFolder(inbox().URI)")

    def subjects(self) -> list[str]:
        """Of the messages that it has in the inbox's list."""
        return list(self.run("return [...inbox().messages].map((one) => one.mime2DecodedSubject)"))

    def wait_for_subject(self, subject: str) -> None:
        """Until the message is in the list by itself: nobody presses a button."""
        has = "return [...inbox().messages].some((one) => one.mime2DecodedSubject === arguments[0])"
        self.wait(has, subject)

    def read(self, subject: str) -> str:
        """Open a message of the inbox, and what is shown of its text."""
        self.wait_for_subject(subject)
        found = "const at = [...Array(pane().gDBView.rowCount).keys()].find((row) =>"
        found += " pane().gDBView.getMsgHdrAt(row).mime2DecodedSubject === arguments[0]);"
        self.wait(found + "return at !== undefined", subject)
        self.run(found + "pane().threadTree.selectedIndex = at;", subject)
        shown = "const body = reader()?.getMessagePaneBrowser()?.contentDocument?.body;"
        shown += (
            "return reader()?.gMessage?.mime2DecodedSubject === arguments[0] && body?.textContent.trim();"
        )
        return str(self.wait(shown, subject))

    def reply(self, text: str) -> None:
        """Answer the message that is open, and send it."""
        self.run('reader().document.getElementById("hdrReplyButton").click()')
        self.wait("return writing()?.gMsgCompose?.editor && writing().document.readyState === 'complete'")
        script = "const editor = writing().GetCurrentEditor(); editor.beginningOfDocument();"
        self.run(script + "editor.insertText(arguments[0]);", text)
        self.run('writing().goDoCommand("cmd_sendNow")')
        self.wait("return writing() === null")


@contextmanager
def running_thunderbird(up: MailkeepUp) -> Iterator[Thunderbird]:
    """With an empty profile. Skips, or fails if clients are required, where it is not installed."""
    thunderbird, certutil = program("thunderbird"), program("certutil")
    with tempfile.TemporaryDirectory(prefix="thunderbird-") as made:
        home, port = Path(made), free_port()
        profile = home / "profile"
        profile.mkdir()
        proxy = quote(_PROXY % urlsplit(up.api_url).netloc)
        (profile / "user.js").write_text(_PREFERENCES.format(port=port, proxy=proxy))
        trust = [certutil, "-A", "-d", f"sql:{profile}", "-n", "mailkeep", "-t", "C,,", "-i", up.ca_file]
        succeed([certutil, "-N", "-d", f"sql:{profile}", "--empty-password"], home=home)
        succeed(trust, home=home)
        command = [thunderbird, "--headless", "--marionette", "-remote-allow-system-access"]
        command += ["--no-remote", "--profile", str(profile)]
        with (home / "log").open("wb") as log:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=_environment(home),
                start_new_session=True,
            )
        try:
            with closing(Marionette(port, lambda: process.poll() is None)) as marionette:
                yield Thunderbird(marionette)
        finally:
            process.terminate()
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _environment(home: Path) -> dict[str, str]:
    size = {"MOZ_HEADLESS_WIDTH": str(WIDTH), "MOZ_HEADLESS_HEIGHT": str(HEIGHT)}
    place = {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": str(home), "TZ": "UTC", "LC_ALL": "C.UTF-8"}
    return {**place, **size, "MOZ_CRASHREPORTER_DISABLE": "1"}

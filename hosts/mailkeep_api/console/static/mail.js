// Lists of mail that keep themselves up to date, and what one does with a message.

import { ask, localTimes, onPress, say } from "./console.js";

const EVERY = 2000; // milliseconds between two looks at the list, however much mail arrives
const list = document.getElementById("list");
const message = document.getElementById("message");
let waiting = null;

/** Ask for the list again, and keep what is chosen and where the keyboard stands. */
async function refresh() {
  const answer = await fetch(location.href);
  if (answer.status === 429 || answer.status >= 500) return soon();
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("list");
  if (!fresh) return location.reload();
  const chosen = chosenIds();
  const focused = list.contains(document.activeElement) ? document.activeElement.id : "";
  list.replaceChildren(...fresh.childNodes);
  for (const id of chosen) {
    const box = document.getElementById(`choose-${id}`);
    if (box) box.checked = true;
  }
  localTimes(list);
  group();
  if (focused) document.getElementById(focused)?.focus();
}

/** A heading before the first message of each day, which is a day where the reader is. */
function group() {
  if (!("grouped" in list.dataset)) return;
  let day = "";
  for (const time of list.querySelectorAll(".mails time")) {
    const of = new Date(time.dateTime).toLocaleDateString(undefined, { dateStyle: "full" });
    if (of === day) continue;
    day = of;
    const heading = document.createElement("li");
    heading.className = "day";
    heading.textContent = day;
    time.closest("li").before(heading);
  }
}

function tell(mail) {
  if (!("notifies" in list.dataset) || !("Notification" in window) || Notification.permission !== "granted") return;
  const shown = new Notification(mail.fromDisplay || mail.from, { body: mail.subject, tag: mail.id });
  shown.addEventListener("click", () => { window.focus(); location.assign(`/console/mail/${mail.id}`); });
}

function soon() {
  waiting ??= setTimeout(() => {
    waiting = null;
    refresh().catch(soon);
  }, EVERY);
}

function chosenIds() {
  return [...list.querySelectorAll(".choose:checked")].map((box) => box.value);
}

function someChosen() {
  const ids = chosenIds();
  if (!ids.length) throw new Error("Choose messages first.");
  return ids;
}

function listen() {
  const events = new EventSource("/api/events");
  let first = true;
  events.addEventListener("open", () => {
    if (!first) soon(); // what happened meanwhile may be more than is resumed
    first = false;
  });
  events.addEventListener("NewEmail", (event) => {
    const mail = JSON.parse(event.data);
    say(`New mail from ${mail.fromDisplay || mail.from}: ${mail.subject || "no subject"}`);
    tell(mail);
    soon();
  });
  events.addEventListener("UpstreamChanged", (event) => {
    const account = JSON.parse(event.data);
    if (account.state === "needs_sign_in") say(`${account.name} needs a sign-in: ${account.said}`);
  });
  for (const name of ["EmailUpdated", "EmailDeleted", "UnreadCountChanged", "Resync"]) events.addEventListener(name, soon);
  events.addEventListener("error", () => {
    if (events.readyState === EventSource.CLOSED) say("New mail does not appear by itself any more: reload the page.");
  });
}

onPress("mark", async (button) => {
  await ask("POST", "/api/emails/bulk/mark-read", { emailIds: someChosen(), isRead: button.dataset.mark === "read" });
  await refresh();
});

onPress("delete", async () => {
  await ask("POST", "/api/emails/bulk/delete", { emailIds: someChosen() });
  await refresh();
});

onPress("unread", async (button) => {
  await ask("PATCH", `/api/emails/${button.dataset.unread}`, { isRead: false });
  location.assign("/console/mail");
});

if (message) {
  const path = `/api/labels/emails/${message.dataset.id}`;
  message.addEventListener("change", async (event) => {
    const box = event.target;
    try {
      if (box.checked) await ask("POST", path, { labelId: box.dataset.label });
      else await ask("DELETE", `${path}/${box.dataset.label}`);
    } catch (error) {
      box.checked = !box.checked;
      document.getElementById("alert").textContent = error.message;
    }
  });
  if ("unread" in message.dataset) {
    ask("PATCH", `/api/emails/${message.dataset.id}`, { isRead: true }).catch(() => {}); // whoever may only read
  }
}

if (list) group();
if (list && "live" in list.dataset) listen();

// What every page of the console does: ask the API with the session's CSRF token, and say what came of it.

const SIGN_IN = "/console/sign-in";

/** The API's answer, null for none. Throws an Error with the sentence of a refusal. */
export async function ask(method, path, body) {
  const headers = { "X-CSRF-Token": document.querySelector("meta[name=csrf-token]").content };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  let answer;
  try {
    answer = await fetch(path, { method, headers, body: body === undefined ? undefined : JSON.stringify(body) });
  } catch {
    throw new Error("The server does not answer. Please try again.");
  }
  if (answer.ok) return answer.status === 204 || answer.status === 304 ? null : answer.json();
  throw new Error(await sentenceOf(answer));
}

async function sentenceOf(answer) {
  const problem = await answer.json().catch(() => ({}));
  if (problem.errors) {
    return Object.entries(problem.errors).map(([where, what]) => `${where.replace("body.", "")}: ${what}`).join("; ");
  }
  return problem.detail ?? `The server answered ${answer.status}.`;
}

/** Do `act` when a form of this name is submitted; a refusal is shown in the form. */
export function onSubmit(name, act) {
  for (const form of document.querySelectorAll(`form[data-form="${name}"]`)) {
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      await busy(form.querySelector("button:not([type=button])"), form.querySelector(".error"), () => act(form));
    });
  }
}

/** Do `act` when a button with this data attribute is pressed, also one that came later. */
export function onPress(attribute, act) {
  document.addEventListener("click", async (event) => {
    const button = event.target.closest(`button[data-${attribute}]`);
    if (!button || (button.dataset.confirm && !window.confirm(button.dataset.confirm))) return;
    await busy(button, document.getElementById("alert"), () => act(button));
  });
}

/** Say something that a screen reader reads out too. */
export function say(text) {
  document.getElementById("said").textContent = text;
}

async function busy(button, alert, act) {
  alert.textContent = "";
  button.disabled = true;
  try {
    await act();
  } catch (error) {
    alert.textContent = error.message;
  } finally {
    button.disabled = false;
  }
}

/** Times in the reader's own zone and manner; brief ones leave out what goes without saying. */
export function localTimes(root) {
  for (const time of root.querySelectorAll("time.at, time.brief")) {
    const at = new Date(time.dateTime);
    const full = at.toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" });
    time.textContent = time.classList.contains("brief") ? briefly(at) : full;
    time.title = full;
  }
}

function briefly(at) {
  const now = new Date();
  if (at.toDateString() === now.toDateString()) return at.toLocaleTimeString(undefined, { timeStyle: "short" });
  const year = at.getFullYear() === now.getFullYear() ? undefined : "numeric";
  return at.toLocaleDateString(undefined, { day: "numeric", month: "short", year });
}

/** What is left of spans; the page says itself what has ended, so it is asked for again then. */
function timesLeft() {
  let next = 15000; // milliseconds
  for (const time of document.querySelectorAll("time.left")) {
    const left = new Date(time.dateTime) - Date.now();
    if (left <= 0) return location.reload();
    const minutes = Math.floor(left / 60000);
    time.textContent = minutes < 1 ? "less than a minute" : minutes === 1 ? "1 minute" : `${minutes} minutes`;
    next = Math.min(next, left + 500); // the server's clock decides
  }
  setTimeout(timesLeft, next);
}

onPress("ask", async (button) => {
  const [method, path] = button.dataset.ask.split(" ");
  await ask(method, path);
  if (button.dataset.then) location.assign(button.dataset.then);
  else location.reload();
});

onSubmit("sign-in", async (form) => {
  await ask("POST", "/oauth/key", { key: form.elements.key.value.trim() });
  location.assign(form.dataset.then);
});

localTimes(document);
document.querySelector(".tabs [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" }); // on a phone
if (document.querySelector("time.left")) timesLeft();
if (location.pathname !== SIGN_IN) window.addEventListener("pageshow", (event) => event.persisted && location.reload());

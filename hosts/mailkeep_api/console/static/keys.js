// The page of keys: a new one is shown once, and stays nowhere.

import { ask, onPress, onSubmit, say } from "./console.js";

const KEYS = "/api/smtp-credentials";

function limitsOf(form) {
  const networks = form.elements.networks.value.split(/[\s,]+/).filter(Boolean);
  const expires = form.elements.expires.value;
  return {
    scopes: [...form.querySelectorAll("[name=scopes]:checked")].map((box) => box.value),
    networks: networks.length ? networks : null,
    expiresAt: expires ? `${expires}T23:59:59Z` : null,
  };
}

function someScopes(limits) {
  if (!limits.scopes.length) throw new Error("Choose at least one thing that the key opens.");
  return limits;
}

function show(made) {
  document.getElementById("made-key").textContent = made.apiKey;
  document.getElementById("made").hidden = false;
  document.getElementById("made-title").focus();
}

onSubmit("new-key", async (form) => {
  show(await ask("POST", KEYS, { name: form.elements.name.value, ...someScopes(limitsOf(form)) }));
  form.reset();
});

onSubmit("restrict-key", async (form) => {
  await ask("PATCH", `${KEYS}/${form.dataset.key}`, someScopes(limitsOf(form)));
  location.reload();
});

onPress("rotate", async (button) => show(await ask("POST", `${KEYS}/${button.dataset.rotate}/rotate`)));

document.getElementById("copy").addEventListener("click", async () => {
  const key = document.getElementById("made-key");
  try {
    await navigator.clipboard.writeText(key.textContent);
    say("The key is copied.");
  } catch {
    getSelection().selectAllChildren(key);
    say("Copy the marked key with your keyboard.");
  }
});

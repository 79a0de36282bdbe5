// Name and addresses.

import { ask, onSubmit } from "./console.js";

const PROFILE = "/api/profile";

async function changed(method, path, body) {
  await ask(method, path, body);
  location.reload();
}

onSubmit("new-address", (form) => changed("POST", `${PROFILE}/addresses`, { address: form.elements.address.value }));
onSubmit("verify", (form) =>
  changed("POST", `${PROFILE}/addresses/${form.dataset.address}/verify`, { code: form.elements.code.value }));
onSubmit("name", (form) => changed("PUT", PROFILE, { displayName: form.elements.name.value }));

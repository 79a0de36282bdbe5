// Labels and filters: made, changed, put in order.

import { ask, onPress, onSubmit } from "./console.js";

async function changed(method, path, body) {
  await ask(method, path, body);
  location.reload();
}

const labelOf = ({ name, color }) => ({ name: name.value.trim(), color: color.value });

onSubmit("new-label", (form) => changed("POST", "/api/labels", labelOf(form.elements)));
onSubmit("change-label", (form) => changed("PUT", `/api/labels/${form.dataset.label}`, labelOf(form.elements)));

/** The whole filter: what is left out is no condition any more. */
function filterOf({ name, from, subject, body, files, read, discard, label, enabled }) {
  return {
    name: name.value.trim(),
    isEnabled: enabled.checked,
    fromAddressContains: from.value || null,
    subjectContains: subject.value || null,
    bodyContains: body.value || null,
    hasAttachments: files.value ? files.value === "yes" : null,
    markAsRead: read.checked,
    delete: discard.checked,
    assignLabelId: label.value || null,
  };
}

onSubmit("new-filter", (form) => {
  const last = Math.max(90, ...[...document.querySelectorAll("[data-item]")].map((item) => Number(item.dataset.order)));
  return changed("POST", "/api/filters", { ...filterOf(form.elements), priority: last + 10 });
});
onSubmit("change-filter", (form) => changed("PUT", `/api/filters/${form.dataset.filter}`, filterOf(form.elements)));

/** Neighbours change places; whatever then has the wrong number gets another. */
onPress("move", async (button) => {
  const items = [...document.querySelectorAll("[data-item]")];
  const item = button.closest("[data-item]");
  const from = items.indexOf(item);
  items.splice(from, 1);
  items.splice(from + Number(button.dataset.move), 0, item);
  const field = button.dataset.kind === "labels" ? "sortOrder" : "priority";
  for (const [place, one] of items.entries()) {
    const order = (place + 1) * 10;
    if (Number(one.dataset.order) !== order) await ask("PUT", `/api/${button.dataset.kind}/${one.dataset.item}`, { [field]: order });
  }
  location.reload();
});

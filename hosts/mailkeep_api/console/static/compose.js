// Writing a message: the form's fields as the API takes them.

import { ask, onSubmit } from "./console.js";

const ADDRESS = /(?:"(?:\\.|[^"\\])*"|[^",;])+/g; // a comma inside a quoted name does not end an address

function addresses(field) {
  return (field.value.match(ADDRESS) ?? []).map((one) => one.trim()).filter(Boolean);
}

function octetsOf(file) {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result.slice(reader.result.indexOf(",") + 1));
    reader.onerror = () => reject(new Error(`${file.name} cannot be read.`));
    reader.readAsDataURL(file);
  });
}

async function attached(file) {
  const content = file.size ? await octetsOf(file) : "";
  return { fileName: file.name, contentType: file.type || "application/octet-stream", content };
}

onSubmit("message", async (form) => {
  const { from, to, cc, bcc, subject, text, files } = form.elements;
  await ask("POST", "/api/emails", {
    from: from.value || null,
    to: addresses(to),
    cc: addresses(cc),
    bcc: addresses(bcc),
    subject: subject.value,
    textBody: text.value,
    attachments: await Promise.all([...files.files].map(attached)),
    replyToEmailId: form.dataset.reply ?? null,
    forwardEmailId: form.dataset.forward ?? null,
  });
  location.assign("/console/mail?folder=sent");
});

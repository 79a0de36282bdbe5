// What these pages heed of the preferences.

import { ask, onSubmit } from "./console.js";

onSubmit("settings", async (form) => {
  const { theme, density, size, sort, preview, grouped, notify, digest, often, at } = form.elements;
  if (notify.checked && (!("Notification" in window) || (await Notification.requestPermission()) !== "granted")) {
    notify.checked = false;
    throw new Error("This browser does not allow messages on the desktop for this site.");
  }
  await ask("PUT", "/api/preferences", {
    theme: theme.value,
    displayDensity: density.value,
    emailsPerPage: Number(size.value),
    defaultSort: sort.value,
    showPreview: preview.checked,
    groupByDate: grouped.checked,
    desktopNotifications: notify.checked,
    emailDigest: digest.checked,
    digestFrequency: often.value,
    digestTime: at.value,
  });
  location.reload();
});

// Shows what the push service brings. It keeps nothing and answers no request: pages come from the network as always.
"use strict";

self.addEventListener("push", (event) => {
  let told;
  try {
    told = event.data.json();
  } catch {
    return;
  }
  event.waitUntil(
    self.registration.showNotification(String(told.title), {
      body: String(told.body),
      tag: String(told.path),
      data: { path: String(told.path) },
    }),
  );
});

self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  // A path of this site and nothing else, whatever was sent.
  const url = new URL(event.notification.data.path, self.location.origin);
  if (url.origin !== self.location.origin) return;
  event.waitUntil(
    (async () => {
      for (const page of await self.clients.matchAll({ type: "window", includeUncontrolled: true })) {
        if (page.url === url.href) return page.focus();
      }
      return self.clients.openWindow(url.href);
    })(),
  );
});

// Keeps the till's shell, and nothing else: no answer about anybody is ever in this cache.
"use strict";
const CACHE = "till-VERSION";
const SHELL = {{ shell }};

self.addEventListener("install", (event) => {
  event.waitUntil(
    caches
      .open(CACHE)
      .then((cache) => cache.addAll(SHELL.map((path) => new Request(path, { cache: "reload", credentials: "omit" })))),
  );
  self.skipWaiting();
});

self.addEventListener("activate", (event) => {
  event.waitUntil(
    (async () => {
      for (const name of await caches.keys()) {
        if (name.startsWith("till-") && name !== CACHE) await caches.delete(name);
      }
      await self.clients.claim();
    })(),
  );
});

self.addEventListener("fetch", (event) => {
  const url = new URL(event.request.url);
  if (event.request.method !== "GET" || url.origin !== self.location.origin || !SHELL.includes(url.pathname)) return;
  event.respondWith(answer(event.request, url.pathname));
});

// The page itself is asked for first, so that a new one is seen; its parts have the hash of their content in their name.
async function answer(request, path) {
  const cache = await caches.open(CACHE);
  if (request.mode === "navigate") {
    try {
      const fresh = await fetch(request);
      if (fresh.ok) return fresh;
    } catch {
      // No network: the kept one is the same page.
    }
  }
  return (await cache.match(path)) || fetch(request);
}

// What the till keeps on this device: the keys, the list (opaque ids, first names, booking references), what it still
// has to send, and which passes it has honoured. Every write is on disk before its promise is kept.
(function () {
  "use strict";
  const Till = (window.Till = window.Till || {});
  const DAY = 24 * 3600 * 1000;
  let opened = null;

  function open() {
    opened ||= new Promise((resolve, reject) => {
      const asked = indexedDB.open("till", 1);
      asked.onupgradeneeded = () => {
        asked.result.createObjectStore("facts");
        asked.result.createObjectStore("queue", { keyPath: "nonce" });
        asked.result.createObjectStore("given", { keyPath: "passId" });
      };
      asked.onsuccess = () => resolve(asked.result);
      asked.onerror = () => reject(asked.error);
    });
    return opened;
  }

  async function work(stores, mode, act) {
    const database = await open();
    return new Promise((resolve, reject) => {
      const change = database.transaction(stores, mode, { durability: "strict" });
      const asked = act(change);
      change.oncomplete = () => resolve(asked && asked.result);
      change.onerror = change.onabort = () => reject(change.error);
    });
  }

  const get = (name) => work(["facts"], "readonly", (change) => change.objectStore("facts").get(name));
  const put = (name, value) => work(["facts"], "readwrite", (change) => change.objectStore("facts").put(value, name));

  // Oldest first, as they were scanned.
  async function queued() {
    const all = await work(["queue"], "readonly", (change) => change.objectStore("queue").getAll());
    return all.sort((one, other) => one.at - other.at);
  }

  // One transaction: what is honoured is waiting to be sent, or neither is true. False when it was honoured here before.
  async function enqueue(scan) {
    const database = await open();
    return new Promise((resolve, reject) => {
      const change = database.transaction(["queue", "given"], "readwrite", { durability: "strict" });
      let isNew = false;
      const before = change.objectStore("given").get(scan.passId);
      before.onsuccess = () => {
        if (before.result) return;
        isNew = true;
        change.objectStore("queue").put(scan);
        change.objectStore("given").put({ passId: scan.passId, at: scan.at });
      };
      change.oncomplete = () => resolve(isNew);
      change.onerror = change.onabort = () => reject(change.error);
    });
  }

  const remember = (passId, at) =>
    work(["given"], "readwrite", (change) => change.objectStore("given").put({ passId, at }));
  const forgetGiven = (passId) =>
    work(["given"], "readwrite", (change) => change.objectStore("given").delete(passId));
  const sent = (nonce) => work(["queue"], "readwrite", (change) => change.objectStore("queue").delete(nonce));

  async function tidy(now) {
    const all = await work(["given"], "readonly", (change) => change.objectStore("given").getAll());
    const old = all.filter((one) => now - one.at > 3 * DAY);
    await work(["given"], "readwrite", (change) => {
      for (const one of old) change.objectStore("given").delete(one.passId);
    });
  }

  // A device that is no till any more keeps nothing about anybody; what it could not send is named before.
  const wipe = () =>
    work(["facts", "queue", "given"], "readwrite", (change) => {
      for (const name of ["facts", "queue", "given"]) change.objectStore(name).clear();
    });

  Till.store = { get, put, queued, enqueue, remember, forgetGiven, sent, tidy, wipe };
})();

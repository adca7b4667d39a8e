// Talks to the server: what it knows of this till, its keys and list, and the scans that wait. A scan has one nonce for
// life, so sending it twice is sending it once.
(function () {
  "use strict";
  const Till = (window.Till = window.Till || {});
  const PATIENCE = 6000;
  let csrf = null;

  class NoNetwork extends Error {}

  async function ask(path, options = {}) {
    let answer;
    try {
      answer = await fetch(path, { cache: "no-store", signal: AbortSignal.timeout(PATIENCE), ...options });
    } catch {
      throw new NoNetwork();
    }
    // What a proxy or a sleeping server says is no word of ours.
    if (answer.status >= 500) throw new NoNetwork();
    const body = answer.status === 204 ? {} : await answer.json().catch(() => ({}));
    return { status: answer.status, body };
  }

  // Changes carry the page's token; where the browser's is a new one, it is asked for and the change sent once more.
  async function change(method, path, body) {
    for (const attempt of [1, 2]) {
      if (!csrf) await state();
      const answer = await ask(path, {
        method,
        headers: { "Content-Type": "application/json", "X-CSRFToken": csrf },
        body: body === undefined ? undefined : JSON.stringify(body),
      });
      const isOurs = answer.status !== 403 || (answer.body.code && answer.body.code !== "csrf_failed");
      if (isOurs || attempt === 2) return answer;
      csrf = null;
    }
    throw new NoNetwork();
  }

  async function state() {
    const { body } = await ask("/till/state", { headers: { Accept: "application/json" } });
    csrf = body.csrf;
    await Till.store.put("currency", body.currency);
    // Scans are timed by the server's clock, however wrong the device's is.
    await Till.store.put("ahead", Date.parse(body.now) - Date.now());
    return body;
  }

  async function refresh() {
    const keys = await ask("/.well-known/pass-keys.json", { cache: "default" });
    if (keys.status === 200 && Array.isArray(keys.body.keys)) await Till.store.put("keys", keys.body.keys);
    const list = await ask("/till/arrivals");
    if (list.status === 200) {
      await Till.store.put("list", list.body);
      await Till.store.put("listAt", Date.parse(list.body.now));
    }
    return list.status;
  }

  const bodyOf = (scan) => ({
    pass: scan.pass,
    ...(scan.amount ? { amount: scan.amount } : {}),
    nonce: scan.nonce,
    scanned_at: new Date(scan.at).toISOString(),
    ...(scan.shift ? { shift: scan.shift } : {}),
  });

  // Sends what waits, oldest first, and tells `told(scan, answer)` of each. Stops at the first that cannot be sent now;
  // "needs_shift" and "not_paired" say what is missing.
  async function flush(told) {
    const run = async () => {
      for (const scan of await Till.store.queued()) {
        const answer = await change("POST", "/till/scans", bodyOf(scan));
        if (answer.status === 401) return "not_paired";
        if (answer.status === 403) return "needs_shift";
        if (answer.status === 429) return "later";
        // 200 and 201 are a scan; 400 and 409 will never be one, so it is shown and not sent for ever.
        await Till.store.sent(scan.nonce);
        if (answer.status >= 400 || answer.body.outcome !== "accepted") await told(scan, answer);
      }
      return "done";
    };
    // Two pages of one till do not send at the same time.
    return navigator.locks.request("till-sending", { ifAvailable: true }, (lock) => (lock ? run() : "later"));
  }

  Till.server = { NoNetwork, change, state, refresh, flush, bodyOf };
})();

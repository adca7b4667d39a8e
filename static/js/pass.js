// The code page: renews the picture every 30 seconds, turns the text of the pass in step from its seed (RFC 6238,
// SHA-1, six digits), and notices when the desk has scanned it. Everything is timed by the server's clock.
(function () {
  "use strict";
  const page = document.querySelector("[data-pass]");
  if (!page) return;
  const find = (name) => page.querySelector(`[data-${name}]`);
  const every = Number(page.dataset.every) || 30;
  const ahead = Number(page.dataset.now) - Date.now();
  const ring = 2 * Math.PI * 20;
  const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
  let shownStep = null;

  const now = () => Date.now() + ahead;

  function fromBase32(text) {
    const bytes = [];
    let bits = 0;
    let held = 0;
    for (const letter of text.replace(/=+$/, "").toUpperCase()) {
      held = (held << 5) | ALPHABET.indexOf(letter);
      bits += 5;
      if (bits >= 8) {
        bits -= 8;
        bytes.push((held >>> bits) & 255);
        held &= (1 << bits) - 1;
      }
    }
    return new Uint8Array(bytes);
  }

  async function digitsAt(step) {
    const key = await crypto.subtle.importKey(
      "raw",
      fromBase32(page.dataset.seed),
      { name: "HMAC", hash: "SHA-1" },
      false,
      ["sign"],
    );
    const counter = new DataView(new ArrayBuffer(8));
    counter.setBigUint64(0, BigInt(step));
    const mac = new DataView(await crypto.subtle.sign("HMAC", key, counter.buffer));
    const offset = mac.getUint8(19) & 15;
    return String((mac.getUint32(offset) & 0x7fffffff) % 1000000).padStart(6, "0");
  }

  const textAt = async (step) => `CA1:${page.dataset.pass}.${await digitsAt(step)}`;

  async function turnText(step) {
    // Browsers offer crypto.subtle only on HTTPS and localhost; elsewhere the picture and typed code suffice.
    if (!window.crypto || !crypto.subtle) return;
    find("pass-string").textContent = await textAt(step);
    find("pass-text").hidden = false;
  }

  function showPicture(good) {
    find("qr").hidden = !good;
    find("countdown").hidden = !good;
    find("offline").hidden = good;
  }

  function renewPicture(step) {
    const next = new Image();
    next.onload = () => {
      find("qr").src = next.src;
      showPicture(true);
    };
    next.onerror = async () => {
      // Without a network the page draws it itself, as it turns the text. Where it cannot, a picture of an old step opens
      // nothing, so it is taken away rather than left to disappoint at the desk.
      const own = window.crypto && crypto.subtle ? window.Qr.picture(await textAt(step)) : null;
      if (own) find("qr").src = own;
      showPicture(Boolean(own));
    };
    next.src = `${page.dataset.picture}?step=${step}`;
  }

  function tick() {
    const seconds = now() / 1000;
    const step = Math.floor(seconds / every);
    const left = Math.max(1, Math.ceil(every - (seconds % every)));
    find("seconds").textContent = String(left);
    find("timer").textContent = `New picture in ${left} second${left === 1 ? "" : "s"}`;
    find("ring").setAttribute("stroke-dasharray", `${((ring * left) / every).toFixed(1)} ${ring.toFixed(1)}`);
    if (step === shownStep) return;
    if (shownStep === null) turnText(step);
    else renew(step);
    shownStep = step;
  }

  // False once the code is no longer to be shown; the page is then loaded again and says what became of it.
  async function askState() {
    try {
      const answer = await fetch(page.dataset.state, { headers: { Accept: "application/json" }, cache: "no-store" });
      if (answer.ok && (await answer.json()).state !== page.dataset.standing) {
        location.reload();
        return false;
      }
    } catch {
      // Offline: the picture says so at its next turn, and the next question asks again.
    }
    return true;
  }

  async function renew(step) {
    if (!(await askState())) return;
    renewPicture(step);
    turnText(step);
  }

  async function keepAwake() {
    try {
      if (navigator.wakeLock && !document.hidden) await navigator.wakeLock.request("screen");
    } catch {
      // The browser may refuse on low battery; the hint below the code still holds.
    }
  }

  showPicture(true);
  tick();
  setInterval(tick, 1000);
  setInterval(() => {
    if (!document.hidden) askState();
  }, 3000);
  keepAwake();
  document.addEventListener("visibilitychange", () => {
    tick();
    if (document.hidden) return;
    keepAwake();
    askState();
  });
})();

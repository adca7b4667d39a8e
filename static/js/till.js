// The till: pair, come to work, scan. Online the server judges; without a network this device does, and sends later.
(function () {
  "use strict";
  const { pass, store, server } = window.Till;
  const find = (name) => document.querySelector(`[data-${name}]`);
  const all = (name) => [...document.querySelectorAll(`[data-${name}]`)];
  const LAST = 10;
  let own = null; // what the server says of this till, as last heard
  let ahead = 0;
  let online = navigator.onLine;
  let pending = null; // what was scanned and not answered: the same nonce when it is tried again
  let undoable = null; // the pass that was accepted last
  const last = [];

  const now = () => Date.now() + ahead;
  const newNonce = () => crypto.randomUUID();

  function show(view) {
    for (const part of all("view")) part.hidden = part.dataset.view !== view;
    const field = find(`view='${view}'`).querySelector("[data-first]");
    if (field) field.focus({ preventScroll: true });
  }

  function say(where, text) {
    const place = find(`said='${where}'`);
    place.textContent = text;
    place.hidden = !text;
  }

  function benefitText(benefit) {
    if (!benefit) return "What their own screen says";
    if (benefit.text) return benefit.text;
    if (benefit.face) return "It pays by gift card";
    if (benefit.waived_percent) return `${benefit.waived_percent} % of the deposit is waived`;
    return "What their own screen says";
  }

  const clock = (at) => new Date(at).toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit" });

  function age(milliseconds) {
    const minutes = Math.max(0, Math.round(milliseconds / 60000));
    if (minutes < 1) return "less than a minute";
    if (minutes < 60) return `${minutes} min`;
    return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
  }

  async function tellQueue() {
    const waiting = await store.queued();
    const oldest = waiting.length ? `, the oldest ${age(now() - waiting[0].at)} old` : "";
    find("unsent").textContent = waiting.length ? `${waiting.length} not sent yet${oldest}` : "All scans are sent";
    find("unsent").dataset.count = String(waiting.length);
    find("offline").hidden = online;
    find("connected").hidden = !online;
    window.onbeforeunload = waiting.length ? (event) => event.preventDefault() : null;
    return waiting.length;
  }

  function outcomeOf(code) {
    return find(`outcome='${code}'`) || find("outcome='unknown_code'");
  }

  // What was wrong with a field says it best: the rest of a refused input is written for programs.
  function refusalText(body) {
    const wrong = (body.errors || []).map((error) => error.detail).filter(Boolean);
    return wrong.length ? wrong.join(" ") : `${body.title || "It was not taken."} ${body.detail || ""}`.trim();
  }

  // {outcome, title, benefit, firstName, terms, booking, detail, typed, undo, later}
  function showResult(told) {
    const words = outcomeOf(told.outcome).dataset;
    const block = find("result");
    block.className = `result ${words.shape}`;
    block.hidden = false;
    find("icon").replaceChildren(outcomeOf(told.outcome).querySelector("svg").cloneNode(true));
    find("word").textContent = told.later ? `${words.word}, not sent yet` : words.word;
    find("what").textContent = told.title ? (told.firstName ? `${told.title} for ${told.firstName}` : told.title) : "";
    find("do").textContent = words.do;
    const facts = { give: told.outcome === "accepted" ? benefitText(told.benefit) : "", detail: told.detail || "" };
    facts.terms = told.outcome === "accepted" ? told.terms || "" : "";
    facts.booking = told.booking || "";
    facts.charged = told.charged || "";
    facts.left = told.left || "";
    for (const [name, text] of Object.entries(facts)) {
      find(`fact='${name}'`).hidden = !text;
      find(`fact='${name}'`).querySelector("dd").textContent = text;
    }
    find("undo").hidden = !told.undo;
    find("undo").dataset.redemption = told.undo || "";
    last.unshift({ at: now(), word: find("word").textContent, title: told.title || "No perk", icon: words.shape });
    last.length = Math.min(last.length, LAST);
    find("last").replaceChildren(
      ...last.map((one) => {
        const line = document.createElement("li");
        line.textContent = `${clock(one.at)} ${one.word}: ${one.title}`;
        return line;
      }),
    );
    find("no-last").hidden = last.length > 0;
    if (navigator.vibrate) navigator.vibrate(words.shape === "ok" ? 60 : [60, 60, 60]);
  }

  function fromServer(answer, typed) {
    const told = answer.redemption || {};
    return {
      outcome: answer.outcome,
      title: told.title,
      benefit: told.benefit,
      firstName: told.first_name,
      terms: told.terms,
      detail: answer.detail,
      typed,
      undo: answer.outcome === "accepted" ? told.id : null,
    };
  }

  async function scanOnline(scan) {
    const typed = { code: scan.code, nonce: scan.nonce, ...(scan.amount ? { amount: scan.amount } : {}) };
    const body = scan.pass ? server.bodyOf(scan) : typed;
    const answer = await server.change("POST", "/till/scans", body);
    if (answer.status === 200 || answer.status === 201) {
      pending = null;
      undoable = answer.body.outcome === "accepted" ? scan.passId || null : null;
      if (undoable) await store.remember(undoable, scan.at);
      const card = answer.body.gift_card;
      const told = fromServer(answer.body, !scan.pass);
      if (card) {
        // A card is shown again until nothing is left on it.
        if (scan.passId) await store.forgetGiven(scan.passId);
        told.charged = card.charge && card.amount ? await moneyText(card.amount) : "";
        told.left = card.balance ? await moneyText(card.balance) : "";
      }
      showResult(told);
      return;
    }
    pending = null;
    if (answer.status === 401) await notPaired();
    else if (answer.status === 403) lock("Type your PIN to go on.");
    else say("scan", refusalText(answer.body));
  }

  async function scanOffline(scan) {
    online = false;
    if (!scan.pass) {
      say("scan", "A typed code needs a connection. Ask for the picture: this till reads it without one.");
      return;
    }
    const held = { keys: await store.get("keys"), list: await store.get("list"), listAt: await store.get("listAt") };
    const judged = await pass.judge(scan.pass, held, scan.at);
    if (judged.outcome !== "accepted") {
      showResult(judged);
      return;
    }
    pending = null;
    const isNew = await store.enqueue({ ...scan, passId: judged.passId, title: judged.title });
    showResult(isNew ? { ...judged, later: true } : { outcome: "already_redeemed", title: judged.title });
  }

  // An amount as people write it, in minor units; null where there is none, undefined where it is no amount.
  async function amountOf(text) {
    if (!text) return null;
    const currency = await store.get("currency");
    const written = /^(\d{1,9})(?:[.,](\d{1,3}))?$/.exec(text);
    if (!written || !currency || (written[2] || "").length > currency.decimals) return undefined;
    return {
      amount: Number(written[1] + (written[2] || "").padEnd(currency.decimals, "0")),
      currency: currency.code,
    };
  }

  async function moneyText(money) {
    const { decimals } = await store.get("currency");
    const digits = String(money.amount).padStart(decimals + 1, "0");
    const whole = digits.slice(0, digits.length - decimals);
    return `${decimals ? `${whole}.${digits.slice(-decimals)}` : whole} ${money.currency}`;
  }

  async function scan(text, amount = null) {
    say("scan", "");
    find("result").hidden = true;
    const isPass = pass.isPass(text);
    const shown = isPass ? text.trim().toUpperCase() : text.trim();
    // Tried again after no answer, it is the same scan: the server may have it already.
    const sum = amount ? amount.amount : 0;
    if (!(pending && pending.shown === shown && pending.sum === sum && now() - pending.at < 120000)) {
      pending = { shown, sum, amount, at: now(), nonce: newNonce(), shift: own.shift && own.shift.id };
      pending[isPass ? "pass" : "code"] = shown;
    }
    const scanned = { ...pending };
    if (isPass) {
      const keys = await store.get("keys");
      const claims = keys && (await pass.read(shown, keys).catch(() => null));
      scanned.passId = claims ? claims.passId : null;
    }
    try {
      if (!navigator.onLine) throw new server.NoNetwork();
      await scanOnline(scanned);
      online = true;
    } catch (error) {
      if (!(error instanceof server.NoNetwork)) throw error;
      await scanOffline(scanned);
    }
    await tellQueue();
  }

  function lock(why) {
    if (own) own.shift = null;
    store.put("own", own);
    const list = find("member");
    list.replaceChildren(
      ...((own && own.cashiers) || []).map((one) => {
        const option = document.createElement("option");
        option.value = one.id;
        option.textContent = one.first_name;
        return option;
      }),
    );
    find("no-cashiers").hidden = list.options.length > 0;
    find("pin").value = "";
    say("pin", why || "");
    show("pin");
  }

  async function notPaired() {
    const waiting = await store.queued();
    if (waiting.length)
      say("pair", `This till’s access was taken away. ${waiting.length} scans were not sent; tell your manager.`);
    await store.wipe();
    own = null;
    await tellQueue();
    show("pair");
  }

  function dress() {
    find("name").textContent = own ? own.name : "Till";
    const place = own && own.branch ? `, ${own.branch.name}` : "";
    find("place").textContent = own ? `${own.merchant.name}${place}` : "Not paired";
    find("who").textContent = own && own.shift ? own.shift.member.first_name : "";
    find("lock").hidden = !(own && own.shift);
  }

  // What this device is, asked of the server or, without a network, as it was last heard.
  async function begin() {
    ahead = (await store.get("ahead")) || 0;
    try {
      const said = await server.state();
      online = true;
      ahead = await store.get("ahead");
      if (!said.till) {
        await notPaired();
        dress();
        return;
      }
      own = said.till;
      await store.put("own", own);
    } catch (error) {
      if (!(error instanceof server.NoNetwork)) throw error;
      online = false;
      own = await store.get("own");
    }
    dress();
    await tellQueue();
    if (!own) show("pair");
    else if (own.shift && Date.parse(own.shift.expires_at) > now()) show("scan");
    else lock(own.shift ? "The shift is over." : "");
    await send();
  }

  async function send() {
    if (!own || !navigator.onLine) {
      online = navigator.onLine && online;
      await tellQueue();
      return;
    }
    try {
      const refreshed = await server.refresh();
      online = true;
      if (refreshed === 401) return await notPaired();
      const ended = await server.flush(async (scan, answer) => {
        const told = answer.status < 400 ? fromServer(answer.body) : { outcome: "conflict", detail: answer.body.title };
        showResult({ ...told, title: told.title || scan.title, undo: null });
      });
      if (ended === "not_paired") await notPaired();
      if (ended === "needs_shift") lock("Type a PIN to send what is waiting.");
    } catch (error) {
      if (!(error instanceof server.NoNetwork)) throw error;
      online = false;
    }
    await tellQueue();
  }

  function onSubmit(name, act) {
    let busy = false;
    find(`form='${name}'`).addEventListener("submit", async (event) => {
      event.preventDefault();
      if (busy) return;
      busy = true;
      try {
        await act(new FormData(event.target));
      } catch (error) {
        if (!(error instanceof server.NoNetwork)) throw error;
        say(name, "There is no connection. This needs one.");
      } finally {
        busy = false;
      }
    });
  }

  onSubmit("pair", async (said) => {
    const name = said.get("name").trim();
    const body = { pairing_code: said.get("code").trim(), ...(name ? { name } : {}) };
    const answer = await server.change("POST", "/till/pair", body);
    if (answer.status !== 201) return say("pair", answer.body.title || "It was not paired.");
    if (navigator.storage && navigator.storage.persist) await navigator.storage.persist();
    say("pair", "");
    await begin();
  });

  onSubmit("pin", async (said) => {
    const answer = await server.change("POST", "/till/shift", { member: said.get("member"), pin: said.get("pin") });
    find("pin").value = "";
    if (answer.status === 401) return notPaired();
    if (answer.status !== 201) {
      const wait = answer.body.retry_after ? ` Wait ${age(answer.body.retry_after * 1000)}.` : "";
      return say("pin", answer.status === 400 ? "Four to eight digits." : `${answer.body.title}${wait}`);
    }
    await begin();
  });

  onSubmit("scan", async (said) => {
    const text = said.get("code");
    const amount = await amountOf(said.get("amount").trim());
    if (amount === undefined) return say("scan", "Write the amount as 12.50, or leave it out.");
    find("code").value = find("amount").value = "";
    if (text.trim()) await scan(text, amount);
    find("code").focus({ preventScroll: true });
  });

  for (const key of all("digit"))
    key.addEventListener("click", () => {
      const field = find("pin");
      field.value = key.dataset.digit === "back" ? field.value.slice(0, -1) : (field.value + key.dataset.digit).slice(0, 8);
    });

  find("lock").addEventListener("click", async () => {
    const waiting = await store.queued();
    if (waiting.length && !confirm(`${waiting.length} ${waiting.length === 1 ? "scan is" : "scans are"} not sent yet, and kept on this till. Lock it?`)) return;
    try {
      await server.change("DELETE", "/till/shift");
    } catch (error) {
      if (!(error instanceof server.NoNetwork)) throw error;
    }
    lock("");
    dress();
  });

  find("undo").addEventListener("click", async () => {
    try {
      const answer = await server.change("POST", "/till/undo", { redemption: find("undo").dataset.redemption });
      find("undo").hidden = true;
      find("result").hidden = answer.status === 204;
      say("scan", answer.status === 204 ? "Undone. It is reserved again." : answer.body.title);
      // After an undo the same pass may be shown again, to this till too.
      if (answer.status === 204 && undoable) await store.forgetGiven(undoable);
    } catch (error) {
      if (!(error instanceof server.NoNetwork)) throw error;
      say("scan", "There is no connection. Undoing needs one.");
    }
  });

  window.addEventListener("online", send);
  window.addEventListener("offline", () => {
    online = false;
    tellQueue();
  });
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) send();
  });
  setInterval(send, 60000);
  setInterval(tellQueue, 20000);

  async function start() {
    // Without the worker (a browser that refuses it) everything works but opening this page without a network.
    if (navigator.serviceWorker)
      navigator.serviceWorker.register("/till/worker.js", { scope: "/till" }).catch(() => {});
    if (location.hash.length > 1) {
      // The code came behind the address's #: no server saw it, and it does not stay in the history.
      find("pairing-code").value = decodeURIComponent(location.hash.slice(1));
      history.replaceState(null, "", location.pathname);
    }
    if (!(window.indexedDB && window.crypto && crypto.subtle)) {
      say("pair", "This browser cannot be a till: it needs a secure connection (https).");
      return;
    }
    await begin();
    await store.tidy(now());
    const parts = { button: find("camera"), box: find("viewfinder"), video: find("video") };
    await window.Till.camera.offer({ ...parts, seen: scan, failed: (why) => say("scan", why) });
  }
  start();
})();

// Lets this browser notify its person: asks for leave when the button is pressed, and never before.
(function () {
  "use strict";
  const box = document.querySelector("[data-push]");
  if (!box) return;
  const button = box.querySelector("button");
  const said = box.querySelector("[data-push-said]");
  const say = (text) => {
    said.textContent = text;
  };
  if (!("serviceWorker" in navigator) || !("PushManager" in window)) {
    say("This browser cannot be notified. On an iPhone or iPad, add this site to the home screen first.");
    return;
  }

  function bytesOf(text) {
    const plain = atob(text.replace(/-/g, "+").replace(/_/g, "/"));
    return Uint8Array.from(plain, (letter) => letter.charCodeAt(0));
  }

  async function subscribe() {
    if ((await Notification.requestPermission()) !== "granted") {
      say("The browser was not allowed to notify you. You can change that in its settings for this site.");
      return;
    }
    const worker = await navigator.serviceWorker.register(box.dataset.worker, { scope: box.dataset.scope });
    const key = bytesOf(box.dataset.push);
    let mine = await worker.pushManager.getSubscription();
    if (mine && !sameKey(mine.options.applicationServerKey, key)) {
      await mine.unsubscribe();
      mine = null;
    }
    mine = mine || (await worker.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: key }));
    const { endpoint, keys } = mine.toJSON();
    const answer = await fetch(box.dataset.devices, {
      method: "POST",
      headers: { "Content-Type": "application/json", "X-CSRFToken": box.dataset.token },
      body: JSON.stringify({ kind: "web_push", endpoint, keys: { p256dh: keys.p256dh, auth: keys.auth } }),
    });
    if (answer.ok) {
      window.location.reload();
      return;
    }
    const problem = await answer.json();
    say(problem.detail || problem.title);
  }

  function sameKey(buffer, key) {
    const other = new Uint8Array(buffer || []);
    return other.length === key.length && other.every((byte, place) => byte === key[place]);
  }

  button.hidden = false;
  button.addEventListener("click", async () => {
    button.disabled = true;
    say("");
    try {
      await subscribe();
    } catch {
      say("The browser's push service did not answer. Try again later.");
    }
    button.disabled = false;
  });
})();

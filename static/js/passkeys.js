// Passkeys on our pages. A form with data-passkey ("create" or "get") has a button that is shown where the browser knows
// passkeys; pressed, it asks the browser for one and sends what it made or showed in the form's field "credential".
// What is asked for stands in data-options, or is fetched from data-ask when the button is pressed.
(function () {
  "use strict";

  const bytes = (text) =>
    Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (letter) => letter.charCodeAt(0));
  const text = (buffer) =>
    btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
  const known = (list) => (list || []).map((one) => ({ ...one, id: bytes(one.id) }));

  async function made(asked) {
    const publicKey = {
      ...asked,
      challenge: bytes(asked.challenge),
      user: { ...asked.user, id: bytes(asked.user.id) },
      excludeCredentials: known(asked.excludeCredentials),
    };
    const credential = await navigator.credentials.create({ publicKey });
    const answer = credential.response;
    return written(credential, {
      clientDataJSON: text(answer.clientDataJSON),
      attestationObject: text(answer.attestationObject),
      transports: answer.getTransports ? answer.getTransports() : [],
    });
  }

  async function shown(asked) {
    const publicKey = { ...asked, challenge: bytes(asked.challenge), allowCredentials: known(asked.allowCredentials) };
    const credential = await navigator.credentials.get({ publicKey });
    const answer = credential.response;
    return written(credential, {
      clientDataJSON: text(answer.clientDataJSON),
      authenticatorData: text(answer.authenticatorData),
      signature: text(answer.signature),
      userHandle: answer.userHandle ? text(answer.userHandle) : null,
    });
  }

  const written = (credential, response) =>
    JSON.stringify({
      type: credential.type,
      id: credential.id,
      rawId: text(credential.rawId),
      clientExtensionResults: credential.getClientExtensionResults(),
      response,
    });

  async function options(form) {
    if (form.dataset.options) return JSON.parse(form.dataset.options);
    const answer = await fetch(form.dataset.ask, { headers: { Accept: "application/json" } });
    if (answer.status === 429) throw new Error("There were too many tries. Wait a minute, then try again.");
    if (!answer.ok) throw new Error("We could not be reached. Try again.");
    return (await answer.json()).request_options;
  }

  function reason(error, site) {
    switch (error.name) {
      case "NotAllowedError":
        return "Nothing was done: it was cancelled, or this device has no passkey of yours.";
      case "InvalidStateError":
        return "This device has a passkey for your account already.";
      case "SecurityError":
        return `Passkeys work at ${site} only. Open this page there.`;
      default:
        return error.message || "The passkey could not be used.";
    }
  }

  for (const form of document.querySelectorAll("form[data-passkey]")) {
    const button = form.querySelector("[data-passkey-go]");
    const said = form.querySelector("[data-passkey-said]");
    if (!window.PublicKeyCredential) {
      said.textContent = "This browser knows no passkeys.";
      continue;
    }
    button.hidden = false;
    button.addEventListener("click", async () => {
      button.disabled = true;
      said.textContent = "";
      let site = "";
      try {
        const asked = (await options(form)).publicKey;
        site = asked.rpId || asked.rp.id;
        form.elements.credential.value = await (form.dataset.passkey === "create" ? made : shown)(asked);
        form.submit();
      } catch (error) {
        said.textContent = reason(error, site);
        button.disabled = false;
      }
    });
  }
})();

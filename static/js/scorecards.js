// The pages of scorecards: faults appear beside their fields as one types, and a run's bar moves by itself.
// Without this script the form's "Check" and the page's "Look again" do the same.
(function () {
  "use strict";

  // -- The form -----------------------------------------------------------------------------------------------
  const form = document.querySelector("form[data-check]");
  let waiting = 0;
  let asked = 0;

  function fill(list, messages) {
    list.replaceChildren(
      ...messages.map((message) => {
        const item = document.createElement("li");
        item.textContent = message;
        return item;
      }),
    );
    list.hidden = messages.length === 0;
  }

  function show(told) {
    for (const list of form.querySelectorAll("[data-faults]")) {
      const faults = told.faults[list.dataset.faults] || [];
      fill(list, faults);
      const field = document.getElementById(`f-${list.dataset.faults}`);
      if (field && faults.length) field.setAttribute("aria-invalid", "true");
      else if (field) field.removeAttribute("aria-invalid");
    }
    for (const list of form.querySelectorAll("[data-warnings]")) {
      fill(list, told.warnings[list.dataset.warnings] || []);
    }
    for (const place of form.querySelectorAll("[data-place]")) {
      const within = [...place.querySelectorAll("[data-faults] > li")].length;
      const badge = place.querySelector("[data-place-count]");
      badge.textContent = `${within} fault${within === 1 ? "" : "s"}`;
      badge.hidden = within === 0;
    }
    const count = form.querySelector("[data-count]");
    count.textContent = `${told.count ? `${told.count} fault${told.count === 1 ? "" : "s"}` : "No fault"}, not saved`;
  }

  async function check() {
    asked += 1;
    const mine = asked;
    try {
      const answer = await fetch(form.dataset.check, {
        method: "POST",
        body: new FormData(form),
        headers: { Accept: "application/json" },
        redirect: "error",
      });
      // An answer that was overtaken by more typing is about what is no longer there.
      if (answer.ok && mine === asked) show(await answer.json());
    } catch {
      // Offline: what is typed stays, and the next change asks again.
    }
  }

  if (form) {
    form.addEventListener("input", () => {
      clearTimeout(waiting);
      waiting = setTimeout(check, 400);
    });
  }

  // -- What is under way --------------------------------------------------------------------------------------
  const live = document.querySelector("[data-live]");

  async function look() {
    if (document.hidden) return;
    try {
      const answer = await fetch(live.dataset.live, { headers: { Accept: "application/json" }, redirect: "error" });
      if (!answer.ok) return;
      const told = await answer.json();
      if (told.is_over) {
        location.reload();
        return;
      }
      live.querySelector("[data-live-text]").textContent = told.text;
      const bar = live.querySelector("[data-live-bar]");
      bar.max = Math.max(told.total, 1);
      bar.value = told.done;
    } catch {
      // Offline: the bar stands, and the next look tells.
    }
  }

  if (live) setInterval(look, 2000);
})();

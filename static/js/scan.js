// The desk's field is ready at once and cannot be sent twice by a hasty hand or a hand scanner's extra Enter.
(function () {
  "use strict";
  const form = document.querySelector("[data-scan]");
  if (!form) return;
  const field = form.querySelector("input[name=code]");
  if (field) field.focus({ preventScroll: true });
  let sent = false;
  form.addEventListener("submit", (event) => {
    if (sent) event.preventDefault();
    sent = true;
  });
  window.addEventListener("pageshow", () => {
    sent = false;
  });
})();

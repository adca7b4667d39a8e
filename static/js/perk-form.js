// Writing a perk: a tier shows what its kind can give. Without this script every field is there, and the server judges.
"use strict";
(() => {
  const kind = document.querySelector("select[name=kind]");
  if (!kind) return;
  const fields = [...document.querySelectorAll("[data-kinds]")];
  const show = () => {
    for (const field of fields) {
      const fits = field.dataset.kinds.split(" ").includes(kind.value);
      // What was written stays in sight, so that nothing is sent that nobody sees.
      field.closest(".field").hidden = !fits && field.value === "";
    }
  };
  kind.addEventListener("change", show);
  show();
})();

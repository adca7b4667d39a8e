// The theme switch without leaving the page. The server renders the choice from the cookie, so nothing flashes;
// without scripts the same form posts to the server.
(function () {
  "use strict";
  const root = document.documentElement;

  function show(theme) {
    if (theme === "auto") delete root.dataset.theme;
    else root.dataset.theme = theme;
    const secure = location.protocol === "https:" ? "; Secure" : "";
    document.cookie = `theme=${theme}; Path=/; Max-Age=31536000; SameSite=Lax${secure}`;
  }

  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-theme-toggle]");
    if (!button) return;
    event.preventDefault();
    const isDark = root.dataset.theme
      ? root.dataset.theme === "dark"
      : matchMedia("(prefers-color-scheme: dark)").matches;
    show(isDark ? "light" : "dark");
  });

  document.addEventListener("change", (event) => {
    if (event.target.matches("[data-theme-choice]")) show(event.target.value);
  });
})();

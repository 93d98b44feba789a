// Before the first paint: the theme that was chosen here, or else the system's. A module would come too late, and the page would flash.
"use strict";
{
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const follow = () => {
    const chosen = localStorage.getItem("respcache-theme");
    const isDark = chosen === "dark" || (chosen !== "light" && dark.matches);
    document.documentElement.dataset.theme = isDark ? "dark" : "light";
  };
  follow();
  dark.addEventListener("change", follow);
  addEventListener("theme", follow);
}

// Before the first paint: the theme that was chosen here, if any. A module would come too late, and the page would flash.
"use strict";
{
  const chosen = localStorage.getItem("respcache-theme");
  if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
}

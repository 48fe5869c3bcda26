"use strict";
// The page is complete without this: it adds filters and keys. It reads the page, never the network.
(() => {
  const list = document.getElementById("items");
  if (!list) return;
  const items = [...list.children];
  const byId = (id) => document.getElementById(id);
  const [tools, search, level, indicator] = ["tools", "search", "level", "indicator"].map(byId);
  const toggleAll = byId("toggle-all");
  const words = new Map();
  const wordsOf = (item) => {
    if (!words.has(item)) words.set(item, item.textContent.toLowerCase());
    return words.get(item);
  };
  const visible = () => items.filter((item) => !item.hidden);
  const firstText = (item) => item.querySelector("details.ad");

  const filter = () => {
    const query = search.value.trim().toLowerCase();
    for (const item of items) {
      item.hidden = !(
        (!level.value || item.dataset.level === level.value) &&
        (!indicator.value || item.dataset.indicators.split(" ").includes(indicator.value)) &&
        (!query || wordsOf(item).includes(query))
      );
    }
    const left = visible().length;
    byId("shown").textContent = `${left} of ${items.length}`;
    byId("none").hidden = left > 0;
  };

  const current = () => document.activeElement && document.activeElement.closest(".item");
  const move = (step) => {
    const open = visible();
    if (!open.length) return;
    const at = open.indexOf(current());
    const next = open[at < 0 ? 0 : Math.min(open.length - 1, Math.max(0, at + step))];
    next.focus({ preventScroll: true });
    next.scrollIntoView({ block: "start" });
  };

  tools.hidden = false;
  tools.addEventListener("submit", (event) => event.preventDefault());
  tools.addEventListener("input", filter);
  toggleAll.addEventListener("click", () => {
    const open = toggleAll.textContent.startsWith("Open");
    for (const item of visible()) {
      const text = firstText(item);
      if (text) text.open = open;
    }
    toggleAll.textContent = open ? "Close all texts" : "Open all texts";
  });
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.matches("input, select, textarea")) {
      if (event.key === "Escape") event.target.blur();
      return;
    }
    if (event.key === "j") move(1);
    else if (event.key === "k") move(-1);
    else if (event.key === "/") search.focus();
    else if (event.key === "o" && current()) {
      const text = firstText(current());
      if (text) text.open = !text.open;
    } else return;
    event.preventDefault();
  });
  filter(); // a browser may have kept the fields over a reload
})();

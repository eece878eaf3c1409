/* What a page does more with scripts: ages that grow, copying, filtering, and its own renewal. */
"use strict";
(() => {
  const POLL = 2000;
  const UNITS = [["d", 86400], ["h", 3600], ["min", 60], ["s", 1]];

  const span = (seconds) => {
    const [unit, size] = UNITS.find(([, each]) => seconds >= each) || UNITS[3];
    return `${Math.max(0, Math.floor(seconds / size))} ${unit}`;
  };

  /* All times are in the zone that the receiver chose; here they only grow older. */
  const showTimes = (root) => {
    for (const time of root.querySelectorAll("time[data-age]")) {
      const text = span((Date.now() - new Date(time.dateTime)) / 1000) + (time.dataset.age ? " ago" : "");
      if (time.textContent !== text) time.textContent = text;
    }
  };

  const showButtons = (root) => {
    for (const button of root.querySelectorAll("[data-copy]")) button.hidden = false;
  };

  /* On plain http a browser has no navigator.clipboard: there the old command copies a selection. */
  const copy = async (text) => {
    if (navigator.clipboard) return navigator.clipboard.writeText(text);
    const field = document.createElement("textarea");
    field.value = text;
    field.className = "visually-hidden";
    document.body.append(field);
    field.select();
    const done = document.execCommand("copy");
    field.remove();
    return done ? undefined : Promise.reject(new Error("not copied"));
  };

  /* Filters the images as one types; to send the form filters the whole page. */
  const filter = () => {
    const input = document.querySelector("[data-filter]");
    if (!input) return;
    const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
    for (const grid of document.querySelectorAll("details.grid")) {
      const project = grid.id.replace("project-", "").toLowerCase();
      let shown = 0;
      for (const row of grid.querySelectorAll(".board li")) {
        const text = `${project} ${row.className} ${row.textContent.toLowerCase()}`;
        row.hidden = !words.every((word) => text.includes(word));
        shown += row.hidden ? 0 : 1;
      }
      if (!grid.querySelector(".board")) continue;
      grid.hidden = shown === 0;
      if (words.length && shown) grid.open = true;
    }
  };

  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copy]");
    if (!button) return;
    const label = button.dataset.label || button.textContent;
    button.dataset.label = label;
    button.textContent = await copy(button.dataset.copy || label).then(() => "Copied", () => "Not copied");
    button.focus();
    setTimeout(() => { button.textContent = label; }, 1500);
  });
  document.addEventListener("input", (event) => { if (event.target.matches("[data-filter]")) filter(); });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "/" || event.ctrlKey || event.metaKey || /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName)) return;
    const search = document.getElementById("find");
    if (search) { event.preventDefault(); search.focus(); search.select(); }
  });
  document.addEventListener("keydown", (event) => {
    const menu = document.getElementById("menu");
    if (event.key === "Escape" && menu && menu.open) { menu.open = false; menu.querySelector("summary").focus(); }
  });

  /* Forms that somebody is writing in, and what they opened or closed, stay as they are. */
  const renew = (text) => {
    const page = new DOMParser().parseFromString(text, "text/html");
    const old = document.querySelector("main");
    const next = page.querySelector("main");
    if (!next) return;
    for (const details of old.querySelectorAll("details[id]")) {
      const twin = page.getElementById(details.id);
      if (twin) twin.open = details.open;
    }
    const typed = old.querySelector("[data-filter]");
    const twin = next.querySelector("[data-filter]");
    if (typed && twin) twin.value = typed.value;
    const scrolled = [...old.querySelectorAll(".scroll")].map((each) => each.scrollLeft);
    const place = placeOf(document.activeElement);
    old.replaceChildren(...next.childNodes);
    if (place) document.querySelector(place)?.focus({ preventScroll: true });
    old.querySelectorAll(".scroll").forEach((each, place) => { each.scrollLeft = scrolled[place] || 0; });
    document.title = page.title;
    const icon = page.querySelector("link[rel=icon]");
    document.querySelector("link[rel=icon]").href = icon.getAttribute("href");
    prepare(old);
    filter();
  };

  const prepare = (root) => { showTimes(root); showButtons(root); };

  const isBusy = () => {
    const fields = [...document.querySelectorAll("main input, main select")];
    const touched = fields.filter((each) => !each.matches("[data-filter], [type=hidden]"));
    const isWritten = (each) => each === document.activeElement || (each.matches("input") && each.value !== each.defaultValue);
    return touched.some(isWritten) || !document.getSelection().isCollapsed;
  };

  /* Where the keyboard was, to be found again in the renewed page. */
  const placeOf = (element) => {
    if (!element || !element.closest("main")) return null;
    if (element.matches("[data-filter]")) return "[data-filter]";
    if (element.matches("summary")) return `#${CSS.escape(element.parentElement.id)} > summary`;
    const key = ["href", "data-copy"].find((name) => element.hasAttribute(name));
    return key ? `main [${key}="${CSS.escape(element.getAttribute(key))}"]` : null;
  };

  const say = (text) => {
    const sign = document.getElementById("live");
    if (sign.textContent !== text) sign.textContent = text;
  };

  let tag = null;
  let waiting = null;
  const poll = async () => {
    clearTimeout(waiting);
    if (!document.hidden && !isBusy()) {
      try {
        const headers = tag ? { "If-None-Match": tag } : {};
        const answer = await fetch(location.href, { headers, cache: "no-store" });
        if (answer.status === 200) {
          renew(await answer.text());
          tag = answer.headers.get("ETag");
        }
        say(answer.status < 400 ? "live" : "not live");
      } catch { say("not live"); }
    }
    waiting = setTimeout(poll, POLL);
  };

  prepare(document);
  setInterval(() => showTimes(document), 10000);
  if (document.querySelector("main[data-live]")) {
    document.addEventListener("visibilitychange", () => { if (!document.hidden) poll(); });
    waiting = setTimeout(poll, POLL);
  }
})();

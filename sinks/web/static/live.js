// The live page: takes cards, made on the server, from the stream and puts them in their place.
"use strict";
(() => {
  const root = document.querySelector(".live");
  if (!root || !window.EventSource) return;
  const list = root.querySelector(".entries");
  const button = root.querySelector(".pending");
  const announce = document.getElementById("announce");
  const newestFirst = root.dataset.order === "newest";
  const held = new Map();
  const parser = new DOMParser();

  function cardOf(html) {
    // parsed apart from the page: nothing in it runs, and the page's policy allows no inline script anyway
    return document.importNode(parser.parseFromString(html, "text/html").querySelector("article"), true);
  }
  function place(card) {
    const before = (a, b) => (newestFirst ? a.dataset.time >= b.dataset.time : a.dataset.time < b.dataset.time);
    for (const other of list.children) {
      if (before(card, other)) { list.insertBefore(card, other); return; }
    }
    list.append(card);
  }
  function refreshContents() {
    const toc = root.querySelector(".toc");
    if (!toc) return;
    const items = [...list.children].map((card) => {
      const item = document.createElement("li"), link = document.createElement("a");
      link.href = "#" + card.id;
      link.textContent = card.dataset.headline || "(no headline)";
      item.append(link);
      return item;
    });
    toc.querySelector("ol").replaceChildren(...items);
    toc.querySelector("summary").textContent = `Table of contents (${items.length})`;
  }
  function showHeld() {
    for (const card of held.values()) place(card);
    held.clear();
    button.hidden = true;
    refreshContents();
  }
  function count() {
    button.textContent = `${held.size} new ${held.size === 1 ? "entry" : "entries"}`;
    button.hidden = held.size === 0;
  }
  function show(message) {
    const card = cardOf(message.html);
    if (!card) return;
    if (message.subject === "lead") {
      // on the page of all sources the lead belongs to none of them
      if (root.dataset.feed) {
        const title = document.createElement("h1");
        title.className = "headline";
        title.append(...card.querySelector(".headline").childNodes);
        card.querySelector(".headline").replaceWith(title);
        root.querySelector(".lead-slot").replaceChildren(card);
      }
      return;
    }
    const there = list.querySelector(`[data-entry="${CSS.escape(card.dataset.entry)}"]`);
    root.querySelector(".empty")?.remove();
    if (there) {
      there.replaceWith(card);
    } else if (newestFirst && window.scrollY > 300) {
      held.set(card.dataset.entry, card);
      count();
    } else {
      card.classList.add("fresh");
      place(card);
    }
    refreshContents();
    announce.textContent = `${message.word}: ${card.dataset.headline}`;
  }
  button.addEventListener("click", () => { showHeld(); list.firstElementChild?.scrollIntoView(); });
  window.addEventListener("scroll", () => { if (held.size && window.scrollY < 120) showHeld(); }, { passive: true });

  const health = root.querySelector(".health");
  const usual = health.textContent;
  let cursor = root.dataset.cursor;
  function open() {
    const query = new URLSearchParams({ from: cursor });
    if (root.dataset.feed) query.set("feed", root.dataset.feed);
    const stream = new EventSource("/live/stream?" + query);
    stream.addEventListener("card", (event) => {
      cursor = event.lastEventId;
      show(JSON.parse(event.data));
    });
    stream.addEventListener("open", () => { health.textContent = usual; });
    stream.addEventListener("error", () => {
      health.textContent = "Connection lost, trying again ...";
      if (stream.readyState === EventSource.CLOSED) setTimeout(open, 5000);
    });
  }
  open();
})();

// The live page: takes cards, made on the server, from the stream and puts them in their place.
"use strict";
(() => {
  const root = document.querySelector(".live");
  if (!root || !window.EventSource) return;
  const list = root.querySelector(".entries");
  const button = root.querySelector(".pending");
  const connection = root.querySelector(".connection");
  const updated = root.querySelector(".updated");
  const toc = root.querySelector(".toc");
  const announce = document.getElementById("announce");
  const newestFirst = root.dataset.order === "newest";
  const firstPage = root.dataset.begins !== "";
  const hasMore = root.dataset.more !== "";
  const SCROLLED = 240; // a page scrolled further than this does not move under its reader
  const held = new Map();
  const seen = new Map(); // the number of the newest change of an entry that was shown or left to another page
  const parser = new DOMParser();
  const title = document.title;
  let unseen = 0;

  function cardOf(html) {
    // parsed apart from the page: nothing in it runs, and the page's policy allows no inline script anyway
    const card = parser.parseFromString(html, "text/html").querySelector("article");
    return card && document.importNode(card, true);
  }
  function order(a, b) {
    return a.dataset.order.localeCompare(b.dataset.order) || a.dataset.first.localeCompare(b.dataset.first);
  }
  // The card that this one stands before; null for the end. What came last stands as the newest of its equals.
  function follower(card) {
    for (const other of list.children) {
      if (other !== card && (newestFirst ? order(card, other) >= 0 : order(card, other) < 0)) return other;
    }
    return null;
  }
  function belongsHere(card) {
    return firstPage && (!hasMore || follower(card) !== null);
  }
  function place(card) {
    list.insertBefore(card, follower(card));
  }
  function replace(there, card) {
    const links = [...there.querySelectorAll("a")];
    const focused = there === document.activeElement ? -1 : links.indexOf(document.activeElement);
    const had = focused >= 0 || there === document.activeElement;
    there.remove();
    place(card);
    if (had) (card.querySelectorAll("a")[focused] || card).focus({ preventScroll: true });
  }
  function refreshContents() {
    const items = [...list.children].map((card) => {
      const item = document.createElement("li"), link = document.createElement("a");
      link.href = "#" + card.id;
      link.textContent = card.dataset.headline || "(no headline)";
      if (card.classList.contains("is-withdrawn")) item.className = "is-withdrawn";
      item.append(link);
      return item;
    });
    toc.hidden = items.length === 0;
    toc.querySelector("ol").replaceChildren(...items);
    toc.querySelector(".count").textContent = items.length;
  }
  function count() {
    button.textContent = `${held.size} new ${held.size === 1 ? "entry" : "entries"}`;
    button.hidden = held.size === 0;
  }
  function showHeld() {
    for (const card of held.values()) place(card);
    held.clear();
    count();
    refreshContents();
  }
  function showLead(card) {
    const slot = root.querySelector(".lead-slot");
    const there = slot.querySelector("[data-seq]");
    if (there && Number(there.dataset.seq) >= Number(card.dataset.seq)) return false;
    slot.replaceChildren(card);
    return true;
  }
  function showEntry(card) {
    const id = card.dataset.entry;
    const there = list.querySelector(`[data-entry="${CSS.escape(id)}"]`);
    const shown = there ? Number(there.dataset.seq) : seen.get(id) || 0;
    if (shown >= Number(card.dataset.seq)) return false; // what the page showed from the start comes once more
    seen.set(id, Number(card.dataset.seq));
    root.querySelector(".empty")?.remove();
    card.classList.add("fresh");
    if (there) {
      replace(there, card);
    } else if (!firstPage || (newestFirst && window.scrollY > SCROLLED && !(hasMore && !belongsHere(card)))) {
      held.set(id, card);
      count();
      return true;
    } else if (belongsHere(card)) {
      held.delete(id);
      count();
      place(card);
    } else {
      return false;
    }
    refreshContents();
    return true;
  }
  function show(message) {
    const card = cardOf(message.html);
    if (!card || !(message.subject === "lead" ? showLead(card) : showEntry(card))) return;
    const now = new Date().toISOString();
    updated.dateTime = now;
    updated.textContent = now.slice(11, 19) + " GMT";
    announce.textContent = `${message.word || "entry"}: ${message.headline}`;
    if (document.hidden) document.title = `(${(unseen += 1)}) ${title}`;
  }

  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) { unseen = 0; document.title = title; }
  });
  button.addEventListener("click", () => {
    if (!firstPage) { location.search = "?order=" + root.dataset.order; return; }
    const [newest] = held.values() ? [...held.values()].sort(order).reverse() : [];
    showHeld();
    newest?.scrollIntoView({ block: "center" });
    newest?.focus({ preventScroll: true });
  });
  window.addEventListener("scroll", () => { if (held.size && firstPage && window.scrollY < SCROLLED / 2) showHeld(); }, { passive: true });
  if (window.matchMedia("(min-width: 68rem)").matches) toc.open = true;

  let cursor = root.dataset.cursor;
  function say(words, state) {
    connection.textContent = words;
    root.dataset.connection = state;
  }
  function open() {
    const query = new URLSearchParams({ from: cursor });
    if (root.dataset.feed) query.set("feed", root.dataset.feed);
    const url = "/live/stream?" + query;
    const stream = new EventSource(url);
    stream.addEventListener("card", (event) => {
      cursor = event.lastEventId;
      show(JSON.parse(event.data));
    });
    stream.addEventListener("open", () => say("Live, last change", "live"));
    stream.addEventListener("error", () => {
      say("Connection lost, trying again. Last change", "lost");
      if (stream.readyState === EventSource.CLOSED) setTimeout(() => refused(url), 5000);
    });
  }
  // The browser gave up: where our place in the stream is no longer good, a fresh page has a new one.
  async function refused(url) {
    const asking = new AbortController();
    try {
      const answer = await fetch(url, { signal: asking.signal });
      const status = answer.status;
      asking.abort();
      if (status === 400 || status === 401 || status === 410) { location.reload(); return; }
    } catch { /* still away: try again */ }
    open();
  }
  for (const card of list.children) seen.set(card.dataset.entry, Number(card.dataset.seq));
  open();
})();

// What the panels of the side have in common: texts that are fetched once for a page, states, places to scroll to.

import { el } from "./dom.js";
import { SIDE } from "./strings_side.js";
import { S } from "./strings.js";

// A text that belongs to a page's JSON. A page that was corrected is another object, so that its texts are asked for
// anew; a page that the store lets go takes its texts along.
export class Texts {
  constructor(ask) {
    this.ask = ask;
    this.held = new WeakMap();
  }

  of(page, ...more) {
    if (!this.held.has(page)) {
      const asked = this.ask(page, ...more);
      this.held.set(page, asked);
      asked.catch(() => this.held.delete(page));
    }
    return this.held.get(page);
  }
}

// Draws what belongs to the page that is shown, and only the newest of what was asked for.
// `fetch(page)` -> content, `draw(content, page)`, `clear()`.
export function follower(root, store, { fetch, draw, clear }) {
  const said = el("p", { class: "dp-side-state" });
  root.append(said);
  let drawn = null;
  let asked = null;

  function say(sentence, again) {
    said.hidden = !sentence;
    said.replaceChildren(sentence || "");
    if (again) said.append(" ", el("button", { type: "button", class: "dp-button", text: SIDE.again, onclick: again }));
  }

  async function update() {
    const { page } = store;
    if (page && (page === drawn || page === asked)) return;
    if (!page) {
      drawn = asked = null;
      root.removeAttribute("aria-busy");
      clear();
      say(waits(store));
      return;
    }
    asked = page;
    root.setAttribute("aria-busy", "true");
    if (!drawn) say(SIDE.loading);
    try {
      const content = await fetch(page);
      if (asked !== page) return;
      say("");
      draw(content, page);
      drawn = page;
    } catch (problem) {
      if (asked !== page) return;
      clear();
      drawn = null;
      say(problem.message, () => update());
    }
    asked = null;
    root.removeAttribute("aria-busy");
  }
  say(SIDE.nothingOpen);
  return { update, shown: () => (drawn === store.page ? drawn : null) };
}

function waits(store) {
  const record = store.records.get(store.number);
  if (!store.job) return SIDE.nothingOpen;
  if (!record) return SIDE.loading;
  if (record.state === "read") return SIDE.loading;
  return record.state === "failed" ? S.pageLost : S.pageWaits;
}

// Scroll so that an element is to be seen; nothing moves where it is already. Only this scroller moves:
// `scrollIntoView` would move the frame around it as well. What is far away has no true height until it is near, and
// pushes the element away when it gets it: the next frames look again, unless somebody's hand is on the scroller.
const FRAMES = 8;
const newest = new WeakMap();

export function reveal(scroller, element) {
  newest.set(scroller, element);
  let left = FRAMES;
  const look = () => {
    if (newest.get(scroller) !== element) return;
    move(scroller, element);
    left -= 1;
    if (left) requestAnimationFrame(look);
  };
  look();
}

function move(scroller, element) {
  const frame = scroller.getBoundingClientRect();
  const box = element.getBoundingClientRect();
  if (box.top >= frame.top && box.bottom <= frame.bottom) return;
  const margin = Math.min(24, frame.height / 8);
  const fits = box.height + 2 * margin <= frame.height;
  const by = fits ? box.top + box.height / 2 - frame.top - frame.height / 2 : box.top - frame.top - margin;
  scroller.scrollBy({ top: by, behavior: "instant" });
}

// A block's elements light up while it is hovered or selected: two classes move, nothing is drawn anew.
// `elements(id)` -> what shows this block here.
export function lights(store, { scroller, elements, visible }) {
  let hovered = [];
  let selected = [];
  let waiting = 0;
  let mine = false; // the pointer is in this panel: it does not scroll under it

  function light(before, id, name) {
    for (const element of before) element.classList.remove(name);
    const now = id ? elements(id) : [];
    for (const element of now) element.classList.add(name);
    return now;
  }
  const hover = () => {
    clearTimeout(waiting);
    if (!visible()) return;
    hovered = light(hovered, store.hovered, "dp-hovered");
    // A pointer that only crosses a page moves nothing here.
    if (hovered.length && !mine) waiting = setTimeout(() => hovered[0] && reveal(scroller, hovered[0]), 140);
  };
  const select = () => {
    if (!visible()) return;
    selected = light(selected, store.selected, "dp-selected");
    if (selected.length && store.from !== "side") reveal(scroller, selected[0]);
  };
  store.on(["hovered"], hover);
  store.on(["selected"], select);
  // An element is told of the pointer before its scroller is: what that asked for is taken back.
  scroller.addEventListener("pointerenter", () => {
    mine = true;
    clearTimeout(waiting);
    newest.delete(scroller);
  });
  scroller.addEventListener("wheel", () => newest.delete(scroller), { passive: true });
  scroller.addEventListener("pointerleave", () => {
    mine = false;
    store.set({ hovered: null });
  });
  const both = () => {
    hover();
    select();
  };
  // Where the panel was not to be seen (a narrow window shows one side), it could not scroll.
  let height = 0;
  new ResizeObserver(() => {
    if (!height && scroller.clientHeight) both();
    height = scroller.clientHeight;
  }).observe(scroller);
  return both;
}

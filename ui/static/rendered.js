// The page as text to be read: the service's fragment in a shadow root, so that no sheet of the frame reaches into it.
//
// The fragment is sanitised by the service. Here it is parsed by a parser that runs and loads nothing, and only then
// put into the page, whose policy allows no script of a document either.

import { api } from "./api.js";
import { copyText, el } from "./dom.js";
import { rangesOf } from "./marks.js";
import { wrote } from "./page-evidence.js";
import { Texts, follower, lights, reveal } from "./panel.js";
import { SIDE } from "./strings_side.js";
import { S } from "./strings.js";

const NAMED = 4; // stretches that are named above the text
const [MARK, THEIRS] = ["dp-unsupported", "dp-by-person"];
// Attributes that are for this panel only.
const INNER = ["class", "style", "data-block", "data-kind", "data-cell", "tabindex", "role", "aria-label"];

export function mountRendered(root, store) {
  const note = el("div", { class: "dp-side-note", role: "group", hidden: true });
  const scroller = el("div", { class: "dp-scroll", tabindex: "0", role: "region", "aria-label": SIDE.textOf });
  const host = el("div", { class: "dp-rendered" });
  scroller.append(host);
  root.append(note, scroller);
  const shadow = host.attachShadow({ mode: "open" });
  const body = el("div", { class: "page" });
  shadow.append(el("link", { rel: "stylesheet", href: new URL("rendered.css", import.meta.url).href }), body);

  const texts = new Texts((page) => api.rendered(store.job, page.page));
  let places = new Map();
  const visible = () => !root.hidden && followed.shown() !== null;
  const elements = (id) => (places.has(id) ? [places.get(id)] : []);
  const light = lights(store, { scroller, elements, visible });

  const followed = follower(root, store, {
    fetch: (page) => texts.of(page),
    draw(html, page) {
      body.replaceChildren(...parsed(html));
      places = new Map();
      for (const element of body.querySelectorAll("[data-block]")) {
        if (!places.has(element.dataset.block)) places.set(element.dataset.block, element);
      }
      scroller.scrollTop = 0;
    },
    clear() {
      body.replaceChildren();
      places = new Map();
      note.hidden = true;
      if (window.CSS && CSS.highlights) for (const name of [MARK, THEIRS]) CSS.highlights.delete(name);
    },
  });

  // ---------------------------------------------------------------------- pointing

  const idAt = (event) => {
    const found = event.target.closest && event.target.closest("[data-block]");
    return found ? found.dataset.block : null;
  };
  body.addEventListener("pointerover", (event) => store.set({ hovered: idAt(event) }));
  body.addEventListener("click", (event) => {
    // The end of a selection by mouse is no click; what opens the text of a picture is none either.
    const picked = shadow.getSelection ? shadow.getSelection() : getSelection();
    if ((picked && !picked.isCollapsed) || event.target.closest("summary")) return;
    const id = idAt(event);
    if (!id || !followed.shown()) return;
    store.set({ selected: id, from: "side" });
    const cell = event.target.closest("[data-cell]");
    if (cell) showCell(id, cell.dataset.cell);
  });

  // A cell has a place of its own where the engine knew it.
  function showCell(id, name) {
    const [row, col] = name.split(",").map(Number);
    const block = store.block(id);
    const cell = block && (block.cells || []).find((one) => one.row === row && one.col === col);
    if (cell && cell.bbox) store.set({ place: { page: store.page.page, bbox: cell.bbox, label: cell.text || "" } });
  }

  // ---------------------------------------------------------------------- doubts

  function marks() {
    const page = followed.shown();
    const evidence = store.layers.unsupported && page ? store.evidence : null;
    const [found, theirs] = [[], []];
    for (const [id, stretches] of Object.entries((evidence && evidence.unsupported) || {})) {
      const element = places.get(id);
      const block = store.block(id);
      if (!element || !block) continue;
      const [mine, others] = [[], []];
      for (const stretch of stretches) (wrote(evidence, id, stretch) ? mine : others).push(stretch);
      for (const one of rangesOf(element, block.text, others)) found.push({ ...one, id, kind: block.type });
      if (!mine.length) continue;
      for (const one of rangesOf(element, block.text, mine)) theirs.push({ ...one, id, kind: block.type });
    }
    for (const [name, all] of [[MARK, found], [THEIRS, theirs]]) {
      if (window.CSS && CSS.highlights) CSS.highlights.set(name, new Highlight(...all.map((one) => one.range)));
    }
    note.hidden = !found.length && !theirs.length;
    note.replaceChildren(...listed(found, SIDE.unsupported), ...listed(theirs, SIDE.byPerson));
  }

  // How many they are, and the first of them to be shown.
  function listed(found, said) {
    if (!found.length) return [];
    const named = found.slice(0, NAMED).map((one) => {
      const kind = (S.kindNames[one.kind] || one.kind).toLowerCase();
      return el("button", {
        type: "button",
        class: "dp-stretch",
        text: one.text,
        "aria-label": SIDE.showStretch(one.text, kind),
        onclick: () => {
          store.set({ selected: one.id, from: "side" });
          reveal(scroller, one.range);
        },
      });
    });
    const more = found.length > NAMED ? [el("span", { text: SIDE.more(found.length - NAMED) })] : [];
    return [el("span", { text: said(found.length) }), ...named, ...more];
  }

  // Red at 0, amber at 0.5, green at 1, as in the overlay; what nobody knows stays as it is.
  function heat() {
    const page = followed.shown();
    const on = store.layers.heat && page;
    body.classList.toggle("heat", Boolean(on));
    if (!on) return;
    const shade = (element, value) => {
      if (element && value !== null && value !== undefined) element.style.setProperty("--heat", heatColour(value));
    };
    for (const block of page.blocks) {
      shade(places.get(block.id), block.confidence);
      for (const item of block.items || []) shade(places.get(item.id), item.confidence);
      if (!block.cells || !places.has(block.id)) continue;
      const known = new Map(block.cells.map((cell) => [`${cell.row},${cell.col}`, cell.confidence]));
      for (const cell of places.get(block.id).querySelectorAll("[data-cell]")) shade(cell, known.get(cell.dataset.cell));
    }
  }

  async function update() {
    await followed.update();
    if (!visible()) return;
    light();
    marks();
    heat();
  }
  store.on(["evidence", "layers"], () => {
    if (!visible()) return;
    marks();
    heat();
  });

  return {
    update,
    copied() {
      if (!followed.shown()) return null;
      const copy = body.cloneNode(true);
      for (const element of copy.querySelectorAll("*")) {
        for (const name of INNER) element.removeAttribute(name);
      }
      return { text: plain(store.page), html: copy.innerHTML };
    },
  };
}

const parsed = (html) => new DOMParser().parseFromString(html, "text/html").body.childNodes;

const plain = (page) => page.blocks.map((block) => block.text).filter(Boolean).join("\n\n") + "\n";

export function heatColour(value) {
  const [red, amber, green] = [[200, 30, 30], [235, 170, 0], [20, 150, 60]];
  const [low, high, share] = value < 0.5 ? [red, amber, value * 2] : [amber, green, value * 2 - 1];
  return `rgb(${low.map((part, index) => Math.round(part + (high[index] - part) * share)).join(" ")})`;
}

// With its markup, so that a table stays a table where it is pasted; else as text.
export async function copyRich({ text, html }) {
  if (html && navigator.clipboard && window.ClipboardItem) {
    try {
      const parts = Object.entries({ "text/plain": text, "text/html": html });
      const blobs = parts.map(([type, content]) => [type, new Blob([content], { type })]);
      await navigator.clipboard.write([new ClipboardItem(Object.fromEntries(blobs))]);
      return true;
    } catch {
      // Some browsers take plain text only.
    }
  }
  return copyText(text);
}

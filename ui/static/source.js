// The page as Markdown or as QwenVL HTML: lines with numbers, coloured, each line of a block lit with that block.
//
// All text is there from the start, so that the browser's search finds it; colours come to the lines near the window.

import { api } from "./api.js";
import { el } from "./dom.js";
import { fences, htmlPieces, markdownPieces } from "./highlight.js";
import { Texts, follower, lights } from "./panel.js";
import { linesOf } from "./places.js";
import { SIDE } from "./strings_side.js";
import { S } from "./strings.js";

const CHUNK = 60; // lines that are laid out and coloured together
// A table of QwenVL HTML stands on one line: it is shown broken before its rows, under one number.
const BREAKS = /(?=<(?:tr|thead|tbody|\/thead|\/tbody|\/table|\/tr)[\s>])/g;

export function mountSource(root, store, to) {
  const code = el("div", { class: `dp-source dp-source-${to}`, translate: "no", spellcheck: "false" });
  const label = SIDE.sourceOf(S.tabs[to]);
  const scroller = el("div", { class: "dp-scroll", tabindex: "0", role: "region", "aria-label": label }, code);
  root.append(scroller);

  const texts = new Texts((page) => api.text(store.job, page.page, to));
  let rows = []; // elements by line
  let owners = []; // id of a block by line
  let places = new Map(); // id -> {from, to}
  let source = "";

  const visible = () => !root.hidden && followed.shown() !== null;
  const elements = (id) => (places.has(id) ? rows.slice(places.get(id).from, places.get(id).to + 1) : []);
  const light = lights(store, { scroller, elements, visible });

  const near = new IntersectionObserver(
    (entries) => {
      for (const { isIntersecting, target } of entries) {
        if (!isIntersecting) continue;
        near.unobserve(target);
        target.paint();
      }
    },
    { root: scroller, rootMargin: "600px" },
  );

  function clear() {
    near.disconnect();
    code.replaceChildren();
    rows = [];
    owners = [];
    places = new Map();
    source = "";
  }

  const followed = follower(root, store, {
    fetch: (page) => texts.of(page),
    clear,
    draw({ text, spans }) {
      clear();
      source = text;
      const lines = text.replace(/\n+$/, "").split("\n");
      const found = linesOf(text, spans);
      places = new Map(found.map((place) => [place.id, place]));
      owners = new Array(lines.length).fill("");
      for (const { id, from, to: last } of found) owners.fill(id, from, last + 1);
      const fenced = to === "markdown" ? fences(lines) : [];
      const pieces = (line, index) => (to === "html" ? htmlPieces(line) : markdownPieces(line, fenced[index]));
      if (!text.trim()) code.append(el("p", { class: "dp-side-state", text: SIDE.noText }));
      else for (let from = 0; from < lines.length; from += CHUNK) code.append(chunk(lines, from, pieces));
      code.style.setProperty("--dp-digits", `${String(lines.length).length}ch`);
      scroller.scrollTop = 0;
    },
  });

  function chunk(lines, from, pieces) {
    const box = el("div", { class: "dp-chunk" });
    const part = lines.slice(from, from + CHUNK);
    for (const [step, line] of part.entries()) {
      const row = el("div", { class: "dp-line" });
      row.dataset.line = String(from + step + 1);
      if (owners[from + step]) row.dataset.block = owners[from + step];
      else if (line.startsWith("<head>")) row.classList.add("dp-line-around");
      row.append(...broken(line, to).map((text) => el("div", { class: "dp-row", text: text || "\n" })));
      rows.push(row);
      box.append(row);
    }
    box.style.setProperty("--dp-lines", String(part.length));
    box.paint = () => {
      for (const [step, line] of part.entries()) {
        for (const [place, text] of broken(line, to).entries()) {
          if (text) box.children[step].children[place].replaceChildren(...pieces(text, from + step).map(colour));
        }
      }
    };
    near.observe(box);
    return box;
  }

  const idAt = (event) => {
    const row = event.target.closest(".dp-line");
    return (row && row.dataset.block) || null;
  };
  code.addEventListener("pointerover", (event) => store.set({ hovered: idAt(event) }));
  code.addEventListener("click", (event) => {
    const id = idAt(event);
    if (id && followed.shown() && getSelection().isCollapsed) store.set({ selected: id, from: "side" });
  });

  return {
    async update() {
      await followed.update();
      if (visible()) light();
    },
    copied: () => (followed.shown() ? { text: source } : null),
  };
}

const colour = ([kind, text]) => (kind ? el("span", { class: `dp-t-${kind}`, text }) : text);

const broken = (line, to) => (to === "html" && line.length > 160 ? line.split(BREAKS) : [line]);

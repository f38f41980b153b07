// The picture of the page and what is drawn over it. The overlay is one <svg> in pixels of the page: where a box is on
// the screen follows from the size of the sheet alone, so that it is right and crisp at any zoom.

import { clamp, el, svg } from "./dom.js";
import { Boxes, rect } from "./page-boxes.js";
import { Chip } from "./page-chip.js";
import { doubts, missing } from "./page-evidence.js";
import { Frame } from "./page-frame.js";
import { Pictures } from "./page-pictures.js";
import { Hands } from "./page-pointer.js";
import { verdictStrip } from "./page-verdict.js";
import { Zoom, zoomByHand } from "./page-zoom.js";
import { S } from "./strings.js";
import { P } from "./strings_page.js";

const PATIENCE = 120; // ms that the last page stays while the next one comes; then there is paper
const SHARPEN = 150; // ms after zooming

let mounted = 0;

export function mountPage(root, store) {
  mounted += 1;
  const hatch = `dp-hatch-${mounted}`;
  const pattern = svg("pattern", { id: hatch, width: 7, height: 7, patternUnits: "userSpaceOnUse" },
    svg("path", { d: "M-2 9L9 -2M-2 2L2 -2M5 9L9 5" }));
  const uncovered = svg("path", { class: "dp-uncovered", fill: `url(#${hatch})` });
  const unsupported = svg("g", { class: "dp-unsupported" });
  const place = svg("g", { class: "dp-place" });
  const boxes = new Boxes();
  const region = new Frame("dp-region", true);
  const edit = new Frame("dp-edit", false);
  const overlay = svg("svg", { class: "dp-overlay", "aria-hidden": "true", preserveAspectRatio: "none" },
    svg("defs", {}, pattern), uncovered, boxes.boxes, boxes.cells, unsupported, boxes.order, place,
    region.group, edit.group);
  const lost = el("p", { class: "dp-paper-note", text: P.noPicture, hidden: true });
  const sheet = el("div", { class: "dp-sheet", hidden: true }, overlay, lost);
  const field = el("div", { class: "dp-desk" }, sheet);
  const view = el("div", { class: "dp-view", tabindex: "0", role: "group", "aria-label": P.view }, field);
  const hint = el("div", { class: "dp-page-hint", "aria-hidden": "true", hidden: true });
  const waits = el("p", { class: "dp-waits", role: "status", hidden: true });
  const stage = el("div", { class: "dp-stage" }, view, hint, waits);
  const said = el("div", { class: "dp-said", "aria-live": "polite" });
  root.append(verdictStrip(store), stage, said);

  const pictures = new Pictures(sheet);
  const zoom = new Zoom(view, field, sheet, scaled);
  zoomByHand(view, zoom);
  const label = new Chip(stage, zoom, "dp-label");
  const pin = new Chip(stage, zoom, "dp-pin");
  const say = (text) => (said.textContent = text);
  const hands = new Hands({ view, zoom, boxes, region, edit }, store, { hover: pointed, say });

  // ------------------------------------------------------------------------------ the page

  let turn = 0; // counts what was begun to be shown; older ones give up
  let drawn = ""; // what the picture belongs to
  let wanted = { page: undefined, key: "" }; // what is shown or on its way
  let patience = 0;
  let way = 1; // the direction of the last page change
  let last = 0;
  let nowhere = { read: new Map(), wrote: new Map() }; // block -> words of it that are nowhere, by who says them

  // A page that is being read again is the one that was read until then.
  const attempt = () => {
    const record = store.records.get(store.number);
    return record ? Math.max(1, record.state === "read" ? record.attempt : record.attempt - 1) : 1;
  };
  const pixels = () => zoom.shownWidth() * devicePixelRatio;
  const wait = (ms) => new Promise((done) => setTimeout(done, ms));

  function changed() {
    const page = store.page && store.page.page === store.number ? store.page : null;
    const key = `${store.job} ${store.number} ${attempt()}`;
    waiting();
    // The list of pages comes anew while others are read: that changes nothing here.
    if (page === wanted.page && key === wanted.key) return;
    wanted = { page, key };
    if (page && key === drawn) {
      draw(page);
    } else if (page) {
      bring(page, key);
    } else {
      turn += 1;
      drawn = "";
      label.hide();
      if (!store.job) {
        pictures.forget();
        last = 0;
      }
      if (!patience) patience = setTimeout(paper, store.job ? PATIENCE : 0);
    }
  }

  // The next page is not there yet: nothing of the last one may be taken for it.
  function paper() {
    patience = 0;
    pictures.clear();
    boxes.draw(null, store.hidden);
    decorate();
    framed();
    sheet.hidden = !store.job || !store.records.size;
    if (!sheet.hidden && zoom.page.width === 1) zoom.turn(1000, 1414);
  }

  function waiting() {
    const record = store.records.get(store.number);
    const unread = store.job && !store.page && record && record.state !== "read";
    waits.hidden = !unread;
    sheet.classList.toggle("dp-empty", Boolean(unread));
    if (unread) waits.textContent = record.state === "reading" ? P.reading : S.pageWaits;
  }

  async function bring(page, key) {
    turn += 1;
    const mine = turn;
    const { job, number } = store;
    const rung = Pictures.first(page.width, pixels());
    const url = Pictures.address(job, number, rung, attempt());
    const begun = pictures.load(url).then((ready) => (ready ? "ready" : "late"), () => "lost");
    const soon = await Promise.race([begun, wait(PATIENCE)]);
    if (mine !== turn) return;
    clearTimeout(patience);
    patience = 0;
    way = number < last ? -1 : 1;
    last = number;
    drawn = key;
    sheet.hidden = false;
    zoom.turn(page.width, page.height);
    zoom.toTop();
    overlay.setAttribute("viewBox", `0 0 ${page.width} ${page.height}`);
    // Boxes and picture in one frame; a picture that is slow comes onto paper, under the boxes.
    if (soon !== "ready") pictures.clear();
    else pictures.swap(url, rung, alt(page));
    draw(page, true);
    const state = soon || (await begun);
    if (mine !== turn) return;
    if (!soon && state === "ready") pictures.swap(url, rung, alt(page));
    lost.hidden = state !== "lost";
    sharpen();
    whenIdle(() => mine === turn && ahead());
  }

  const alt = (page) => P.picture(page.page, store.numbers.at(-1) || page.page, page.blocks.length);

  function draw(page, fresh = false) {
    overlay.setAttribute("viewBox", `0 0 ${page.width} ${page.height}`);
    if (!fresh) zoom.turn(page.width, page.height);
    boxes.draw(page, store.hidden);
    boxes.drawOrder(store.layers.order);
    decorate();
    boxes.hover(store.hovered);
    chosen(fresh);
    framed();
    shownPlace();
  }

  // A picture that is sharp at this zoom, when zooming is over.
  let sharpening = 0;
  function sharpen() {
    clearTimeout(sharpening);
    sharpening = setTimeout(async () => {
      const { page } = store;
      const mine = turn;
      if (!page || !drawn || !pictures.url) return;
      const rung = Pictures.rung(page.width, pixels());
      if (!pictures.sharper(rung)) return;
      const url = Pictures.address(store.job, store.number, rung, attempt());
      const ready = await pictures.load(url).catch(() => false);
      if (ready && mine === turn) pictures.swap(url, rung, alt(page));
    }, SHARPEN);
  }

  // The pages beside, their JSON and their pictures, while nothing else is to be done.
  async function ahead() {
    const { job, numbers } = store;
    const mine = turn;
    const at = numbers.indexOf(store.number);
    for (const step of [way, -way, 2 * way]) {
      const number = numbers[at + step];
      const record = store.records.get(number);
      if (!record || record.state !== "read") continue;
      const page = await store.fetchPage(number).catch(() => null);
      if (mine !== turn || store.job !== job) return;
      if (page) pictures.warm(Pictures.address(job, number, Pictures.first(page.width, pixels()), record.attempt));
    }
  }

  // ------------------------------------------------------------------------------- drawings

  function scaled(scale) {
    overlay.style.setProperty("--dp-unit", String(1 / scale));
    pattern.setAttribute("patternTransform", `scale(${1 / scale})`);
    label.place();
    pin.place();
    sharpen();
  }

  function decorate() {
    const { page, evidence, layers } = store;
    overlay.classList.toggle("dp-no-boxes", !layers.boxes);
    overlay.classList.toggle("dp-heat", layers.heat);
    uncovered.setAttribute("d", layers.uncovered && page && drawn ? missing(evidence) : "");
    const found = page && drawn && evidence && layers.unsupported ? doubts(page, evidence) : [];
    nowhere = { read: new Map(), wrote: new Map() };
    const marks = [];
    for (const { id, text, boxes: where, byPerson } of found) {
      const whose = byPerson ? nowhere.wrote : nowhere.read;
      whose.set(id, [...(whose.get(id) || []), text]);
      const mark = byPerson ? { class: "dp-by-person" } : {};
      for (const box of where) {
        const [x1, y1, x2, y2] = box;
        marks.push(rect(box, { "data-block": id, ...mark }), svg("line", { x1, y1: y2, x2, y2, ...mark }));
      }
    }
    unsupported.replaceChildren(...marks);
  }

  function told(block) {
    const name = S.kindNames[block.type] || block.type;
    const [words, theirs] = [nowhere.read.get(block.id), nowhere.wrote.get(block.id)];
    const [sure, agrees] = [block.confidence ?? null, block.agreement ?? null];
    return [
      block.level ? P.level(name, block.level) : name,
      block.origin === "user" ? P.byUser : sure === null && agrees !== null ? "" : S.confidence(sure),
      agrees === null ? "" : S.agreement(agrees),
      words ? P.nowhere(words.slice(0, 3)) : "",
      theirs ? P.wrote(theirs.slice(0, 3)) : "",
    ].filter(Boolean).join(" · ");
  }

  // The pointer is over a box, or over none.
  function pointed(entry, cell) {
    if (!entry) {
      labelled();
    } else if (cell && entry.id === store.selected) {
      label.show(cell.bbox, P.cell(cell.row, cell.col, cell.confidence), entry.kind);
    } else label.show(entry.bbox, told(entry.block), entry.kind);
  }

  // Where nothing is pointed at, what was selected from elsewhere, or with a finger, has the label.
  function labelled() {
    const pointedAt = store.from === "page" && !hands.touch;
    const block = pointedAt || store.tool === "edit" ? null : store.block(store.selected);
    if (block && block.bbox && drawn) label.show(block.bbox, told(block), block.type);
    else label.hide();
  }

  function chosen(reveals) {
    boxes.select(store.selected);
    const block = store.block(store.selected);
    if (!hands.pointer) labelled();
    if (!block) return;
    const order = boxes.list.findIndex((entry) => entry.id === block.id);
    say(P.selected(told(block), order + 1, boxes.list.length));
    if (block.bbox && reveals) zoom.reveal(block.bbox);
  }

  function framed() {
    const { page, tool } = store;
    view.dataset.tool = tool;
    region.group.classList.toggle("dp-active", tool === "region");
    if (!hands.doing) region.show(page && drawn ? store.region : null, page);
    const edited = page && drawn && tool === "edit" ? boxes.box(store.selected) : null;
    if (!hands.doing && !hands.sending) edit.show(edited, page);
    const hints = { region: store.region ? "" : P.regionHint, edit: edit.box ? P.editHint : "" };
    const text = (store.page && hints[tool]) || "";
    hint.hidden = !text;
    if (hint.textContent !== text) hint.textContent = text;
  }

  // A place that somebody asked to see, such as the evidence of a field.
  function shownPlace() {
    const wanted = store.place;
    if (wanted && wanted.page !== store.number) {
      place.replaceChildren();
      pin.hide();
      if (store.numbers.includes(wanted.page) && wanted !== shownPlace.asked) {
        shownPlace.asked = wanted;
        store.set({ number: wanted.page });
      }
      return;
    }
    shownPlace.asked = wanted;
    if (!wanted || !wanted.bbox || !drawn) {
      place.replaceChildren();
      pin.hide();
      return;
    }
    const [x1, y1, x2, y2] = wanted.bbox;
    const grow = clamp((y2 - y1) * 0.15, 2, 8);
    const box = [x1 - grow, y1 - grow, x2 + grow, y2 + grow];
    place.replaceChildren(rect(box, { class: "dp-place-glow" }), rect(box, { class: "dp-place-edge" }));
    if (wanted.label) pin.show(box, wanted.label);
    else pin.hide();
    zoom.reveal(box, 64);
  }

  // --------------------------------------------------------------------------------- wiring

  store.on(["job", "number", "page", "records"], changed);
  store.on(["evidence"], decorate);
  store.on(["layers"], () => {
    boxes.drawOrder(store.layers.order);
    decorate();
  });
  store.on(["hidden"], () => boxes.hide(store.hidden));
  store.on(["hovered"], () => boxes.hover(store.hovered));
  store.on(["selected"], () => {
    chosen(store.from !== "page");
    framed();
  });
  store.on(["region"], framed);
  store.on(["tool"], () => {
    framed();
    hands.look();
    const { activeElement } = document;
    const free = activeElement === document.body || root.contains(activeElement);
    if (store.tool !== "select" && free) view.focus({ preventScroll: true });
    say(hint.textContent);
  });
  store.on(["place"], shownPlace);
  store.on(["online"], () => {
    if (!store.online || lost.hidden || !store.page) return;
    drawn = "";
    wanted = { page: undefined, key: "" };
    changed();
  });
  view.addEventListener("scroll", () => {
    label.place();
    pin.place();
  }, { passive: true });
  framed();
  changed();

  return { zoomIn: () => zoom.zoomIn(), zoomOut: () => zoom.zoomOut(), fitWidth: () => zoom.fitWidth() };
}

function whenIdle(act) {
  if (window.requestIdleCallback) requestIdleCallback(act, { timeout: 1000 });
  else setTimeout(act, 100);
}

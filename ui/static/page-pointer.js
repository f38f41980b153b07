// What pointer and keys do on the page, by the tool that is chosen: select and pan; draw a rectangle; drag a box.

import { clamp } from "./dom.js";
import { dragged, inside, nudged, whole } from "./page-frame.js";
import { P } from "./strings_page.js";

const SLOP = 4; // CSS pixels that a click may move
const TWICE = 400; // ms within which a second click is no new one
const SETTLED = 450; // ms after the last arrow key, until a box that was moved is sent
const LEAST = 6; // CSS pixels of a rectangle; a smaller one was a click

export class Hands {
  // `view`, `zoom`, `boxes`, and the frames `region` and `edit`; `told.hover(entry, cell)`, `told.say(text)`.
  constructor(parts, store, told) {
    Object.assign(this, parts);
    this.store = store;
    this.told = told;
    this.doing = null;
    this.pointer = null; // where the mouse is, in the window
    this.touch = false; // whether a finger was last
    this.space = false;
    this.clicked = 0;
    this.sending = 0;
    this.looking = 0;
    const { view } = this;
    view.addEventListener("pointerdown", (event) => this.down(event));
    view.addEventListener("pointermove", (event) => this.move(event));
    view.addEventListener("pointerup", (event) => this.up(event));
    view.addEventListener("pointercancel", () => this.abandon());
    view.addEventListener("pointerleave", () => this.leave());
    view.addEventListener("dblclick", (event) => this.twice(event));
    view.addEventListener("keydown", (event) => this.key(event));
    view.addEventListener("keyup", (event) => event.key === " " && this.hold(false));
    view.addEventListener("blur", () => this.hold(false));
    view.addEventListener("scroll", () => this.look(), { passive: true });
  }

  get frame() {
    return this.store.tool === "region" ? this.region : this.store.tool === "edit" ? this.edit : null;
  }

  hold(on) {
    this.space = on;
    this.view.classList.toggle("dp-holds", on);
  }

  // ------------------------------------------------------------------------- dragging

  down(event) {
    const { view, store } = this;
    this.touch = event.pointerType === "touch";
    const middle = event.button === 1;
    if ((event.button !== 0 && !middle) || !store.page) return;
    if (this.doing || !event.isPrimary) {
      this.abandon(); // a second finger: that is a pinch
      return;
    }
    const bounds = view.getBoundingClientRect();
    const across = event.clientX - bounds.left;
    if (across > view.clientWidth || event.clientY - bounds.top > view.clientHeight) return; // scroll bars
    const at = this.zoom.point(event.clientX, event.clientY);
    const begun = { id: event.pointerId, x: event.clientX, y: event.clientY, at, moved: false };
    const handle = event.target.closest && event.target.closest("[data-handle]");
    const { frame } = this;
    const pans = { ...begun, kind: "pan", left: view.scrollLeft, top: view.scrollTop };
    if (middle || this.space) this.doing = pans;
    else if (frame && frame.box && handle) {
      this.doing = { ...begun, kind: "frame", frame, handle: handle.dataset.handle, box: frame.box };
    } else if (frame && inside(frame.box, at.x, at.y)) {
      this.doing = { ...begun, kind: "frame", frame, handle: "move", box: frame.box };
    } else if (store.tool === "region") this.doing = { ...begun, kind: "band", box: this.region.box };
    else if (event.pointerType === "touch" && store.tool === "select") this.doing = { ...begun, kind: "tap" };
    else this.doing = pans;
    if (middle) event.preventDefault(); // the browser's own scrolling
  }

  move(event) {
    const { doing, store } = this;
    if (event.pointerType !== "touch") this.pointer = [event.clientX, event.clientY];
    if (!doing) {
      this.look();
      return;
    }
    if (event.pointerId !== doing.id) return;
    const [dx, dy] = [event.clientX - doing.x, event.clientY - doing.y];
    if (!doing.moved) {
      if (Math.hypot(dx, dy) < SLOP) return;
      doing.moved = true;
      this.view.setPointerCapture(event.pointerId);
      this.view.dataset.doing = doing.kind;
      this.none();
    }
    const { page } = store;
    if (!page) return;
    const to = this.zoom.point(event.clientX, event.clientY);
    if (doing.kind === "pan") {
      this.view.scrollTo({ left: doing.left - dx, top: doing.top - dy, behavior: "instant" });
    } else if (doing.kind === "frame") {
      doing.frame.show(dragged(doing.box, doing.handle, to.x - doing.at.x, to.y - doing.at.y, page), page);
    } else if (doing.kind === "band") {
      const [x1, x2] = [doing.at.x, to.x].map((x) => clamp(x, 0, page.width)).sort((a, b) => a - b);
      const [y1, y2] = [doing.at.y, to.y].map((y) => clamp(y, 0, page.height)).sort((a, b) => a - b);
      this.region.show([x1, y1, x2, y2], page);
    }
  }

  up(event) {
    const { doing, store, zoom } = this;
    if (!doing || event.pointerId !== doing.id) return;
    this.doing = null;
    delete this.view.dataset.doing;
    if (!doing.moved) {
      if (event.button === 0) this.click(doing.at);
      return;
    }
    if (doing.kind === "band" || doing.frame === this.region) this.draw(this.region.box, LEAST / zoom.scale);
    else if (doing.kind === "frame") this.send(store.selected, doing.frame.box);
    this.look();
  }

  abandon() {
    const { doing, store } = this;
    if (!doing) return false;
    this.doing = null;
    delete this.view.dataset.doing;
    if (doing.kind === "frame") doing.frame.show(doing.box, store.page);
    else if (doing.kind === "band") this.region.show(doing.box, store.page);
    return true;
  }

  // ------------------------------------------------------------------------- pointing

  click({ x, y }) {
    const { store } = this;
    const now = performance.now();
    const again = now - this.clicked < TWICE;
    this.clicked = now;
    if (store.tool === "region") {
      store.set({ region: null });
      this.region.show(null);
      return;
    }
    const ids = this.boxes.under(x, y, 3 / this.zoom.scale).map((entry) => entry.id);
    const at = ids.indexOf(store.selected);
    // Another click on what is selected goes on to what lies around it.
    const id = !ids.length ? null : at < 0 ? ids[0] : again ? ids[at] : ids[(at + 1) % ids.length];
    store.set({ selected: id, from: "page" });
  }

  twice(event) {
    const { store } = this;
    if (store.tool === "region" || !store.page) return;
    const { x, y } = this.zoom.point(event.clientX, event.clientY);
    if (this.boxes.under(x, y, 3 / this.zoom.scale).length) store.set({ tool: "edit" });
  }

  // What is under the pointer, once a frame.
  look() {
    if (this.looking || !this.pointer || this.doing) return;
    this.looking = requestAnimationFrame(() => {
      this.looking = 0;
      const { store, zoom, pointer } = this;
      if (!pointer || this.doing || !store.page) return;
      const { x, y } = zoom.point(...pointer);
      const [entry] = store.tool === "region" ? [] : this.boxes.under(x, y, 3 / zoom.scale);
      this.view.classList.toggle("dp-points", Boolean(entry));
      this.told.hover(entry || null, entry ? this.boxes.cell(x, y) : null);
      store.set({ hovered: entry ? entry.id : null });
    });
  }

  none() {
    this.told.hover(null, null);
    this.store.set({ hovered: null });
  }

  leave() {
    this.pointer = null;
    this.none();
  }

  // ----------------------------------------------------------------------------- keys

  key(event) {
    const { store, zoom } = this;
    if (event.ctrlKey || event.metaKey || event.altKey || !store.page) return;
    if (event.key === " " && event.target === this.view) {
      event.preventDefault();
      this.hold(true);
    } else if (event.key === "Escape" && this.abandon()) {
      event.preventDefault();
    } else if (store.tool === "region" && event.key === "Enter" && this.region.box) {
      event.preventDefault();
      this.draw(this.region.box, 1);
    } else if (store.tool === "region") {
      const step = Math.max(1, Math.round(10 / zoom.scale));
      this.nudge(event, this.region, this.region.box || this.centre(), step);
    } else if (store.tool === "edit" && this.edit.box) {
      const id = store.selected;
      if (!this.nudge(event, this.edit, this.edit.box, Math.max(1, Math.round(1 / zoom.scale)))) return;
      clearTimeout(this.sending);
      const { box } = this.edit;
      this.sending = setTimeout(() => {
        this.sending = 0;
        this.send(id, box);
      }, SETTLED);
    }
  }

  nudge(event, frame, box, step) {
    const { page } = this.store;
    const moved = frame.box ? nudged(box, event, step, page) : event.key.startsWith("Arrow") ? box : null;
    if (!moved) return false;
    event.preventDefault();
    frame.show(whole(moved), page);
    this.zoom.reveal(frame.box);
    this.told.say(P.region(frame.box[2] - frame.box[0], frame.box[3] - frame.box[1]));
    return true;
  }

  // A rectangle to begin with, in the middle of what is seen.
  centre() {
    const { page } = this.store;
    const { x, y } = this.zoom.point(...this.zoom.middle());
    const [wide, high] = [page.width / 3, Math.min(page.height / 6, page.width / 6)];
    const left = clamp(x - wide / 2, 0, page.width - wide);
    const top = clamp(y - high / 2, 0, page.height - high);
    return whole([left, top, left + wide, top + high]);
  }

  // -------------------------------------------------------------------------- results

  draw(box, least) {
    const { store } = this;
    const large = box && box[2] - box[0] >= least && box[3] - box[1] >= least;
    const region = large ? whole(box) : null;
    store.set({ region });
    this.region.show(store.region, store.page); // whoever took it may have cleared it at once
  }

  send(block, box) {
    const { store } = this;
    const was = this.boxes.box(block);
    if (!block || !box || !was) return;
    const bbox = whole(box);
    if (bbox[2] - bbox[0] < 1 || bbox[3] - bbox[1] < 1 || bbox.every((value, at) => value === was[at])) {
      this.edit.show(was, store.page);
      return;
    }
    const { page } = store;
    store.act({ op: "edit", block, bbox }).catch((problem) => {
      store.tell(problem);
      if (store.page === page && store.selected === block) this.edit.show(was, page);
    });
  }
}

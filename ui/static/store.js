// What the viewer shows, in one place. Parts read it, change it with `set`, and are told of changes with `on`.
//
//   job        id of the open job, or null          info       the job as the service tells of it (JobAnswer)
//   records    Map: page number -> PageAnswer       numbers    page numbers in order
//   number     the page that is shown               page       its JSON (corrected), or null while it is fetched
//   evidence   words of the page, and what of its text is nowhere on it; null until it is there
//   selected   id of the selected block             hovered    id of the block under the pointer
//   place      {page, bbox, label}: a place to be shown, such as the evidence of a field; or null
//   tab        rendered | markdown | html | json | fields | reread
//   tool       select | region | edit               region     [x1, y1, x2, y2] drawn by the user, or null
//   layers     {boxes, order, heat, unsupported, uncovered}      hidden     Set of kinds that are not drawn
//   filter     all | problems (thumbnails)           changes    comparison that is shown, or null
//   revision   counts up whenever pages may have changed on the server
//   problem    a sentence for the user, or null      online     whether the service answers

import { api } from "./api.js";

const KEPT = 12; // pages whose JSON is held: enough to go back and forth, and flat over 500 pages

export const START = Object.freeze({
  job: null,
  info: null,
  records: new Map(),
  numbers: [],
  number: 1,
  page: null,
  evidence: null,
  selected: null,
  hovered: null,
  place: null,
  region: null,
  changes: null,
  problem: null,
});

// What is held for a number, or what `ask` promises; the oldest goes where too much is held.
function recall(held, number, ask) {
  const found = held.get(number) || ask();
  if (!held.has(number)) found.catch(() => held.delete(number));
  held.delete(number);
  held.set(number, found);
  if (held.size > KEPT) held.delete(held.keys().next().value);
  return found;
}

export class Store {
  constructor() {
    Object.assign(this, START, {
      records: new Map(),
      tab: "rendered",
      tool: "select",
      layers: { boxes: true, order: false, heat: false, unsupported: true, uncovered: false },
      hidden: new Set(),
      filter: "all",
      revision: 0,
      online: true,
    });
    this.listeners = new Map();
    this.held = new Map(); // page number -> promise of its JSON, newest last
    this.heldEvidence = new Map(); // the same of what is known of its words
    this.actor = null; // set by the editor: (operation) => promise
  }

  // Change some keys; those who listen to any of them are called once, after all are changed.
  set(changes) {
    const called = new Set();
    for (const [key, value] of Object.entries(changes)) {
      if (this[key] === value) continue;
      this[key] = value;
      for (const listener of this.listeners.get(key) || []) called.add(listener);
    }
    for (const listener of called) listener(this);
  }

  on(keys, listener) {
    for (const key of keys) {
      if (!this.listeners.has(key)) this.listeners.set(key, new Set());
      this.listeners.get(key).add(listener);
    }
  }

  // The JSON of a page, from here or from the service.
  fetchPage(number) {
    return recall(this.held, number, () => api.page(this.job, number));
  }

  // The words seen on a page, and what of its text is nowhere on it.
  fetchEvidence(number) {
    return recall(this.heldEvidence, number, () => api.evidence(this.job, number));
  }

  // A page changed on the server: forget what is held of it, and have it shown anew.
  forget(number, page = null) {
    this.held.delete(number);
    this.heldEvidence.delete(number);
    if (page) this.held.set(number, Promise.resolve(page));
    this.set({ revision: this.revision + 1 });
  }

  forgetAll() {
    this.held.clear();
    this.heldEvidence.clear();
  }

  block(id) {
    if (!this.page || !id) return null;
    for (const block of this.page.blocks) {
      if (block.id === id) return block;
      for (const item of block.items || []) if (item.id === id) return item;
    }
    return null;
  }

  // A correction: an operation of PUT /pages/N/corrections on the page that is shown.
  act(operation) {
    return this.actor ? this.actor(operation) : Promise.reject(new Error("nobody edits"));
  }

  // Say something to the user, or what went wrong.
  tell(problem) {
    this.set({ problem: problem instanceof Error ? problem.message : problem });
  }
}

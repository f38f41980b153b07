// The corrections of one page: a list on the server with a revision. Every change sends the whole list and the revision
// it was made on, one change after the other, also when another page is shown meanwhile. Where somebody else was faster
// the service refuses (409): then theirs is taken, and ours goes on top unless both are about the same element.

import { api } from "./api.js";
import { E } from "./strings_edit.js";

const NUDGE = 1500; // ms: boxes moved step by step within this are one step of undo

export class Ledger {
  // `told()` is called whenever anything of it changes.
  constructor(store, job, number, told) {
    Object.assign(this, { store, job, number, told });
    this.queue = Promise.resolve();
    this.loading = null;
    this.revision = 0;
    this.corrections = [];
    this.steps = []; // how many corrections each step of undo made
    this.undone = []; // lists of corrections, for redo
    // {operations, conflict}: ours that were not taken, and whether somebody else's stand against them.
    this.unsaved = null;
    this.problem = null; // why the last change was not saved, as an Error
    this.state = ""; // "" | saving | saved | failed
    this.moved = 0;
  }

  get confirmed() {
    return this.corrections.some(({ op }) => op === "confirm");
  }

  // What the service has, once.
  load() {
    if (!this.loading) {
      this.loading = this.fetch();
      this.loading.catch(() => (this.loading = null));
    }
    return this.loading;
  }

  async fetch() {
    const { revision, corrections } = await api.corrections(this.job, this.number);
    Object.assign(this, { revision, corrections });
    this.told();
  }

  // Promises whether they were saved.
  act(operations) {
    return this.next(async () => {
      this.unsaved = null;
      await this.load();
      const again =
        this.steps.length &&
        operations.length === 1 &&
        nudges(this.corrections.at(-1), operations[0]) &&
        performance.now() - this.moved < NUDGE;
      this.moved = performance.now();
      const kept = again ? this.corrections.slice(0, -1) : this.corrections;
      if (!(await this.put([...kept, ...operations], operations))) return false;
      if (!again) this.steps.push(operations.length);
      this.undone = [];
      this.told();
      return true;
    }, operations);
  }

  undo() {
    return this.next(async () => {
      await this.load();
      if (!this.corrections.length) return;
      const many = Math.min(this.steps.at(-1) || 1, this.corrections.length);
      const gone = this.corrections.slice(-many);
      if (!(await this.put(this.corrections.slice(0, -many), []))) return;
      this.steps.pop();
      this.undone.push(gone);
      this.told();
    });
  }

  redo() {
    return this.next(async () => {
      const again = this.undone.at(-1);
      if (!again || !(await this.put([...this.corrections, ...again], again))) return;
      this.undone.pop();
      this.steps.push(again.length);
      this.told();
    });
  }

  // One correction of the list goes, wherever it stands in it.
  remove(gone) {
    return this.next(async () => {
      const kept = this.corrections.filter((one) => one !== gone);
      if (kept.length === this.corrections.length || !(await this.put(kept, []))) return;
      this.steps = [];
      this.undone = [];
      this.told();
    });
  }

  // What was not taken: ours once more, or as it stands.
  resolve(mine) {
    const { unsaved } = this;
    this.unsaved = null;
    this.state = "";
    this.told();
    if (mine && unsaved) return this.act(unsaved.operations);
    if (this.store.job === this.job) this.store.forget(this.number);
    return Promise.resolve();
  }

  // ---------------------------------------------------------------------- one after the other

  next(work, operations = null) {
    this.queue = this.queue.then(work).catch((problem) => {
      this.state = "failed";
      this.problem = problem;
      if (operations) this.unsaved = { operations, conflict: false };
      this.store.tell(problem);
      this.told();
      return false;
    });
    return this.queue;
  }

  // Whether the service took them.
  async put(corrections, ours) {
    this.state = "saving";
    this.told();
    try {
      await this.send(corrections);
      return true;
    } catch (problem) {
      if (problem.status !== 409) throw problem;
      return this.settle(ours);
    }
  }

  async send(corrections) {
    const answer = await api.correct(this.job, this.number, { revision: this.revision, corrections });
    Object.assign(this, { revision: answer.revision, corrections, state: "saved" });
    if (answer.dropped.length) {
      this.store.tell(E.dropped(answer.dropped.length, answer.dropped[0].reason));
      this.steps = [];
      await this.fetch(); // what was dropped may not be in the list any more
    }
    if (this.store.job === this.job) this.store.forget(this.number, answer.page);
    this.told();
  }

  // Somebody else was faster.
  async settle(ours) {
    const known = new Set(this.corrections.map(same));
    await this.fetch();
    this.steps = [];
    this.undone = [];
    const theirs = this.corrections.filter((one) => !known.has(same(one)));
    const touched = new Set(theirs.map(about));
    const fits = ours.length && ours.every((one) => one.op === "confirm" || !touched.has(about(one)));
    if (fits) {
      await this.send([...this.corrections, ...ours]);
      this.store.tell(E.both);
      return true;
    }
    this.state = "failed";
    if (ours.length) this.unsaved = { operations: ours, conflict: true };
    this.problem = new Error(E.conflict);
    this.store.tell(E.conflict);
    if (this.store.job === this.job) this.store.forget(this.number);
    this.told();
    return false;
  }
}

// The id of the element that a correction is about.
const about = ({ block }) => (block && typeof block === "object" ? block.id : block);

// Whether both only move or size the same element.
function nudges(last, operation) {
  const only = (one) =>
    one && one.op === "edit" && one.bbox && !["text", "type", "level", "cells"].some((key) => key in one);
  return only(last) && only(operation) && last.block === operation.block;
}

// Of a correction, what does not change when the service keeps it.
function same({ at, ...rest }) {
  return JSON.stringify([
    rest.op,
    about(rest),
    rest.to,
    rest.text,
    rest.type,
    rest.level,
    rest.bbox,
    rest.cells,
    rest.op === "add" && at,
  ]);
}

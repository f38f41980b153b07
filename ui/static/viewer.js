// The workbench: page beside structure, for one document. It puts itself beside the frame that Gradio draws, opens what
// the frame or the address names, and follows its job until that is over. What is on the page and beside it is drawn by
// the parts that are mounted here.

import { api, follow } from "./api.js";
import { mountBar } from "./bar.js";
import { el } from "./dom.js";
import { mountEditor } from "./editor.js";
import { mountKeys } from "./keys.js";
import { mountPage } from "./page-view.js";
import { mountSide } from "./side.js";
import { mountSplit } from "./split.js";
import { START, Store } from "./store.js";
import { S } from "./strings.js";
import { mountThumbs } from "./thumbs.js";

class DocparseViewer extends HTMLElement {
  connectedCallback() {
    if (this.store) return;
    const store = (this.store = new Store());
    const bar = el("header", { class: "dp-bar" });
    const thumbs = el("nav", { class: "dp-thumbs", "aria-label": S.thumbnails });
    const page = el("section", { class: "dp-page", "aria-label": S.pageView });
    const split = el("div", { class: "dp-split" });
    const side = el("section", { class: "dp-side", "aria-label": S.panel });
    this.main = el("div", { class: "dp-main" }, thumbs, page, split, side);
    this.said = el("div", { class: "dp-problem", role: "status", "aria-live": "polite" });
    this.append(bar, this.main);
    document.body.append(this.said); // also there where no document is open

    mountThumbs(thumbs, store);
    const editing = page.appendChild(el("div", { class: "dp-editor-bar" })); // before the page, as it is seen
    this.view = mountPage(page, store);
    mountSide(side, store);
    mountEditor(store, editing);
    mountBar(bar, store, this.view, this);
    mountSplit(split, this.main);
    mountKeys(this, store, this.view);

    store.on(["problem"], () => this.say(store.problem));
    store.on(["number", "job"], () => this.address());
    store.on(["number", "job", "revision"], () => this.show());
    store.on(["records"], () => this.arrived());
    addEventListener("popstate", () => this.fromAddress());
    this.fromAddress();
  }

  // ---------------------------------------------------------------------- which document

  fromAddress() {
    const query = new URLSearchParams(location.search);
    const job = query.get("job");
    const number = Math.max(1, parseInt(query.get("page") || "1", 10) || 1);
    if (!job || !/^[0-9a-f]{32}$/.test(job)) this.leave({ quiet: true });
    else if (job !== this.store.job) this.open(job, number, { quiet: true });
    else this.store.set({ number });
  }

  // Show a job. Whatever was shown before is forgotten.
  open(job, number = 1, { quiet = false } = {}) {
    this.stop();
    this.store.forgetAll();
    this.quiet = quiet;
    this.store.set({ ...START, records: new Map(), job, number });
    document.documentElement.classList.add("dp-open");
    this.quiet = false;
    this.start(job);
  }

  leave({ quiet = false } = {}) {
    this.stop();
    this.quiet = quiet;
    this.store.forgetAll();
    this.store.set({ ...START, records: new Map() });
    this.quiet = false;
    document.documentElement.classList.remove("dp-open");
    document.title = S.viewer;
  }

  stop() {
    if (this.unfollow) this.unfollow();
    this.unfollow = null;
    clearTimeout(this.asking);
  }

  // The address says what is shown, so that a link or a reload comes back to it.
  address() {
    if (this.quiet) return;
    const { job, number } = this.store;
    const wanted = job ? `?job=${job}&page=${number}` : location.pathname;
    const same = new URLSearchParams(location.search).get("job") === job;
    if (location.search === wanted) return;
    // Pages of one document are one step of the browser's history, or "back" would go through all of them.
    history[same ? "replaceState" : "pushState"](null, "", wanted);
  }

  // ---------------------------------------------------------------------- its job

  async start(job) {
    const { store } = this;
    try {
      const info = await api.job(job);
      if (store.job !== job) return;
      document.title = info.file.name;
      store.set({ info });
      await this.refresh(job);
      if (!["done", "failed", "cancelled"].includes(info.state)) this.follow(job);
    } catch (problem) {
      if (store.job === job) this.lost(problem);
    }
  }

  lost(problem) {
    if (problem.status === 404) {
      this.leave();
      this.store.tell(S.gone);
    } else if (problem.status === 401) {
      location.reload(); // the way to the login
    } else {
      this.store.set({ online: false });
      this.store.tell(problem);
      const { job } = this.store;
      this.asking = setTimeout(() => this.store.job === job && this.start(job), 2000);
    }
  }

  follow(job) {
    const { store } = this;
    let asked = 0;
    const later = () => {
      // Many pages may come in a second: the list is told once a frame.
      if (!asked) asked = requestAnimationFrame(() => ((asked = 0), store.set({ records: new Map(store.records) })));
    };
    const told = async (event) => {
      if (store.job !== job) return;
      if (event.event === "page") {
        store.records.set(event.page.number, event.page);
        if (store.info) {
          const pages = { ...store.info.pages, read: [...store.records.values()].filter((r) => r.state === "read").length };
          store.info = { ...store.info, pages };
        }
        later();
        return;
      }
      try {
        const info = await api.job(job);
        if (store.job !== job) return;
        store.set({ info, online: true });
        await this.refresh(job);
      } catch (problem) {
        if (problem.status === 404) this.lost(problem);
      }
    };
    this.unfollow = follow(job, 0, told, (online) => store.set({ online }));
  }

  // Pages as the service knows them.
  async refresh(job) {
    const { store } = this;
    const records = await api.records(job);
    if (store.job !== job) return;
    const numbers = records.map((record) => record.number);
    const known = new Map(records.map((record) => [record.number, record]));
    const number = numbers.length && !known.has(store.number) ? numbers[0] : store.number;
    store.set({ records: known, numbers, number, online: true });
  }

  // Follow the job of a page that is read again.
  again(job) {
    this.stop();
    this.start(job);
  }

  // ---------------------------------------------------------------------- its pages

  arrived() {
    const record = this.store.records.get(this.store.number);
    if (record && record.state === "read" && !this.store.page) this.show();
  }

  async show() {
    const { store } = this;
    const { job, number } = store;
    if (!job) return;
    if (this.fetching) this.fetching.abort();
    const fetching = (this.fetching = new AbortController());
    const record = store.records.get(number);
    if (store.page && store.page.page !== number) {
      store.set({ page: null, evidence: null, selected: null, hovered: null, region: null, changes: null });
    }
    if (!record || record.state !== "read") return;
    try {
      const page = await store.fetchPage(number);
      if (fetching.signal.aborted || store.job !== job) return;
      store.set({ page });
      const evidence = await store.fetchEvidence(number);
      if (!fetching.signal.aborted) store.set({ evidence });
    } catch (problem) {
      if (problem.name === "AbortError" || store.job !== job) return;
      if (problem.status === 409 || problem.status === 404) return; // not read yet, or its number is none: `refresh` will tell
      store.tell(problem);
    }
  }

  // ---------------------------------------------------------------------- what is said

  say(sentence) {
    this.said.textContent = sentence || "";
    this.said.classList.toggle("dp-shown", Boolean(sentence));
    clearTimeout(this.silence);
    if (sentence) this.silence = setTimeout(() => this.store.set({ problem: null }), 8000);
  }
}

customElements.define("docparse-viewer", DocparseViewer);

// ------------------------------------------------------------------------ its place in the frame

const seen = new Set();

function settle() {
  let viewer = document.querySelector("docparse-viewer");
  if (!viewer) {
    // Beside the frame and not in it: Gradio's style sheet is for what Gradio draws.
    viewer = document.createElement("docparse-viewer");
    document.body.append(viewer);
  }
  const links = [...document.querySelectorAll('#opened a[href*="job="]')].map((link) => link.href);
  const fresh = links.filter((href) => !seen.has(href));
  fresh.forEach((href) => seen.add(href));
  if (fresh.length) {
    viewer.open(new URL(fresh[0]).searchParams.get("job"));
  }
}

// Links in the frame open in place, without loading all anew.
document.addEventListener("click", (event) => {
  const link = event.target.closest && event.target.closest('a[href*="?job="]');
  const viewer = document.querySelector("docparse-viewer");
  if (!link || !viewer || event.ctrlKey || event.metaKey || event.shiftKey || link.hasAttribute("download")) return;
  const url = new URL(link.href);
  if (url.origin !== location.origin) return;
  event.preventDefault();
  const job = url.searchParams.get("job");
  if (job) viewer.open(job, parseInt(url.searchParams.get("page") || "1", 10) || 1);
});

// Gradio draws when it likes to. Only its own part is watched: the workbench changes all the time.
const watch = new MutationObserver((changes) => {
  if (changes.some(({ target }) => !(target.closest && target.closest("docparse-viewer")))) settle();
});
watch.observe(document.body, { childList: true, subtree: true });
settle();

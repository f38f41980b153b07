// Read again: a page or a part of it, with another engine, resolution or prompt. The reading is a job of its own, that
// is followed here; what it says is compared with the page as it stands, and taken over by elements, or all at once.

import { corrections } from "./accept.js";
import { api, follow } from "./api.js";
import { differences } from "./diff-view.js";
import { el } from "./dom.js";
import { E } from "./strings_edit.js";

const DPIS = [100, 150, 200, 300, 400, 600];

export function mountReread(root, store) {
  let engines = null;
  let reading = null; // {job, source, number, by, state, stop}

  // ---------------------------------------------------------------------- what is asked for

  const engine = el("select", { id: "dp-reread-engine" });
  const dpi = el(
    "select",
    { id: "dp-reread-dpi" },
    el("option", { value: "", text: E.native }),
    DPIS.map((value) => el("option", { value, text: E.dpiOf(value) })),
  );
  const prompt = el("textarea", { id: "dp-reread-prompt", rows: 2, "aria-describedby": "dp-reread-prompt-hint" });
  const promptHint = el("p", { class: "dp-hint", id: "dp-reread-prompt-hint" });
  const radio = (value, checked) =>
    el("input", { type: "radio", name: "dp-reread-scope", value, checked, id: `dp-reread-${value}` });
  const whole = radio("page", true);
  const part = radio("part", false);
  const partSaid = el("span", { class: "dp-muted" });
  const draw = el(
    "button",
    { type: "button", class: "dp-button", onclick: () => store.set({ tool: "region", drawing: null }) },
    E.draw,
  );
  const go = el("button", { type: "submit", class: "dp-button dp-primary", text: E.read });
  const form = el(
    "form",
    { class: "dp-form dp-reread-form", onsubmit: (event) => (event.preventDefault(), read()) },
    el("div", { class: "dp-field" }, el("label", { for: engine.id, text: E.engine }), engine),
    el("div", { class: "dp-field" }, el("label", { for: dpi.id, text: E.dpi }), dpi),
    el(
      "fieldset",
      { class: "dp-field dp-scope" },
      el("legend", { text: E.scope }),
      el("label", { class: "dp-choice", for: whole.id }, whole, E.wholePage),
      el("label", { class: "dp-choice", for: part.id }, part, E.part, partSaid),
      draw,
    ),
    el("div", { class: "dp-field dp-wide" }, el("label", { for: prompt.id, text: E.prompt }), prompt, promptHint),
    el("div", { class: "dp-wide" }, go),
  );
  const status = el("p", { class: "dp-reread-status", role: "status" });
  const stop = el("button", {
    type: "button",
    class: "dp-button",
    text: E.stop,
    hidden: true,
    onclick: () => cancel(),
  });
  const meter = el("progress", { class: "dp-progress", "aria-label": E.reading, hidden: true });
  const shown = el("div", { class: "dp-differences" });
  root.classList.add("dp-scrolled");
  root.append(form, el("div", { class: "dp-reread-line" }, status, meter, stop), shown);

  part.addEventListener("change", () => {
    if (part.checked && !store.region) store.set({ tool: "region", drawing: null });
  });
  engine.addEventListener("change", asks);

  async function fill() {
    if (engines) return;
    engines = [];
    try {
      engines = (await api.engines()).filter(({ available }) => available);
    } catch (problem) {
      engines = null;
      store.tell(problem);
      return;
    }
    engine.replaceChildren(
      el("option", { value: "", text: E.usual }),
      ...engines.map(({ name, model }) => el("option", { value: name, text: model ? `${name}: ${model}` : name })),
    );
    asks();
  }

  // Only a model can be asked in words.
  function asks() {
    const chosen = (engines || []).find((one) => (engine.value ? one.name === engine.value : one.default));
    const can = Boolean(chosen && chosen.answers);
    prompt.disabled = !can;
    promptHint.textContent = can ? E.promptHint : E.noPrompt;
  }

  // ---------------------------------------------------------------------- the reading

  async function read() {
    if (part.checked && !store.region) {
      store.set({ tool: "region", drawing: null });
      status.textContent = E.drawHint;
      return;
    }
    end();
    const { job: source, number } = store;
    const body = {};
    if (engine.value) body.engine = engine.value;
    if (dpi.value) body.dpi = Number(dpi.value);
    if (prompt.value.trim() && !prompt.disabled) body.prompt = prompt.value.trim();
    if (part.checked) body.bbox = store.region.map(Math.round);
    store.set({ changes: null });
    status.textContent = E.reading;
    busy(true);
    try {
      const { id, position } = await api.read(source, number, body);
      if (position) status.textContent = E.readingWaits(position);
      const mine = (reading = { job: id, source, number, by: "" });
      mine.stop = follow(id, 0, (event) => event.event === "state" && heard(mine, event.state, body));
    } catch (problem) {
      busy(false);
      status.textContent = problem.message;
    }
  }

  async function heard(mine, state, body) {
    if (mine !== reading) return;
    if (state === "running") status.textContent = E.reading;
    if (state === "cancelled") over(E.stopped);
    if (state === "failed") {
      const info = await api.job(mine.job).catch(() => null);
      over((info && info.error && info.error.message) || E.readingFailed);
    }
    if (state !== "done") return;
    try {
      const [found, records] = await Promise.all([
        api.compared(mine.source, mine.number, mine.job),
        api.records(mine.job),
      ]);
      if (mine !== reading) return;
      const name = (records[0] && records[0].engine) || body.engine || "";
      mine.by = E.readingBy(name, body.dpi);
      over("");
      if (store.job === mine.source && store.number === mine.number) {
        store.set({ changes: { ...found, by: mine.by, taken: new Set() } });
      }
    } catch (problem) {
      over(problem.message);
    }
  }

  function over(sentence) {
    reading = null;
    busy(false);
    status.textContent = sentence;
  }

  function busy(is) {
    go.disabled = is;
    stop.hidden = meter.hidden = !is;
  }

  function end() {
    if (reading) reading.stop();
    reading = null;
    busy(false);
  }

  async function cancel() {
    if (!reading) return;
    try {
      await api.cancel(reading.job);
    } catch (problem) {
      store.tell(problem);
    }
  }

  // ---------------------------------------------------------------------- what it says

  async function take(chosen) {
    const { changes, page } = store;
    if (!changes || !page) return;
    const operations = corrections(page, changes.page, changes.changes, chosen, changes.by);
    for (const button of shown.querySelectorAll("button")) button.disabled = true;
    try {
      if (operations.length) await store.act(operations);
      for (const change of chosen) changes.taken.add(change);
    } catch {
      // The editor has said why; what was not taken can be taken again.
    }
    if (store.changes !== changes) return;
    show();
    const next = shown.querySelector(".dp-take, .dp-take-all:enabled");
    if (next) next.focus({ preventScroll: true });
  }

  function show() {
    shown.replaceChildren(...(store.changes ? differences(store, store.changes, take) : []));
  }

  store.on(["changes"], show);
  store.on(["tab", "job"], () => store.tab === "reread" && store.job && fill());
  function aim() {
    const { region } = store;
    partSaid.textContent = region ? E.partOf(region) : "";
    draw.textContent = region ? E.drawAgain : E.draw;
    if (!region) {
      whole.checked = true;
      return;
    }
    if (!store.drawing) part.checked = true; // else it is that of a new element
  }
  store.on(["region"], aim);
  store.on(["number", "job"], () => {
    end();
    status.textContent = "";
  });
  if (store.tab === "reread" && store.job) fill();
  aim(); // this panel is made when it is first looked at, which may be because of a rectangle
}

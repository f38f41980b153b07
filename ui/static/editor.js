// Correcting a page: `store.act` for all parts, undo and redo, adding an element by drawing it, confirming the page,
// and the list of what was corrected. What a selected element is, is changed in its panel (edit-panel.js); where it
// stands, on the page itself. Every change is saved at once, and told where it could not be (ledger.js).

import { ICONS, el, iconButton } from "./dom.js";
import { EditPanel } from "./edit-panel.js";
import { Ledger } from "./ledger.js";
import { freshId, placeInOrder } from "./new-element.js";
import { S } from "./strings.js";
import { E } from "./strings_edit.js";

const LEDGERS = 20; // pages whose steps of undo are kept
const REDO = "M15 7l5 5-5 5M20 12H10a5 5 0 000 10h2";

export function mountEditor(store, bar) {
  const ledgers = new Map(); // "job/number" -> Ledger
  const ledger = (job = store.job, number = store.number) => {
    const key = `${job}/${number}`;
    if (!ledgers.has(key)) ledgers.set(key, new Ledger(store, job, number, told));
    if (ledgers.size > LEDGERS) ledgers.delete(ledgers.keys().next().value);
    return ledgers.get(key);
  };
  store.actor = async (operations) => {
    const mine = ledger();
    if (!(await mine.act([operations].flat()))) throw mine.problem;
  };

  // ---------------------------------------------------------------------- what is there

  const undo = iconButton(E.undo, ICONS.undo, () => ledger().undo());
  const redo = iconButton(E.redo, REDO, () => ledger().redo());
  const add = el(
    "button",
    { type: "button", class: "dp-button", "aria-pressed": "false", onclick: () => draw() },
    E.add,
  );
  const confirm = el(
    "button",
    { type: "button", class: "dp-button dp-confirm", "aria-pressed": "false", onclick: () => settle() },
    E.confirm,
  );
  const done = iconButton(E.done, ICONS.close, () => store.set({ tool: "select", drawing: null }));
  const said = el("span", { class: "dp-saved", role: "status" });
  const list = el("ol", { class: "dp-corrections" });
  const count = el("summary");
  const all = el("details", { class: "dp-corrections-box" }, count, list);
  const clash = el(
    "div",
    { class: "dp-clash", role: "alert", hidden: true },
    el("p"),
    el("button", { type: "button", class: "dp-button", onclick: () => ledger().resolve(true) }),
    el("button", { type: "button", class: "dp-button", onclick: () => ledger().resolve(false) }),
  );
  const panel = new EditPanel(store, (operation, { job, number }) => ledger(job, number).act([operation]));
  bar.append(
    el(
      "div",
      { class: "dp-editor-tools", role: "toolbar", "aria-label": E.tools },
      undo,
      redo,
      add,
      confirm,
      said,
      done,
    ),
    clash,
    panel.root,
    all,
  );
  bar.setAttribute("role", "region");
  bar.setAttribute("aria-label", E.tools);
  bar.hidden = true;

  // ---------------------------------------------------------------------- what is done

  function draw() {
    const drawing = store.drawing === "add" ? null : "add";
    store.set({ drawing, region: null, tool: drawing ? "region" : "edit" });
  }

  // A rectangle is a new element where one is being added, and else a part to be read again.
  function drawn() {
    if (!store.region || !store.page) return;
    if (store.drawing !== "add") {
      store.set({ tab: "reread", tool: "select" });
      return;
    }
    const bbox = store.region.map(Math.round);
    const id = freshId(store.page);
    const at = placeInOrder(store.page, bbox, store.selected);
    store.set({ drawing: null, region: null, tool: "edit" });
    const block = { id, type: "paragraph", bbox, text: "" };
    ledger()
      .act([{ op: "add", at, block }])
      .then((saved) => saved && panel.focusSoon(id));
  }

  function settle() {
    const known = ledger().corrections.find(({ op }) => op === "confirm");
    if (known) ledger().remove(known);
    else ledger().act([{ op: "confirm" }]);
  }

  const editing = () => store.tool === "edit" || store.drawing === "add";

  // ---------------------------------------------------------------------- what is shown

  function told() {
    if (!store.job || !editing()) return;
    const { corrections, undone, state, unsaved, confirmed } = ledger();
    undo.disabled = !corrections.length;
    redo.disabled = !undone.length;
    add.setAttribute("aria-pressed", String(store.drawing === "add"));
    confirm.setAttribute("aria-pressed", String(confirmed));
    confirm.textContent = confirmed ? S.confirmed : E.confirm;
    said.textContent = store.drawing
      ? E.addHint
      : { "": "", saving: E.saving, saved: E.saved, failed: E.notSaved }[state];
    said.dataset.state = state;
    clash.hidden = !unsaved;
    if (unsaved) {
      const words = unsaved.conflict ? [E.conflict, E.mine, E.theirs] : [E.failed, E.again, E.giveUp];
      [...clash.children].forEach((child, index) => (child.textContent = words[index]));
    }
    all.hidden = !corrections.length;
    count.textContent = `${E.corrections} (${corrections.length})`;
    list.replaceChildren(...corrections.map(row).reverse());
  }

  function row(correction) {
    const { op, block, by, applied, reason } = correction;
    const id = block && typeof block === "object" ? block.id : block;
    const parts = Object.keys(E.parts).filter((part) => correction[part] !== undefined && correction[part] !== null);
    const what = op === "edit" ? E.ops.edit(parts.map((part) => E.parts[part]).join(", ")) : E.ops[op];
    return el(
      "li",
      { class: applied === false ? "dp-dropped" : "" },
      id &&
        el("button", {
          type: "button",
          class: "dp-link",
          text: id,
          onclick: () => store.set({ selected: id, from: "editor" }),
        }),
      el("span", { text: [what, by && E.by(by)].filter(Boolean).join(", ") }),
      applied === false && el("em", { text: reason }),
      el("button", {
        type: "button",
        class: "dp-link",
        "aria-label": `${E.takeBack}: ${[id, what].filter(Boolean).join(" ")}`,
        text: E.takeBack,
        onclick: () => ledger().remove(correction),
      }),
    );
  }

  function switched() {
    bar.hidden = !editing() || !store.job;
    if (store.tool !== "region" && store.drawing) store.set({ drawing: null });
    if (bar.hidden) panel.flush();
    else
      ledger()
        .load()
        .catch((problem) => store.tell(problem));
    panel.show(editing());
    told();
  }

  store.on(["tool", "drawing", "number", "job"], switched);
  store.on(["region"], drawn);
  document.addEventListener("keydown", (event) => {
    if (bar.hidden || !(event.ctrlKey || event.metaKey) || event.altKey) return;
    const key = event.key.toLowerCase();
    // In a field that somebody types in, undo is the field's own.
    if (event.target.closest && event.target.closest("input, textarea")) return;
    if (key === "z" || key === "y") {
      event.preventDefault();
      if (key === "y" || event.shiftKey) ledger().redo();
      else ledger().undo();
    }
  });
  document.addEventListener("keydown", (event) => {
    if (!bar.hidden && event.key === "Delete" && store.selected && !event.target.closest("input, textarea, select")) {
      event.preventDefault();
      panel.remove();
    }
  });
}

// The panel of the selected element: kind, level, text or cells, its turn in the order, and what it was read as. What
// is typed is saved when the field is left, when another element is selected, and with Ctrl+Enter.

import { api } from "./api.js";
import { cellGrid } from "./cell-grid.js";
import { ICONS, el, iconButton } from "./dom.js";
import { S } from "./strings.js";
import { E } from "./strings_edit.js";

const KINDS = Object.keys(S.kindNames).filter((kind) => kind !== "list_item");
const LEVELLED = ["heading", "list_item"];

export class EditPanel {
  // `act(operation, {job, number})` corrects a page, which need not be the one that is shown by then.
  constructor(store, act) {
    this.store = store;
    this.send = act;
    this.id = null; // of the element that is shown
    this.at = { job: null, number: 0 }; // its page
    this.shown = false;
    this.original = { key: "", page: null }; // the page as it was read
    this.kind = el("select", { id: "dp-edit-kind" });
    this.level = el(
      "select",
      { id: "dp-edit-level" },
      [1, 2, 3, 4, 5, 6].map((level) => el("option", { value: level, text: level })),
    );
    this.levelLabel = el("label", { for: "dp-edit-level", text: E.level });
    this.text = el("textarea", { id: "dp-edit-text", rows: 2, spellcheck: "false" });
    this.textLabel = el("label", { for: "dp-edit-text", text: E.text });
    this.up = iconButton(E.up, ICONS.up, () => this.move(-1));
    this.down = iconButton(E.down, ICONS.down, () => this.move(1));
    this.gone = iconButton(E.remove, ICONS.trash, () => this.remove());
    this.title = el("strong", { class: "dp-edit-title" });
    this.hint = el("p", { class: "dp-hint" });
    this.was = el("p", { class: "dp-was", hidden: true });
    this.content = el("div", { class: "dp-edit-content" });
    this.none = el("p", { class: "dp-hint", text: E.nothingSelected });
    this.form = el(
      "div",
      { class: "dp-edit-form", role: "group", "aria-label": E.element },
      el(
        "div",
        { class: "dp-edit-head" },
        this.title,
        el("label", { for: "dp-edit-kind", class: "dp-offscreen", text: E.kind }),
        this.kind,
        this.levelLabel,
        this.level,
        el("span", { class: "dp-edit-moves" }, this.up, this.down, this.gone),
      ),
      this.content,
      this.hint,
      this.was,
    );
    this.root = el("div", { class: "dp-edit-panel" }, this.none, this.form);

    this.kind.addEventListener("change", () => this.edit({ type: this.kind.value, ...this.firstLevel() }));
    this.level.addEventListener("change", () => this.edit({ level: Number(this.level.value) }));
    this.text.addEventListener("change", () => this.flush());
    this.root.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
        event.preventDefault();
        this.flush();
      } else if (event.key === "Escape" && event.target.closest("textarea")) {
        event.stopPropagation(); // leaves the field, not the tool
        event.preventDefault();
        event.target.blur();
      }
    });
    store.on(["selected", "page"], () => this.update());
  }

  show(shown) {
    this.shown = shown;
    this.update();
  }

  block() {
    return this.store.block(this.id);
  }

  // ---------------------------------------------------------------------- what is shown

  update() {
    const { store } = this;
    if (!this.shown || !store.page) return;
    const here = this.at.job === store.job && this.at.number === store.page.page;
    if (store.selected !== this.id || !here) this.flush();
    const block = store.block(store.selected);
    this.none.hidden = Boolean(block);
    this.form.hidden = !block;
    const another = !block || this.id !== block.id || !here;
    this.id = block ? block.id : null;
    this.at = { job: store.job, number: store.page.page };
    if (!block) return;

    const isItem = block.type === "list_item";
    this.title.textContent = block.id;
    this.kind.replaceChildren(
      ...(isItem ? ["list_item"] : KINDS).map((kind) => el("option", { value: kind, text: S.kindNames[kind] })),
    );
    this.kind.value = block.type;
    this.kind.disabled = isItem;
    this.level.hidden = this.levelLabel.hidden = !LEVELLED.includes(block.type);
    this.level.value = String(block.level || 1);
    const { index, among } = this.place(block);
    this.up.disabled = index <= 0;
    this.down.disabled = index < 0 || index >= among - 1;
    this.fill(block, another);
    this.tellWas(block);
    if (this.awaited === block.id) {
      this.awaited = null;
      this.text.focus();
    }
  }

  fill(block, another) {
    this.hint.textContent = "";
    if (block.cells && block.cells.length) {
      if (!another && this.grid && this.grid.update(block)) return;
      this.grid = cellGrid(block, () => this.flush());
      this.content.replaceChildren(this.grid);
      return;
    }
    this.grid = null;
    if (block.type === "image" && !block.text) {
      this.content.replaceChildren(el("p", { class: "dp-hint", text: E.noText }));
      return;
    }
    this.textLabel.textContent = block.type === "list" ? `${E.text}: ${E.items}` : E.text;
    if (another || document.activeElement !== this.text || this.text.value === this.saved) {
      this.text.value = block.text;
      this.saved = block.text;
    }
    this.text.rows = Math.min(Math.max(2, block.text.split("\n").length, Math.ceil(block.text.length / 90)), 8);
    if (this.content.firstChild !== this.textLabel) this.content.replaceChildren(this.textLabel, this.text);
    if ((block.runs || []).some((run) => (run.marks || []).length)) this.hint.textContent = E.marksLost;
  }

  // What the engine read, beside what a person says.
  async tellWas(block) {
    this.was.hidden = true;
    if (block.origin !== "user") return;
    const { store } = this;
    const key = `${store.job}/${store.number}`;
    if (this.original.key !== key) {
      this.original = { key, page: api.page(store.job, store.number, { asRead: true }) };
      this.original.page.catch(() => (this.original = { key: "", page: null }));
    }
    try {
      const page = await this.original.page;
      if (this.id !== block.id) return;
      const read = page.blocks.flatMap((one) => [one, ...(one.items || [])]).find(({ id }) => id === block.id);
      const same = read && read.text === block.text && read.type === block.type;
      if (same) return;
      const kind = read && read.type !== block.type ? `${S.kindNames[read.type]}: ` : "";
      const text = read && (read.text || E.noText).replaceAll("\t", " │ ");
      this.was.textContent = read ? `${E.readAs} ${kind}${text}` : E.notRead;
      this.was.hidden = false;
    } catch {
      // Only an aid: without it the panel is as good as before.
    }
  }

  focusSoon(id) {
    if (!this.store.block(id)) this.awaited = id;
    this.store.set({ selected: id, from: "editor" });
    if (this.store.block(id)) this.text.focus();
  }

  // ---------------------------------------------------------------------- what is done

  act(operation) {
    return this.send(operation, this.at);
  }

  edit(changes) {
    if (this.id) this.act({ op: "edit", block: this.id, ...changes });
  }

  firstLevel() {
    return this.kind.value === "heading" ? { level: Number(this.level.value) || 1 } : {};
  }

  // What was typed and is not saved yet.
  flush() {
    if (!this.id) return;
    if (this.grid) {
      const cells = this.grid.drafts();
      if (cells.length) this.edit({ cells });
    } else if (this.saved !== undefined && this.content.contains(this.text) && this.text.value !== this.saved) {
      this.saved = this.text.value;
      this.edit({ text: this.text.value });
    }
  }

  // Its index among its like, and how many these are.
  place(block) {
    const { blocks } = this.store.page;
    const list = blocks.find(({ items }) => (items || []).some(({ id }) => id === block.id));
    const like = list ? list.items : blocks;
    return { index: like.findIndex(({ id }) => id === block.id), among: like.length };
  }

  move(steps) {
    const block = this.block();
    if (!block) return;
    const { index, among } = this.place(block);
    if (index + steps >= 0 && index + steps < among) this.act({ op: "move", block: block.id, to: index + steps });
  }

  remove() {
    const block = this.block();
    if (!block) return;
    this.grid = null;
    this.saved = undefined;
    const { blocks } = this.store.page;
    const at = blocks.findIndex(({ id }) => id === block.id);
    const next = blocks[at + 1] || blocks[at - 1];
    this.act({ op: "delete", block: block.id });
    this.store.set({ selected: next && at >= 0 ? next.id : null, from: "editor" });
  }
}

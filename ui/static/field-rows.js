// The fields of one document: a row for each plain value, a table for each list of objects. A value is a field to type
// in; its place on the page is shown when it is pointed at or focused.

import { ICONS, el, iconButton } from "./dom.js";
import { kindAt, layout, nameOf, typed, withEdits } from "./field-values.js";
import { E } from "./strings_edit.js";

export class FieldRows {
  // `found`: {fields, evidence, checks, ...}; `definition`: the JSON Schema it was asked by, or null.
  constructor(store, found, definition) {
    this.store = store;
    this.found = found;
    this.definition = definition;
    this.edits = new Map(); // path -> value
    this.wrong = new Set(); // paths whose text is no value
    this.failing = new Map(); // path -> reasons
    for (const { passed, fields, message } of found.checks) {
      if (passed === false)
        for (const name of fields) this.failing.set(name, [...(this.failing.get(name) || []), message]);
    }
    const { scalars, tables } = layout(found.fields);
    this.root = el(
      "div",
      { class: "dp-fields" },
      this.plain(scalars),
      tables.map((table) => this.table(table)),
    );
  }

  valid() {
    return this.wrong.size === 0;
  }

  edited() {
    return withEdits(this.found, this.edits);
  }

  // ---------------------------------------------------------------------- plain fields

  plain(scalars) {
    const rows = scalars.map(({ path, value, empty }) => {
      const label = el("label", { for: this.idOf(path), text: nameOf(path) });
      const row = el("tr", { dataset: { field: path } });
      row.append(
        el("th", { scope: "row" }, label),
        el("td", {}, this.input(path, value, row, { fixed: empty })),
        this.proof(path, row),
      );
      return row;
    });
    return el(
      "table",
      { class: "dp-fields-table" },
      el(
        "thead",
        {},
        el(
          "tr",
          {},
          [E.field, E.value, E.sure].map((name) => el("th", { scope: "col", text: name })),
        ),
      ),
      el("tbody", {}, rows),
    );
  }

  proof(path, row) {
    const evidence = this.found.evidence[path];
    const share = evidence ? Math.round(evidence.confidence * 100) : null;
    const sure = el("span", { class: "dp-sure-text", text: share === null ? "" : `${share} %` });
    const note = el("span", { class: "dp-field-note" });
    const cell = el(
      "td",
      { class: "dp-field-proof" },
      share === null
        ? null
        : el("meter", {
            class: "dp-sure",
            min: 0,
            max: 100,
            low: 60,
            high: 85,
            optimum: 100,
            value: share,
            "aria-hidden": "true",
          }),
      sure,
      note,
    );
    row.noted = () => (note.textContent = this.edits.has(path) ? E.edited : (evidence && evidence.note) || "");
    row.noted();
    return cell;
  }

  // ---------------------------------------------------------------------- tables

  table({ path, columns, rows }) {
    const body = rows.map((cells, index) => {
      const row = el("tr", {}, el("th", { scope: "row", text: String(index + 1) }));
      for (const [at, cell] of cells.entries()) {
        const place = el("td");
        if (cell) {
          place.dataset.field = cell.path;
          place.append(
            this.input(cell.path, cell.value, place, {
              fixed: cell.fixed,
              label: `${nameOf(path)} ${index + 1}: ${nameOf(columns[at])}`,
            }),
          );
        }
        row.append(place);
      }
      return row;
    });
    return el(
      "div",
      { class: "dp-items", tabindex: "0", role: "group", "aria-label": nameOf(path) },
      el(
        "table",
        { class: "dp-items-table" },
        el("caption", { text: nameOf(path) }),
        el(
          "thead",
          {},
          el(
            "tr",
            {},
            el("th", { scope: "col", text: E.line }),
            columns.map((name) => el("th", { scope: "col", text: nameOf(name) })),
          ),
        ),
        el("tbody", {}, body),
      ),
    );
  }

  // ---------------------------------------------------------------------- one value

  // `row` is the element that is marked and pointed at.
  input(path, value, row, { fixed = false, label = null } = {}) {
    const evidence = this.found.evidence[path];
    const reasons = this.failing.get(path) || [];
    const said = value === null || value === undefined ? "" : String(value);
    const reasonId = `${this.idOf(path)}-why`;
    const most = label ? 12 : 28; // characters that a field in a table, or of its own, has room for
    const long = said.length > most || said.includes("\n");
    const input = el(long ? "textarea" : "input", {
      id: this.idOf(path),
      type: long ? null : "text",
      rows: long ? Math.min(4, Math.ceil(said.length / most)) : null,
      placeholder: E.missing,
      readonly: fixed,
      "aria-label": label,
      "aria-describedby": reasonId,
      class: "dp-field-value",
      spellcheck: "false",
    });
    input.value = said;
    const why = el("span", { class: "dp-why", id: reasonId });
    const back = iconButton(
      E.revert(nameOf(path)),
      ICONS.undo,
      () => {
        input.value = said;
        change();
        input.focus();
      },
      { class: "dp-icon dp-revert", hidden: true },
    );
    const tell = () => {
      const wrong = this.wrong.has(path) ? typed(input.value, this.kind(path, value)).wrong : "";
      why.textContent = [wrong, ...reasons].filter(Boolean).join(" ");
      input.setAttribute("aria-invalid", String(Boolean(wrong || (reasons.length && !this.edits.has(path)))));
      row.classList.toggle("dp-field-failed", Boolean(wrong) || reasons.length > 0);
      row.classList.toggle("dp-field-wrong", Boolean(wrong));
      row.classList.toggle("dp-field-edited", this.edits.has(path));
      back.hidden = !this.edits.has(path) && !wrong;
      if (row.noted) row.noted();
    };
    const change = () => {
      this.edits.delete(path);
      this.wrong.delete(path);
      if (input.value !== said) {
        const { value: fresh, wrong } = typed(input.value, this.kind(path, value));
        if (wrong) this.wrong.add(path);
        else if (fresh !== value) this.edits.set(path, fresh);
      }
      tell();
    };
    input.addEventListener("change", change);
    input.addEventListener("focus", () => this.light(path, true));
    row.addEventListener("pointerenter", () => this.light(path, false));
    row.addEventListener("pointerleave", () => this.dim());
    row.addEventListener("click", (event) => event.target !== input && this.light(path, true));
    if (evidence && evidence.bbox) row.classList.add("dp-has-place");
    if (evidence && evidence.text) row.title = evidence.text;
    tell();
    return el("span", { class: "dp-field-box" }, input, back, why);
  }

  kind(path, value) {
    return kindAt(this.definition, path, value);
  }

  idOf(path) {
    this.prefix = this.prefix || `dp-f${Math.random().toString(36).slice(2, 8)}`;
    return `${this.prefix}-${path.replace(/[^A-Za-z0-9]+/g, "-")}`;
  }

  // ---------------------------------------------------------------------- its place

  // A page is turned for somebody who asks for it, not for a pointer that passes by.
  light(path, turn) {
    const evidence = this.found.evidence[path];
    if (!evidence || !evidence.bbox) {
      if (turn) this.store.set({ place: (this.kept = null) });
      return;
    }
    const place = { page: evidence.page, bbox: evidence.bbox, label: nameOf(path) };
    if (turn) this.store.set({ number: evidence.page, place: (this.kept = place) });
    else if (evidence.page === this.store.number) this.store.set({ place });
  }

  // What was asked for stays when the pointer is gone.
  dim() {
    const kept = this.kept && this.root.contains(document.activeElement) ? this.kept : null;
    this.store.set({ place: kept });
  }
}

// Fields as files, with what was changed. JSON is made here; CSV and XLSX by the service, as `docparse extract` makes
// them, so that no text of a document becomes a formula in a spreadsheet.

import { api } from "./api.js";
import { el } from "./dom.js";
import { E } from "./strings_edit.js";

// `answer`: {edited(): the fields with what was changed, valid(): whether they can go out, schema(): what was asked}
export function exportBar(store, answer) {
  const said = el("span", { class: "dp-muted", role: "status" });
  const buttons = Object.entries(E.formats).map(([to, name]) =>
    el("button", {
      type: "button",
      class: "dp-button",
      dataset: { to },
      text: name,
      onclick: (event) => out(to, event.currentTarget),
    }),
  );
  return el(
    "div",
    { class: "dp-fields-export", role: "group", "aria-label": E.exportAs },
    el("span", { text: E.exportAs }),
    buttons,
    said,
  );

  async function out(to, button) {
    said.textContent = "";
    if (!answer.valid()) {
      said.textContent = E.wrongValues;
      return;
    }
    button.disabled = true;
    try {
      const fields = answer.edited();
      const blob =
        to === "json"
          ? new Blob([`${JSON.stringify(fields, null, 1)}\n`], { type: "application/json" })
          : await api.fieldsExport({ to, fields, schema: answer.schema() });
      save(blob, `${stem(store)}.fields.${to}`);
    } catch (problem) {
      said.textContent = problem.message;
    } finally {
      button.disabled = false;
    }
  }
}

const stem = ({ info }) => (info ? info.file.name.replace(/\.[^.]*$/, "") : "document");

function save(blob, name) {
  const url = URL.createObjectURL(blob);
  const link = el("a", { href: url, download: name });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(url), 10000);
}

// The cells of a table as a grid of text areas. Tab goes to the next cell, Enter to the one below, Alt+Enter breaks the
// line. A cell is told of when it was left and changed.

import { el } from "./dom.js";
import { E } from "./strings_edit.js";

// `changed(cell, text)` is called for a cell of the block.
export function cellGrid(block, changed) {
  const rows = Array.from({ length: block.rows }, () => el("tr"));
  const areas = new Map(); // "row,col" -> its area
  for (const cell of [...block.cells].sort((a, b) => a.row - b.row || a.col - b.col)) {
    const area = el("textarea", {
      rows: Math.max(1, cell.text.split("\n").length),
      "aria-label": E.cell(cell.row + 1, cell.col + 1),
      dataset: { cell: `${cell.row},${cell.col}` },
    });
    area.value = cell.text;
    area.was = cell.text;
    area.addEventListener("change", () => changed(cell, area.value));
    area.addEventListener("keydown", (event) => go(event, cell, area));
    areas.set(`${cell.row},${cell.col}`, area);
    rows[cell.row].append(
      el(
        cell.header ? "th" : "td",
        {
          rowspan: cell.rowspan > 1 ? cell.rowspan : null,
          colspan: cell.colspan > 1 ? cell.colspan : null,
        },
        area,
      ),
    );
  }

  function go(event, cell, area) {
    if (event.key !== "Enter" || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    if (event.altKey || event.shiftKey) {
      area.setRangeText("\n", area.selectionStart, area.selectionEnd, "end");
      area.rows = area.value.split("\n").length;
      return;
    }
    const below = areas.get(`${cell.row + cell.rowspan},${cell.col}`);
    if (below) below.focus();
    else area.blur();
  }

  const grid = el(
    "div",
    { class: "dp-cells", tabindex: "0", role: "group", "aria-label": E.cells },
    el("table", {}, el("tbody", {}, rows)),
  );

  // Values of the same table, read or saved anew: a cell that somebody types in stays.
  grid.update = (fresh) => {
    if (fresh.cells.length !== areas.size || fresh.cells.some((cell) => !areas.has(`${cell.row},${cell.col}`)))
      return false;
    for (const cell of fresh.cells) {
      const area = areas.get(`${cell.row},${cell.col}`);
      if (document.activeElement === area && area.value !== area.was) continue;
      area.value = cell.text;
      area.was = cell.text;
    }
    return true;
  };
  grid.drafts = () =>
    [...areas]
      .filter(([, area]) => area.value !== area.was)
      .map(([at, area]) => {
        const [row, col] = at.split(",").map(Number);
        area.was = area.value;
        return { row, col, text: area.value };
      });
  return grid;
}

// The boxes of the page: one <rect> for each element, in pixels of the page. Hovering and selecting touch two of them
// and draw nothing anew. What lies under a point is computed, not asked of the browser: the smallest box wins there,
// whichever was drawn last.

import { svg } from "./dom.js";

// As `exporters/palette.py` has it: red at 0, amber at 0.5, green at 1; grey where nothing is known.
export function heat(value) {
  if (value === null || value === undefined) return "rgb(150 150 150)";
  const [red, amber, green] = [[200, 30, 30], [235, 170, 0], [20, 150, 60]];
  const [low, high, share] = value < 0.5 ? [red, amber, value * 2] : [amber, green, value * 2 - 1];
  return `rgb(${low.map((part, at) => Math.round(part + (high[at] - part) * share)).join(" ")})`;
}

// How sure docparse is of an element: the lower of what is known, as `exporters/overlay.py` has it.
export function certainty({ confidence, agreement }) {
  const known = [confidence, agreement].filter((value) => value !== null && value !== undefined);
  return known.length ? Math.min(...known) : null;
}

const area = ([x1, y1, x2, y2]) => Math.max(0, x2 - x1) * Math.max(0, y2 - y1);
const middle = ([x1, y1, x2, y2]) => [(x1 + x2) / 2, (y1 + y2) / 2];
const holds = ([x1, y1, x2, y2], x, y, slack) =>
  x >= x1 - slack && x <= x2 + slack && y >= y1 - slack && y <= y2 + slack;

export function rect([x1, y1, x2, y2], attributes) {
  return svg("rect", { x: x1, y: y1, width: Math.max(0, x2 - x1), height: Math.max(0, y2 - y1), ...attributes });
}

export class Boxes {
  constructor(overlay) {
    this.overlay = overlay;
    this.boxes = svg("g", { class: "dp-boxes" });
    this.cells = svg("g", { class: "dp-cell-boxes" });
    this.order = svg("g", { class: "dp-order" });
    this.list = []; // {id, kind, bbox, area, block, rect}, top level before their items
    this.known = new Map();
    this.hidden = new Set();
    this.hovered = null;
    this.selected = null;
  }

  draw(page, hidden) {
    this.hidden = hidden;
    this.list = [];
    this.known.clear();
    this.hovered = null;
    this.selected = null;
    this.cells.replaceChildren();
    for (const block of page ? page.blocks : []) {
      this.add(block, "dp-box");
      for (const item of block.items || []) this.add(item, "dp-box dp-item");
    }
    this.boxes.replaceChildren(...this.list.map((entry) => entry.rect));
    this.hide(hidden);
  }

  add(block, name) {
    if (!block.bbox) return;
    const drawn = rect(block.bbox, { class: name, "data-block": block.id });
    drawn.style.setProperty("--dp-kind", `var(--dp-kind-${block.type}, var(--dp-kind-paragraph))`);
    drawn.style.setProperty("--dp-heat", heat(certainty(block)));
    const entry = { id: block.id, kind: block.type, bbox: block.bbox, area: area(block.bbox), block, rect: drawn };
    this.list.push(entry);
    this.known.set(block.id, entry);
  }

  hide(hidden) {
    this.hidden = hidden;
    for (const { kind, rect: drawn } of this.list) drawn.classList.toggle("dp-none", hidden.has(kind));
    if (this.order.childElementCount) this.drawOrder(true);
  }

  // All under a point of the page, the smallest first. `slack`: how far beside a box still counts, for thin ones.
  under(x, y, slack = 0) {
    const found = this.list.filter((entry) => !this.hidden.has(entry.kind) && holds(entry.bbox, x, y, slack));
    return found.sort((a, b) => a.area - b.area);
  }

  box(id) {
    const entry = this.known.get(id);
    return entry ? entry.bbox : null;
  }

  hover(id) {
    if (id === this.hovered) return;
    this.mark(this.hovered, "dp-hovered", false);
    this.hovered = id;
    this.mark(id, "dp-hovered", true);
  }

  select(id) {
    this.mark(this.selected, "dp-selected", false);
    this.selected = id;
    this.mark(id, "dp-selected", true);
    const entry = this.known.get(id);
    const cells = entry && entry.block.cells ? entry.block.cells.filter((cell) => cell.bbox) : [];
    this.cells.replaceChildren(
      ...cells.map((cell) => {
        const drawn = rect(cell.bbox, { class: "dp-cell", "data-cell": `${cell.row},${cell.col}` });
        drawn.style.setProperty("--dp-heat", heat(cell.confidence));
        return drawn;
      }),
    );
  }

  mark(id, name, on) {
    const entry = this.known.get(id);
    if (entry) entry.rect.classList.toggle(name, on);
  }

  cell(x, y) {
    const entry = this.known.get(this.selected);
    const cells = (entry && entry.block.cells) || [];
    return cells.find((cell) => cell.bbox && holds(cell.bbox, x, y, 0)) || null;
  }

  // Numbers at the corners, arrows from centre to centre. They are as large on the screen at any zoom.
  drawOrder(on) {
    if (!on) {
      this.order.replaceChildren();
      return;
    }
    const top = this.list.filter((entry) => !entry.rect.classList.contains("dp-item"));
    const shown = top.filter((entry) => !this.hidden.has(entry.kind));
    const arrows = [];
    const numbers = [];
    shown.forEach(({ bbox }, at) => {
      if (at) {
        const [fromX, fromY] = middle(shown[at - 1].bbox);
        const [toX, toY] = middle(bbox);
        const turned = (Math.atan2(toY - fromY, toX - fromX) * 180) / Math.PI;
        arrows.push(
          svg("line", { x1: fromX, y1: fromY, x2: toX, y2: toY }),
          svg(
            "g",
            { transform: `translate(${toX} ${toY}) rotate(${turned})` },
            svg("path", { class: "dp-fixed", d: "M0 0L-9 -4.5V4.5Z" }),
          ),
        );
      }
      const wide = String(at + 1).length * 3.5 + 6;
      numbers.push(
        svg(
          "g",
          { transform: `translate(${bbox[0]} ${bbox[1]})` },
          svg(
            "g",
            { class: "dp-fixed" },
            svg("rect", { x: -wide, y: -9, width: 2 * wide, height: 18, rx: 9 }),
            svg("text", { y: 4, text: String(at + 1) }),
          ),
        ),
      );
    });
    this.order.replaceChildren(...arrows, ...numbers);
  }
}

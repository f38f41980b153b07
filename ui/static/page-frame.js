// A rectangle that can be dragged: by its eight handles, as a whole, and by keys. Boxes are pixels of the page.

import { clamp, svg } from "./dom.js";

const HANDLES = ["nw", "n", "ne", "e", "se", "s", "sw", "w"];

// `box` with one handle (or "move") dragged by so many pixels of the page, within a page of this size.
export function dragged(box, handle, dx, dy, { width, height }) {
  let [x1, y1, x2, y2] = box;
  if (handle === "move") {
    const [across, down] = [clamp(dx, -x1, width - x2), clamp(dy, -y1, height - y2)];
    return [x1 + across, y1 + down, x2 + across, y2 + down];
  }
  if (handle.includes("w")) x1 = clamp(x1 + dx, 0, width);
  if (handle.includes("e")) x2 = clamp(x2 + dx, 0, width);
  if (handle.includes("n")) y1 = clamp(y1 + dy, 0, height);
  if (handle.includes("s")) y2 = clamp(y2 + dy, 0, height);
  return [Math.min(x1, x2), Math.min(y1, y2), Math.max(x1, x2), Math.max(y1, y2)];
}

export const whole = (box) => box.map(Math.round);
export const inside = (box, x, y) => Boolean(box) && x >= box[0] && x <= box[2] && y >= box[1] && y <= box[3];

// `box` after an arrow key: moved, or with Shift its right and lower edges; null for other keys.
export function nudged(box, event, step, page) {
  const by = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step] }[event.key];
  if (!by) return null;
  if (!event.shiftKey) return dragged(box, "move", ...by, page);
  const [x1, y1, x2, y2] = box;
  return [x1, y1, clamp(x2 + by[0], x1 + 1, page.width), clamp(y2 + by[1], y1 + 1, page.height)];
}

export class Frame {
  // `dims`: what is outside is dimmed.
  constructor(name, dims) {
    this.box = null;
    this.dim = dims ? svg("path", { class: "dp-dim", "fill-rule": "evenodd" }) : null;
    this.edge = svg("rect", { class: "dp-frame-edge" });
    this.handles = HANDLES.map((handle) => {
      const grip = svg("g", { "data-handle": handle }, svg("g", { class: "dp-fixed" },
        svg("rect", { class: "dp-grip-reach", x: -11, y: -11, width: 22, height: 22 }),
        svg("rect", { class: "dp-grip", x: -4.5, y: -4.5, width: 9, height: 9, rx: 2 })));
      return grip;
    });
    this.group = svg("g", { class: `dp-frame ${name}` }, this.dim, this.edge, ...this.handles);
    this.show(null, null);
  }

  show(box, page) {
    this.box = box;
    this.group.classList.toggle("dp-none", !box);
    if (!box) return;
    const [x1, y1, x2, y2] = box;
    for (const [name, value] of [["x", x1], ["y", y1], ["width", x2 - x1], ["height", y2 - y1]]) {
      this.edge.setAttribute(name, value);
    }
    if (this.dim) {
      this.dim.setAttribute("d", `M0 0H${page.width}V${page.height}H0ZM${x1} ${y1}H${x2}V${y2}H${x1}Z`);
    }
    HANDLES.forEach((handle, at) => {
      const x = handle.includes("w") ? x1 : handle.includes("e") ? x2 : (x1 + x2) / 2;
      const y = handle.includes("n") ? y1 : handle.includes("s") ? y2 : (y1 + y2) / 2;
      this.handles[at].setAttribute("transform", `translate(${x} ${y})`);
    });
  }
}

// A small label beside a box of the page. It lies over the view and not in it, so that it never makes it scroll.

import { el } from "./dom.js";

export class Chip {
  constructor(stage, zoom, name) {
    this.stage = stage;
    this.zoom = zoom;
    this.box = null;
    this.element = el("div", { class: `dp-chip ${name}`, "aria-hidden": "true" });
    this.element.hidden = true;
    stage.append(this.element);
  }

  show(box, text, kind) {
    if (!box) {
      this.hide();
      return;
    }
    const { element } = this;
    if (element.textContent !== text) element.textContent = text;
    if (kind) element.style.setProperty("--dp-kind", `var(--dp-kind-${kind}, var(--dp-muted))`);
    this.box = box;
    this.place();
  }

  hide() {
    this.box = null;
    this.element.hidden = true;
  }

  // Above the box, or within it at the upper edge of the view; never beyond the right edge.
  place() {
    if (!this.box) return;
    const { element, zoom } = this;
    const at = zoom.placed(this.box);
    const [wide, high] = [zoom.view.clientWidth, zoom.view.clientHeight];
    const away = at.bottom < 0 || at.top > high || at.right < 0 || at.left > wide;
    element.hidden = away;
    if (away) return;
    const above = at.top > 30;
    const top = above ? at.top - 4 : Math.max(4, at.top + 4);
    const right = at.left > wide * 0.55;
    const left = right ? Math.min(at.right, wide - 4) : Math.max(at.left, 4);
    element.style.maxWidth = `${right ? left - 8 : wide - left - 8}px`;
    const corner = `translate(${Math.round(left)}px, ${Math.round(top)}px)`;
    element.style.transform = `${corner} translate(${right ? -100 : 0}%, ${above ? -100 : 0}%)`;
  }
}

// How large the page is shown, and which part of it. The page lies on a sheet whose size is the zoom; the view around
// it scrolls as browsers scroll, so that wheels, touch, scroll bars and keys feel as they do everywhere.

import { clamp } from "./dom.js";

const STEP = 1.25;
const GLIDE = 150; // ms of a step by button
const WIDEST = 12000; // CSS pixels of the sheet
const NARROWEST = 120;
const HELD = 300; // ms within which a gesture goes on about the same point of the page

export const calm = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

export class Zoom {
  // `changed(scale)` is called after each change; `scale` is in CSS pixels per pixel of the page.
  constructor(view, field, sheet, changed) {
    Object.assign(this, { view, field, sheet, changed });
    this.page = { width: 1, height: 1 };
    this.scale = 1;
    this.fitted = true;
    this.anchor = null;
    this.frame = 0;
    this.target = 0; // of a glide
    this.pending = 1; // factor that the next frame applies
    let width = 0;
    let top = view.getBoundingClientRect().top;
    new ResizeObserver(() => {
      // Something above became taller, such as the tools for correcting: what is looked at stays where it is.
      const moved = view.getBoundingClientRect().top - top;
      top += moved;
      if (moved && this.page.width > 1) view.scrollTop += moved;
      if (view.clientWidth === width) return;
      width = view.clientWidth;
      if (this.fitted && width) this.keepTop(() => this.apply(this.fitting()));
    }).observe(view);
  }

  // Another page: as wide as the last one was shown, from its top.
  turn(width, height) {
    if (width === this.page.width && height === this.page.height) return;
    const shown = this.page.width * this.scale;
    this.page = { width, height };
    this.stop();
    this.apply(this.fitted ? this.fitting() : shown / width);
  }

  // CSS pixels that a page has when it fits.
  room() {
    const style = getComputedStyle(this.field);
    return Math.max(this.view.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight), NARROWEST);
  }

  fitting() {
    return this.room() / this.page.width;
  }

  // How wide a page is shown, this one or the next.
  shownWidth() {
    return this.fitted ? this.room() : this.page.width * this.scale;
  }

  apply(scale) {
    this.scale = scale;
    this.sheet.style.width = `${this.page.width * scale}px`;
    this.sheet.style.height = `${this.page.height * scale}px`;
    this.changed(scale);
  }

  // The point of the page under a point of the window.
  point(x, y) {
    const { left, top } = this.sheet.getBoundingClientRect();
    return { x: (x - left) / this.scale, y: (y - top) / this.scale };
  }

  // Zoom so that what is under the point (x, y) of the window stays there.
  about(scale, x, y) {
    this.fitted = false;
    const wanted = clamp(scale, NARROWEST / this.page.width, WIDEST / this.page.width);
    const now = performance.now();
    const { anchor } = this;
    const again = anchor && anchor.x === x && anchor.y === y && now - anchor.at < HELD;
    const point = again ? anchor.point : this.point(x, y);
    this.anchor = { x, y, point, at: now };
    this.apply(wanted);
    const { left, top } = this.sheet.getBoundingClientRect();
    this.view.scrollLeft += left + point.x * wanted - x;
    this.view.scrollTop += top + point.y * wanted - y;
  }

  // By a factor about a point, without gliding: for wheels and fingers. Several within one frame are one change.
  by(factor, x, y) {
    this.stop();
    this.pending = this.pending * factor;
    this.frame = requestAnimationFrame(() => {
      this.frame = 0;
      const all = this.pending;
      this.pending = 1;
      this.about(this.scale * all, x, y);
    });
  }

  glide(target, x, y, done = () => {}) {
    this.stop();
    this.pending = 1;
    this.target = target;
    if (calm()) {
      this.about(target, x, y);
      this.target = 0;
      done();
      return;
    }
    const from = this.scale;
    const begun = performance.now();
    const step = (now) => {
      const share = clamp((now - begun) / GLIDE, 0, 1);
      const eased = 1 - (1 - share) ** 3;
      this.about(share === 1 ? target : from * (target / from) ** eased, x, y);
      if (share < 1) {
        this.frame = requestAnimationFrame(step);
      } else {
        this.frame = 0;
        this.target = 0;
        done();
      }
    };
    this.frame = requestAnimationFrame(step);
  }

  stop() {
    cancelAnimationFrame(this.frame);
    this.frame = 0;
    this.target = 0;
  }

  middle() {
    const { left, top } = this.view.getBoundingClientRect();
    return [left + this.view.clientWidth / 2, top + this.view.clientHeight / 2];
  }

  // A step from where it is going, so that two quick presses are two steps.
  zoomIn() {
    this.glide((this.target || this.scale) * STEP, ...this.middle());
  }

  zoomOut() {
    this.glide((this.target || this.scale) / STEP, ...this.middle());
  }

  fitWidth() {
    this.glide(this.fitting(), ...this.middle(), () => {
      this.fitted = true;
      this.keepTop(() => this.apply(this.fitting()));
    });
  }

  // Change the size, and leave at the top what is there.
  keepTop(change) {
    const share = this.view.scrollTop / Math.max(1, this.page.height * this.scale);
    change();
    this.view.scrollTop = share * this.page.height * this.scale;
  }

  toTop() {
    this.view.scrollTo({ left: 0, top: 0, behavior: "instant" });
  }

  // Where a box of the page lies in the view: {left, top, right, bottom}, CSS pixels from the view's corner.
  placed([x1, y1, x2, y2]) {
    const sheet = this.sheet.getBoundingClientRect();
    const view = this.view.getBoundingClientRect();
    const [left, top] = [sheet.left - view.left, sheet.top - view.top];
    const { scale } = this;
    return { left: left + x1 * scale, top: top + y1 * scale, right: left + x2 * scale, bottom: top + y2 * scale };
  }

  // Scroll so that a box is in sight; nothing moves if it is.
  reveal(box, margin = 32) {
    const { view } = this;
    const at = this.placed(box);
    const shift = (low, high, room) => {
      const edge = Math.min(margin, room / 8);
      if (low >= edge && high <= room - edge) return 0;
      return high - low > room - 2 * edge ? low - edge : (low + high - room) / 2;
    };
    // A box that is larger than the view and fills it is in sight as well as it can be.
    const fills = at.top <= 0 && at.bottom >= view.clientHeight;
    const down = fills ? 0 : shift(at.top, at.bottom, view.clientHeight);
    const across = at.left >= 0 && at.right <= view.clientWidth ? 0 : shift(at.left, at.right, view.clientWidth);
    if (!down && !across) return;
    const far = Math.abs(down) > 3 * view.clientHeight;
    view.scrollBy({ left: across, top: down, behavior: far || calm() ? "instant" : "smooth" });
  }
}

// Zooming by wheel (with Ctrl, and as trackpads say a pinch) and by two fingers.
export function zoomByHand(view, zoom) {
  const pixels = (event) => event.deltaY * (event.deltaMode === 1 ? 16 : event.deltaMode === 2 ? 100 : 1);
  view.addEventListener(
    "wheel",
    (event) => {
      if (!event.ctrlKey && !event.metaKey) return;
      event.preventDefault();
      zoom.by(Math.exp(-clamp(pixels(event), -25, 25) / 100), event.clientX, event.clientY);
    },
    { passive: false },
  );
  let pinch = null;
  const spread = ([a, b]) => ({
    size: Math.hypot(a.clientX - b.clientX, a.clientY - b.clientY),
    x: (a.clientX + b.clientX) / 2,
    y: (a.clientY + b.clientY) / 2,
  });
  view.addEventListener("touchstart", (event) => {
    pinch = event.touches.length === 2 ? spread(event.touches) : null;
  }, { passive: true });
  view.addEventListener(
    "touchmove",
    (event) => {
      if (!pinch || event.touches.length !== 2) return;
      if (event.cancelable) event.preventDefault();
      const now = spread(event.touches);
      view.scrollLeft -= now.x - pinch.x;
      view.scrollTop -= now.y - pinch.y;
      if (pinch.size > 0) zoom.by(now.size / pinch.size, now.x, now.y);
      pinch = now;
    },
    { passive: false },
  );
  const over = (event) => {
    if (event.touches.length < 2) pinch = null;
  };
  view.addEventListener("touchend", over);
  view.addEventListener("touchcancel", over);
}

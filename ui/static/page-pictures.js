// The picture of the page: two <img> for the whole life of the viewer. The next picture is loaded and decoded by the
// one behind and then brought to the front, so that nothing flickers. The pages beside are fetched before they are
// asked for.

import { api } from "./api.js";
import { el } from "./dom.js";

const WIDTHS = [800, 1200, 1600]; // sizes that the service draws; beyond them the page's own
const QUICK = 1200; // up to here one picture is fast enough; a larger one comes after the smallest
const WARM = 6; // pictures of other pages that are held
const OWN = 0;

export class Pictures {
  constructor(sheet) {
    this.front = el("img", { class: "dp-picture", alt: "", draggable: "false" });
    this.back = el("img", { class: "dp-picture", alt: "", draggable: "false" });
    sheet.prepend(this.back, this.front);
    this.url = "";
    this.rung = OWN;
    this.warmed = new Map();
  }

  // The smallest width that is sharp at `pixels` of the screen (a twentieth more is not seen).
  static rung(pageWidth, pixels) {
    const wide = WIDTHS.find((width) => width >= pixels * 0.95);
    return wide !== undefined && wide < pageWidth ? wide : OWN;
  }

  // The first to be shown: a sharp one, or where that is large a quick one.
  static first(pageWidth, pixels) {
    const sharp = Pictures.rung(pageWidth, pixels);
    const large = sharp === OWN ? Math.min(pageWidth, pixels) > QUICK : sharp > QUICK;
    return large && pageWidth > WIDTHS[0] ? WIDTHS[0] : sharp;
  }

  // Its address. `attempt`: a page that was read again may have another picture.
  static address(job, number, rung, attempt) {
    const url = api.imageURL(job, number, { width: rung || undefined });
    return attempt > 1 ? `${url}&attempt=${attempt}` : url;
  }

  // Load and decode behind; true when it can be brought to the front by `swap`, false if another came in between.
  async load(url) {
    const { back } = this;
    this.coming = url;
    if (back.getAttribute("src") !== url) back.src = url;
    try {
      await back.decode();
    } catch (error) {
      if (this.coming !== url) return false;
      back.removeAttribute("src");
      throw error;
    }
    return this.coming === url;
  }

  swap(url, rung, alt) {
    const { front, back } = this;
    back.classList.add("dp-front");
    back.alt = alt;
    front.classList.remove("dp-front");
    front.alt = "";
    this.front = back;
    this.back = front;
    this.url = url;
    this.rung = rung;
    this.coming = "";
  }

  // No picture: paper.
  clear() {
    this.front.classList.remove("dp-front");
    this.front.alt = "";
    this.url = "";
  }

  // Whether a picture of this rung would be sharper than the one that is shown.
  sharper(rung) {
    return this.rung !== OWN && (rung === OWN || rung > this.rung);
  }

  warm(url) {
    if (url === this.url) return;
    const held = this.warmed.get(url);
    this.warmed.delete(url);
    const picture = held || new Image();
    this.warmed.set(url, picture);
    if (!held) {
      picture.decoding = "async";
      picture.src = url;
      picture.decode().catch(() => this.warmed.delete(url));
    }
    if (this.warmed.size > WARM) this.warmed.delete(this.warmed.keys().next().value);
  }

  forget() {
    this.warmed.clear();
  }
}

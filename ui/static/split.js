// The line between the two sides: dragged, or moved with the arrow keys. Its place is remembered.

import { clamp } from "./dom.js";
import { S } from "./strings.js";

const KEY = "docparse.split";

export function mountSplit(line, main) {
  line.tabIndex = 0;
  line.setAttribute("role", "separator");
  line.setAttribute("aria-orientation", "vertical");
  line.setAttribute("aria-label", S.split);
  line.setAttribute("aria-valuemin", "20");
  line.setAttribute("aria-valuemax", "75");

  let share = parseFloat(localStorage.getItem(KEY)) || 46; // of the width, in percent, for the right side
  const put = (wanted) => {
    share = clamp(wanted, 20, 75);
    main.style.setProperty("--dp-side", `${share}%`);
    line.setAttribute("aria-valuenow", String(Math.round(share)));
    localStorage.setItem(KEY, String(share));
  };
  put(share);

  line.addEventListener("pointerdown", (event) => {
    event.preventDefault();
    line.setPointerCapture(event.pointerId);
    const move = ({ clientX }) => {
      const box = main.getBoundingClientRect();
      put((100 * (box.right - clientX)) / box.width);
    };
    line.addEventListener("pointermove", move);
    line.addEventListener("lostpointercapture", () => line.removeEventListener("pointermove", move), { once: true });
  });
  line.addEventListener("keydown", (event) => {
    const steps = { ArrowLeft: 3, ArrowRight: -3 }[event.key];
    if (!steps) return;
    event.preventDefault();
    put(share + steps);
  });
}

// The keyboard. Keys are the viewer's only where nobody types and nothing else has them.

import { turn } from "./bar.js";
import { isProblem } from "./thumbs.js";

const TYPES = "input, textarea, select, [contenteditable], [role=textbox]";

export function mountKeys(viewer, store, view) {
  const does = {
    ArrowLeft: () => turn(store, -1),
    ArrowRight: () => turn(store, 1),
    PageUp: () => turn(store, -1),
    PageDown: () => turn(store, 1),
    "+": () => view.zoomIn(),
    "=": () => view.zoomIn(),
    "-": () => view.zoomOut(),
    f: () => view.fitWidth(),
    n: () => problem(store),
    j: () => step(store, 1),
    k: () => step(store, -1),
    e: () => store.set({ tool: store.tool === "edit" ? "select" : "edit" }),
    r: () => store.set({ tool: store.tool === "region" ? "select" : "region" }),
    Escape: () => store.set({ tool: "select", region: null, selected: store.tool === "select" ? null : store.selected }),
  };
  document.addEventListener("keydown", (event) => {
    if (!store.job || event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    const { target } = event;
    if (target.closest && target.closest(TYPES)) return;
    // Tabs, menus and dialogs have arrows of their own.
    if (event.key.startsWith("Arrow") && target.closest && target.closest("[role=tablist], [role=menu], [role=tree]")) return;
    const act = does[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  });
}

// The next page that is not fine, from the first again after the last.
function problem(store) {
  const { numbers, records } = store;
  const from = numbers.indexOf(store.number);
  for (let step = 1; step <= numbers.length; step += 1) {
    const number = numbers[(from + step) % numbers.length];
    if (records.has(number) && isProblem(records.get(number))) {
      store.set({ number });
      return;
    }
  }
}

function step(store, steps) {
  if (!store.page) return;
  const ids = store.page.blocks.filter((block) => !store.hidden.has(block.type)).map((block) => block.id);
  const at = ids.indexOf(store.selected);
  const id = at < 0 ? ids[steps > 0 ? 0 : ids.length - 1] : ids[at + steps];
  if (id) store.set({ selected: id, from: "keys" });
}

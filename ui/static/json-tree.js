// The page's JSON as a tree that folds. Children are made when their parent is opened; long arrays open in parts.
// The keyboard is that of a tree: arrows go and fold, Home and End, Enter selects the block.

import { el } from "./dom.js";
import { follower, lights } from "./panel.js";
import { SIDE } from "./strings_side.js";

const PART = 100; // entries of an array that open at once
const SHORT = 5; // an array of so few plain values stands on one line

const isPlain = (value) => value === null || typeof value !== "object";
const isInline = (value) =>
  isPlain(value) || (Array.isArray(value) ? value.length <= SHORT && value.every(isPlain) : !Object.keys(value).length);

export function mountTree(root, store) {
  const tree = el("div", { class: "dp-tree", role: "tree", "aria-label": SIDE.tree, translate: "no" });
  const scroller = el("div", { class: "dp-scroll" }, tree);
  root.append(scroller);
  let nodes = new Map(); // id of a block -> its item in the tree, once it was made
  let paths = new Map(); // id of a block -> keys from the top
  let focused = null;

  const visible = () => !root.hidden && followed.shown() !== null;
  const light = lights(store, { scroller, elements: reached, visible });

  function clear() {
    tree.replaceChildren();
    nodes = new Map();
    paths = new Map();
    focused = null;
  }

  const followed = follower(root, store, {
    fetch: async (page) => page,
    clear,
    draw(page) {
      clear();
      page.blocks.forEach((block, index) => {
        paths.set(block.id, ["blocks", index]);
        (block.items || []).forEach((item, place) => paths.set(item.id, ["blocks", index, "items", place]));
      });
      const top = node("", page, 1, null);
      tree.append(top);
      unfold(top);
      const blocks = [...top.group.children].find((item) => item.key === "blocks");
      if (blocks) unfold(blocks);
      focus(top, false);
      scroller.scrollTop = 0;
    },
  });

  // ---------------------------------------------------------------------- items

  // `made`: puts children into a group; null where the value stands on the line itself.
  function node(key, value, level, block) {
    const own = value && typeof value === "object" && paths.has(value.id) && value.type ? value.id : null;
    const item = el("div", { class: "dp-node", role: "treeitem", "aria-level": level, tabindex: "-1" });
    const line = el("div", { class: "dp-node-line" });
    item.key = key;
    item.append(line);
    item.block = own || block;
    if (own) nodes.set(own, item);
    if (key !== "") line.append(el("span", { class: "dp-t-name", text: String(key) }), ": ");
    if (isInline(value)) {
      line.append(inline(value));
      item.classList.add("dp-leaf");
      return item;
    }
    line.append(summary(value));
    item.setAttribute("aria-expanded", "false");
    item.fill = () => children(value, level + 1, item.block);
    return item;
  }

  function* children(value, level, block) {
    if (!Array.isArray(value)) {
      for (const [key, child] of Object.entries(value)) yield node(key, child, level, block);
    } else if (value.length <= PART) {
      for (const [index, child] of value.entries()) yield node(index, child, level, block);
    } else {
      for (let from = 0; from < value.length; from += PART) yield part(value, from, level, block);
    }
  }

  function part(value, from, level, block) {
    const to = Math.min(from + PART, value.length);
    const item = el("div", { class: "dp-node", role: "treeitem", "aria-level": level, tabindex: "-1" });
    item.setAttribute("aria-expanded", "false");
    item.append(el("div", { class: "dp-node-line dp-muted", text: SIDE.range(from, to - 1) }));
    item.block = block;
    item.from = from;
    item.fill = function* () {
      for (let index = from; index < to; index += 1) yield node(index, value[index], level + 1, block);
    };
    return item;
  }

  function fold(item) {
    item.setAttribute("aria-expanded", "false");
    if (item.group) item.group.hidden = true;
  }

  function unfold(item) {
    if (!item.fill) return;
    item.setAttribute("aria-expanded", "true");
    if (!item.group) {
      item.group = el("div", { class: "dp-group", role: "group" }, [...item.fill()]);
      item.append(item.group);
    }
    item.group.hidden = false;
  }

  const isOpen = (item) => item.getAttribute("aria-expanded") === "true";

  // What shows a block here. The way to a selected block is opened; for one that is only hovered, nothing opens.
  function reached(id) {
    if (id === store.selected && paths.has(id)) {
      let item = tree.firstElementChild;
      for (const key of paths.get(id)) {
        unfold(item);
        let next = childOf(item, key);
        if (next && next.from !== undefined) {
          unfold(next);
          next = childOf(next, key);
        }
        if (!next) return [];
        item = next;
      }
      unfold(item);
      if (!tree.contains(document.activeElement)) focus(item, false);
    }
    return nodes.has(id) ? [nodes.get(id)] : [];
  }

  function childOf(item, key) {
    const inside = item.group ? [...item.group.children] : [];
    return inside.find((one) => (one.from === undefined ? one.key === key : key >= one.from && key < one.from + PART));
  }

  // ---------------------------------------------------------------------- pointer and keyboard

  function focus(item, really = true) {
    if (focused) focused.tabIndex = -1;
    focused = item;
    item.tabIndex = 0;
    if (really) item.focus();
  }

  const itemAt = (event) => event.target.closest(".dp-node");
  tree.addEventListener("pointerover", (event) => {
    const item = itemAt(event);
    store.set({ hovered: (item && item.block) || null });
  });
  tree.addEventListener("click", (event) => {
    const item = itemAt(event);
    if (!item || !getSelection().isCollapsed) return;
    focus(item);
    if (item.fill) (isOpen(item) ? fold : unfold)(item);
    if (item.block) store.set({ selected: item.block, from: "side" });
  });
  tree.addEventListener("keydown", (event) => {
    if (!focused || event.ctrlKey || event.metaKey || event.altKey) return;
    const shown = () => [...tree.querySelectorAll(".dp-node")].filter((item) => !item.closest(".dp-group[hidden]"));
    const beside = (step) => {
      const all = shown();
      return all[all.indexOf(focused) + step];
    };
    const does = {
      ArrowDown: () => beside(1),
      ArrowUp: () => beside(-1),
      Home: () => shown()[0],
      End: () => shown().at(-1),
      ArrowRight: () => (!focused.fill ? null : isOpen(focused) ? focused.group.firstElementChild : unfold(focused)),
      ArrowLeft: () => (focused.fill && isOpen(focused) ? fold(focused) : focused.parentElement.closest(".dp-node")),
      Enter: () => focused.block && store.set({ selected: focused.block, from: "side" }),
      " ": () => focused.fill && (isOpen(focused) ? fold : unfold)(focused),
    }[event.key];
    if (!does) return;
    event.preventDefault();
    const to = does();
    if (to instanceof Element) focus(to);
  });

  return {
    async update() {
      await followed.update();
      if (visible()) light();
    },
    copied: () => (followed.shown() ? { text: `${JSON.stringify(store.page, null, 2)}\n` } : null),
  };
}

// ---------------------------------------------------------------------------- lines

function inline(value) {
  if (Array.isArray(value)) {
    return el("span", {}, "[", ...value.flatMap((one, index) => (index ? [", ", inline(one)] : [inline(one)])), "]");
  }
  if (value && typeof value === "object") return el("span", { text: "{}" });
  const kind = typeof value === "string" ? "value" : "place";
  return el("span", { class: `dp-t-${kind}`, text: JSON.stringify(value) });
}

function summary(value) {
  const count = Array.isArray(value) ? value.length : Object.keys(value).length;
  const box = el("span", { class: "dp-muted" }, Array.isArray(value) ? "[ " : "{ ");
  if (value.id && value.type) {
    const text = (value.text || "").replace(/\s+/g, " ");
    const short = text.length > 60 ? `${text.slice(0, 60)}…` : text;
    const said = el("span", { class: "dp-t-value", text: short });
    box.append(el("span", { class: "dp-t-tag", text: value.id }), ` ${value.type} `, said);
  } else box.append(SIDE.entries(count));
  box.append(Array.isArray(value) ? " ]" : " }");
  return box;
}

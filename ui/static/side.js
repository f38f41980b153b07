// The side panel: tabs over what was read, and below them what is known of the selected element.
// A panel is made when its tab is first opened, and draws only while it is shown.

import { ICONS, copyText, el, iconButton } from "./dom.js";
import { mountTree } from "./json-tree.js";
import { copyRich, mountRendered } from "./rendered.js";
import { mountSource } from "./source.js";
import { SIDE } from "./strings_side.js";
import { S } from "./strings.js";

const OWN = {
  rendered: mountRendered,
  markdown: (root, store) => mountSource(root, store, "markdown"),
  html: (root, store) => mountSource(root, store, "html"),
  json: mountTree,
};
// Their modules come when somebody opens them. They draw by themselves.
const OTHERS = {
  fields: async (root, store) => (await import("./fields.js")).mountFields(root, store),
  reread: async (root, store) => (await import("./reread.js")).mountReread(root, store),
};
const NAMES = Object.keys(S.tabs);

export function mountSide(root, store) {
  const tabs = new Map();
  const roots = new Map();
  const panels = new Map();
  const list = el("div", { class: "dp-tabs", role: "tablist", "aria-label": S.panel });
  const copy = iconButton("", ICONS.copy, () => copyPage());
  copy.classList.add("dp-side-copy");
  const told = el("span", { class: "dp-told", role: "status" });
  root.append(el("div", { class: "dp-side-head" }, list, told, copy));

  for (const name of NAMES) {
    const tab = el("button", {
      type: "button",
      class: "dp-tab",
      role: "tab",
      id: `dp-tab-${name}`,
      "aria-controls": `dp-panel-${name}`,
      text: S.tabs[name],
      onclick: () => store.set({ tab: name }),
    });
    const panel = el("div", {
      class: "dp-panel",
      role: "tabpanel",
      id: `dp-panel-${name}`,
      "aria-labelledby": tab.id,
      hidden: true,
    });
    tabs.set(name, tab);
    roots.set(name, panel);
    list.append(tab);
    root.append(panel);
  }
  root.append(mountSelected(store));

  list.addEventListener("keydown", (event) => {
    const at = NAMES.indexOf(store.tab);
    const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: NAMES.length - 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    const name = NAMES[(to + NAMES.length) % NAMES.length];
    store.set({ tab: name });
    tabs.get(name).focus();
  });

  function show() {
    const name = tabs.has(store.tab) ? store.tab : NAMES[0];
    for (const [other, tab] of tabs) {
      tab.setAttribute("aria-selected", String(other === name));
      tab.tabIndex = other === name ? 0 : -1;
      roots.get(other).hidden = other !== name;
    }
    tabs.get(name).scrollIntoView({ block: "nearest", inline: "nearest" });
    copy.hidden = !(name in OWN);
    copy.setAttribute("aria-label", SIDE.copy[name] || "");
    copy.title = SIDE.copy[name] || "";
    if (!panels.has(name)) panels.set(name, made(name));
    draw();
  }

  function made(name) {
    const panel = roots.get(name);
    if (name in OWN) return OWN[name](panel, store);
    OTHERS[name](panel, store).catch((problem) => {
      // Asked for again with the next click: the network may have been away.
      panels.delete(name);
      panel.replaceChildren(el("p", { class: "dp-side-state", text: SIDE.notThere }));
      if (navigator.onLine) console.error(problem);
    });
    return {};
  }

  function draw() {
    const panel = panels.get(store.tab);
    if (panel && panel.update) panel.update();
  }

  async function copyPage() {
    const panel = panels.get(store.tab);
    const content = panel && panel.copied && panel.copied();
    if (content) tell(await copyRich(content));
  }

  let silence = 0;
  function tell(done) {
    told.textContent = done ? SIDE.copied : SIDE.notCopied;
    clearTimeout(silence);
    silence = setTimeout(() => (told.textContent = ""), 2500);
  }

  store.on(["tab"], show);
  store.on(["page", "number", "records", "job"], draw);
  show();
}

// What is known of the selected element, in one line, and its text to be copied.
function mountSelected(store) {
  const swatch = el("span", { class: "dp-swatch" });
  const kind = el("strong", {});
  const facts = el("span", { class: "dp-facts" });
  const copy = el("button", { type: "button", class: "dp-button", text: SIDE.copyElement });
  const box = el("div", { class: "dp-selected-bar", role: "group", "aria-label": SIDE.selected, hidden: true });
  box.append(swatch, kind, facts, copy);

  copy.addEventListener("click", async () => {
    const block = store.block(store.selected);
    if (!block) return;
    const done = await copyText(block.text || "");
    copy.textContent = done ? SIDE.copied : SIDE.notCopied;
    setTimeout(() => (copy.textContent = SIDE.copyElement), 1500);
  });

  function show() {
    const block = store.block(store.selected);
    box.hidden = !block;
    if (!block) return;
    swatch.style.setProperty("--dp-kind", `var(--dp-kind-${block.type})`);
    kind.textContent = S.kindNames[block.type] || block.type;
    const said = [block.confidence == null ? SIDE.noConfidence : S.confidence(block.confidence)];
    if (block.agreement != null) said.push(S.agreement(block.agreement));
    if (block.origin) said.push(block.origin === "user" ? SIDE.byUser : SIDE.engine(block.origin));
    facts.textContent = said.join(" · ");
    facts.title = facts.textContent;
  }
  store.on(["selected", "page"], show);
  return box;
}

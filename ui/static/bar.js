// The bar above: which document, how far it is, which page, how large, what is drawn.

import { api } from "./api.js";
import { mountDownload } from "./download.js";
import { ICONS, copyText, el, iconButton, menu } from "./dom.js";
import { S } from "./strings.js";

export function mountBar(root, store, view, viewer) {
  const name = el("span", { class: "dp-name" });
  const state = el("span", { class: "dp-state", role: "status" });
  const meter = el("progress", { class: "dp-progress", max: 1, value: 0, "aria-label": S.thumbnails, hidden: true });
  const cancel = el("button", { type: "button", class: "dp-button dp-cancel", text: S.cancel, hidden: true });
  const number = el("input", { class: "dp-number", type: "text", inputmode: "numeric", "aria-label": S.page });
  const total = el("span", { class: "dp-total" });

  cancel.addEventListener("click", async () => {
    try {
      store.set({ info: await api.cancel(store.job) });
      store.tell(S.cancelled);
    } catch (problem) {
      store.tell(problem);
    }
  });
  const go = () => {
    const wanted = parseInt(number.value, 10);
    if (store.numbers.includes(wanted)) store.set({ number: wanted });
    number.value = String(store.number);
  };
  number.addEventListener("change", go);
  number.addEventListener("keydown", (event) => event.key === "Enter" && go());
  number.addEventListener("focus", () => number.select());

  const previous = iconButton(S.previousPage, ICONS.left, () => turn(store, -1));
  const next = iconButton(S.nextPage, ICONS.right, () => turn(store, 1));
  const copy = iconButton(S.copyLink, ICONS.link, async () => {
    store.tell((await copyText(location.href)) ? S.copied : S.notCopied);
  });
  const fresh = el("button", { type: "button", class: "dp-button dp-new", onclick: () => viewer.leave() },
    el("span", { "aria-hidden": "true", text: "+ " }), S.newDocument);

  const tools = {
    region: iconButton(S.regionTool, ICONS.region, () => choose("region"), { "aria-pressed": "false" }),
    edit: iconButton(S.editTool, ICONS.edit, () => choose("edit"), { "aria-pressed": "false" }),
  };
  const choose = (tool) => store.set({ tool: store.tool === tool ? "select" : tool });
  store.on(["tool"], () => {
    for (const [tool, button] of Object.entries(tools)) button.setAttribute("aria-pressed", String(store.tool === tool));
  });

  const sides = el("span", { class: "dp-sides", role: "group", "aria-label": S.sides });
  for (const [side, label] of [["page", S.sidePage], ["side", S.sideText]]) {
    sides.append(
      el("button", {
        type: "button",
        class: "dp-button",
        "aria-pressed": String(side === "page"),
        text: label,
        onclick: (event) => {
          viewer.dataset.side = side;
          for (const button of sides.children) button.setAttribute("aria-pressed", String(button === event.currentTarget));
        },
      }),
    );
  }
  viewer.dataset.side = "page";

  root.append(
    el("div", { class: "dp-bar-part dp-bar-name" }, fresh, name, state, meter, cancel),
    el("div", { class: "dp-bar-part", role: "group", "aria-label": S.page }, previous, number, total, next),
    el(
      "div",
      { class: "dp-bar-part", role: "group", "aria-label": S.pageView },
      iconButton(S.zoomOut, ICONS.minus, () => view.zoomOut()),
      iconButton(S.fitWidth, ICONS.fit, () => view.fitWidth()),
      iconButton(S.zoomIn, ICONS.plus, () => view.zoomIn()),
    ),
    el("div", { class: "dp-bar-part" }, layers(store), tools.region, tools.edit),
    el("div", { class: "dp-bar-part dp-bar-end" }, sides, copy, mountDownload(store), help()),
  );

  function told() {
    const { info, online } = store;
    name.textContent = info ? info.file.name : "";
    name.title = name.textContent;
    if (!info) {
      state.textContent = "";
      return;
    }
    const { read, total: all } = info.pages;
    const runs = info.state === "queued" || info.state === "running";
    const sentence = {
      queued: () => S.states.queued(info.position),
      running: () => S.states.running(read, all),
      failed: () => (info.error ? info.error.message : S.states.failed),
      cancelled: () => S.states.cancelled,
      done: () => S.states.done,
    }[info.state]();
    state.textContent = online ? sentence : S.offline;
    state.dataset.state = online ? info.state : "offline";
    cancel.hidden = !runs;
    meter.hidden = !runs;
    if (all) {
      meter.max = all;
      meter.value = read;
    } else meter.removeAttribute("value");
  }
  store.on(["info", "records", "online", "job"], told);
  store.on(["number", "numbers", "job"], () => {
    const { numbers } = store;
    const place = numbers.indexOf(store.number);
    number.value = String(store.number);
    total.textContent = `/ ${numbers.length ? numbers[numbers.length - 1] : "–"}`;
    previous.disabled = place <= 0;
    next.disabled = place < 0 || place >= numbers.length - 1;
  });
}

// To the page so many places further.
export function turn(store, steps) {
  const place = store.numbers.indexOf(store.number);
  const wanted = store.numbers[place + steps];
  if (place >= 0 && wanted !== undefined) store.set({ number: wanted });
}

function layers(store) {
  const panel = el("div", { class: "dp-menu-panel dp-layers", role: "group", "aria-label": S.layers });
  for (const layer of ["boxes", "order", "heat", "unsupported", "uncovered"]) {
    const box = el("input", { type: "checkbox", id: `dp-layer-${layer}` });
    box.checked = store.layers[layer];
    box.addEventListener("change", () => store.set({ layers: { ...store.layers, [layer]: box.checked } }));
    panel.append(el("label", { class: "dp-choice", for: box.id }, box, S[layer]));
  }
  const kinds = el("div", { class: "dp-kinds", role: "group", "aria-label": S.kinds });
  panel.append(el("p", { class: "dp-menu-title", text: S.kinds }), kinds);
  store.on(["page"], () => {
    const present = new Set((store.page ? store.page.blocks : []).map((block) => block.type));
    kinds.replaceChildren(
      ...[...present].map((kind) => {
        const box = el("input", { type: "checkbox", id: `dp-kind-${kind}` });
        box.checked = !store.hidden.has(kind);
        box.addEventListener("change", () => {
          const hidden = new Set(store.hidden);
          if (box.checked) hidden.delete(kind);
          else hidden.add(kind);
          store.set({ hidden });
        });
        const swatch = el("span", { class: "dp-swatch", style: `--dp-kind: var(--dp-kind-${kind})` });
        return el("label", { class: "dp-choice", for: box.id }, box, swatch, S.kindNames[kind] || kind);
      }),
    );
  });
  return menu(iconButton(S.layers, ICONS.layers, () => {}), panel);
}

function help() {
  const list = el("dl", { class: "dp-keys" }, S.keys.flatMap(([keys, what]) => [el("dt", { text: keys }), el("dd", { text: what })]));
  const panel = el("div", { class: "dp-menu-panel dp-help", tabindex: "-1" }, el("p", { class: "dp-menu-title", text: S.help }), list);
  return menu(iconButton(S.help, ICONS.help, () => {}), panel);
}

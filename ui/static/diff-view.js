// The comparison of two readings, for people: what is different, in words, with a button that takes it.

import { ICONS, el, svg } from "./dom.js";
import { S } from "./strings.js";
import { E } from "./strings_edit.js";

// Elements for `found` {page, changes, taken: Set}; `take(changes)` takes some over.
export function differences(store, found, take) {
  const differ = found.changes.filter(({ change }) => change !== "same");
  if (!differ.length) return [el("p", { class: "dp-same", text: E.same })];
  const left = differ.filter((change) => !found.taken.has(change));
  const theirs = new Map(found.page.blocks.map((block) => [block.id, block]));
  return [
    el(
      "div",
      { class: "dp-differences-head" },
      el("h3", { text: E.differ(differ.length, found.changes.length - differ.length) }),
      el("button", {
        type: "button",
        class: "dp-button dp-primary dp-take-all",
        text: E.acceptAll,
        disabled: !left.length,
        onclick: () => take(left),
      }),
    ),
    el(
      "ul",
      { class: "dp-difference-list", "aria-label": E.difference },
      differ.map((change) => difference(store, found, theirs.get(change.other), change, take)),
    ),
  ];
}

function difference(store, found, fresh, change, take) {
  const mine = store.block(change.block);
  const kind = (fresh || mine || {}).type;
  const was = mine && fresh && mine.type !== fresh.type ? `${S.kindNames[mine.type]} → ` : "";
  const taken = found.taken.has(change);
  const hover = (id) => () => store.set({ hovered: id });
  const box = fresh && fresh.bbox;
  return el(
    "li",
    {
      class: `dp-difference dp-is-${change.change}`,
      dataset: { block: change.block || "", other: change.other || "" },
      onpointerenter: change.block ? hover(change.block) : () => box && light(store, box, E.changeNames.added),
      onpointerleave: () => store.set({ hovered: null, place: change.block ? store.place : null }),
    },
    el(
      "div",
      { class: "dp-difference-head" },
      el("span", { class: "dp-swatch", style: `--dp-kind: var(--dp-kind-${kind})`, "aria-hidden": "true" }),
      el("button", {
        type: "button",
        class: "dp-link",
        text: `${was}${S.kindNames[kind] || kind || ""}`,
        onclick: () =>
          change.block
            ? store.set({ selected: change.block, from: "side" })
            : box && light(store, box, E.changeNames.added),
      }),
      el("span", { class: "dp-muted", text: E.changeNames[change.change] }),
      taken
        ? el(
            "span",
            { class: "dp-taken" },
            svg("svg", { viewBox: "0 0 24 24", "aria-hidden": "true" }, svg("path", { d: ICONS.check })),
            E.accepted,
          )
        : el("button", { type: "button", class: "dp-button dp-take", text: E.accept, onclick: () => take([change]) }),
    ),
    el("p", { class: "dp-words" }, words(change, mine, fresh)),
  );
}

// Words that go are struck out, words that come are underlined: never told by colour alone.
function words(change, mine, fresh) {
  const pieces = change.pieces && change.pieces.length ? change.pieces : whole(change, mine, fresh);
  return pieces.map(([sign, raw]) => {
    const text = raw.replaceAll("\t", " │ "); // between the cells of a table
    if (sign === "=") return text;
    const [name, said] = sign === "-" ? ["del", E.deletedText] : ["ins", E.insertedText];
    return el(name, {}, el("span", { class: "dp-offscreen", text: ` ${said} ` }), text);
  });
}

function whole(change, mine, fresh) {
  if (change.change === "removed") return [["-", (mine && mine.text) || E.noText]];
  if (change.change === "added") return [["+", (fresh && fresh.text) || E.noText]];
  return [["=", (fresh && fresh.text) || E.noText]];
}

function light(store, bbox, label) {
  store.set({ place: { page: store.number, bbox, label } });
}

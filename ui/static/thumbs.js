// The pages as small pictures with their verdicts. Only those in sight are in the document: 500 pages scroll as 5 do.

import { api } from "./api.js";
import { el } from "./dom.js";
import { S } from "./strings.js";

const HEIGHT = 148; // of a row, as the style sheet has it
const AHEAD = 4; // rows drawn beyond the edges

export const isProblem = (record) => record.state === "read" && record.status !== "ok";

export function mountThumbs(root, store) {
  const filter = el("input", { type: "checkbox", id: "dp-problems" });
  const head = el("div", { class: "dp-thumbs-head" }, filter, el("label", { for: "dp-problems", text: S.onlyProblems }));
  const space = el("ol", { class: "dp-thumbs-space" });
  const list = el("div", { class: "dp-thumbs-list", tabindex: "-1" }, space);
  const none = el("p", { class: "dp-thumbs-none", text: S.noProblems, hidden: true });
  root.append(head, none, list);

  const rows = new Map(); // page number -> element
  let shown = [];

  filter.addEventListener("change", () => store.set({ filter: filter.checked ? "problems" : "all" }));

  function row(number) {
    const picture = el("img", { alt: "", draggable: "false", decoding: "async" });
    const label = el("span", { class: "dp-thumb-number", text: String(number) });
    const badge = el("span", { class: "dp-badge" });
    const button = el(
      "button",
      { type: "button", class: "dp-thumb", onclick: () => store.set({ number }) },
      el("span", { class: "dp-thumb-picture" }, picture),
      el("span", { class: "dp-thumb-foot" }, label, badge),
    );
    const item = el("li", { class: "dp-thumb-row" }, button);
    Object.assign(item, { button, picture, badge });
    return item;
  }

  function dress(item, number) {
    const record = store.records.get(number);
    const read = record && record.state === "read";
    const current = number === store.number;
    const status = read ? record.status : "waiting";
    const told = read ? S.verdict[status] : S.waiting;
    item.button.classList.toggle("dp-current", current);
    if (current) item.button.setAttribute("aria-current", "page");
    else item.button.removeAttribute("aria-current");
    item.badge.textContent = told;
    item.badge.dataset.status = status;
    item.button.setAttribute("aria-label", `${S.page} ${number}, ${told}`);
    const why = read && record.reasons.length ? record.reasons.map((reason) => reason.message).join("\n") : "";
    item.button.title = read ? [S.verdicts[status], why].filter(Boolean).join("\n") : S.pageWaits;
    const source = read ? `${api.imageURL(store.job, number, { width: 160 })}&attempt=${record.attempt}` : "";
    if (source && item.picture.getAttribute("src") !== source) item.picture.src = source;
    item.picture.hidden = !source;
  }

  function draw() {
    const { numbers, records } = store;
    shown = store.filter === "problems" ? numbers.filter((n) => records.has(n) && isProblem(records.get(n))) : numbers;
    root.hidden = numbers.length < 2;
    none.hidden = shown.length > 0 || numbers.length === 0;
    space.style.height = `${shown.length * HEIGHT}px`;
    place();
  }

  function place() {
    const top = list.scrollTop;
    const height = list.clientHeight || 600;
    const first = Math.max(0, Math.floor(top / HEIGHT) - AHEAD);
    const last = Math.min(shown.length, Math.ceil((top + height) / HEIGHT) + AHEAD);
    const wanted = new Set(shown.slice(first, last));
    for (const [number, item] of rows) {
      if (wanted.has(number)) continue;
      item.remove();
      rows.delete(number);
    }
    for (let index = first; index < last; index += 1) {
      const number = shown[index];
      let item = rows.get(number);
      if (!item) {
        item = row(number);
        rows.set(number, item);
        space.append(item);
      }
      item.style.transform = `translateY(${index * HEIGHT}px)`;
      dress(item, number);
    }
  }

  function reveal() {
    const index = shown.indexOf(store.number);
    if (index < 0) return;
    const top = index * HEIGHT;
    if (top < list.scrollTop) list.scrollTop = top;
    else if (top + HEIGHT > list.scrollTop + list.clientHeight) list.scrollTop = top + HEIGHT - list.clientHeight;
    place();
  }

  let asked = 0;
  list.addEventListener("scroll", () => {
    if (!asked) asked = requestAnimationFrame(() => ((asked = 0), place()));
  });
  new ResizeObserver(place).observe(list);
  store.on(["records", "numbers", "filter"], draw);
  store.on(["number"], reveal);
  store.on(["job"], () => {
    for (const item of rows.values()) item.remove();
    rows.clear();
    list.scrollTop = 0;
    filter.checked = store.filter === "problems";
    draw();
  });
  draw();
}

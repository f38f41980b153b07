// Download: any format of the document, of this page, of the selected element. Every entry is a link that works by
// itself. A click fetches it here, because the service makes a result when it is asked: that may take a while, which is
// said, and may fail, which is said as well.

import { api } from "./api.js";
import { ICONS, el, iconButton, menu } from "./dom.js";
import { DOWNLOAD } from "./strings_side.js";
import { S } from "./strings.js";

export function mountDownload(store) {
  const panel = el("div", { class: "dp-menu-panel dp-download", role: "group", "aria-label": S.download });
  const scopes = el("fieldset", { class: "dp-scopes" }, el("legend", { class: "dp-menu-title", text: DOWNLOAD.scope }));
  const note = el("p", { class: "dp-download-note", text: DOWNLOAD.nothing, hidden: true });
  const links = el("ul", { class: "dp-formats", "aria-label": DOWNLOAD.formats });
  panel.append(scopes, note, links);

  const choices = {};
  let chosen = "document";
  for (const name of ["document", "page", "element"]) {
    const input = el("input", { type: "radio", name: "dp-scope", value: name });
    const label = el("span", {});
    input.addEventListener("change", () => {
      chosen = name;
      draw();
    });
    choices[name] = { input, label };
    scopes.append(el("label", { class: "dp-choice" }, input, label));
  }

  // Until all is read, and where the rest never will be, what is read can be had.
  const isDone = () => Boolean(store.info && store.info.state === "done");
  const read = () => store.numbers.filter((number) => (store.records.get(number) || {}).state === "read");
  const can = {
    document: () => isDone() || read().length > 0,
    page: () => Boolean(store.page),
    element: () => Boolean(store.block(store.selected)),
  };

  function scope() {
    if (can[chosen]()) return chosen;
    return ["document", "page"].find((name) => can[name]()) || null;
  }

  function draw() {
    if (panel.hidden) return;
    const now = scope();
    const block = store.block(store.selected);
    choices.document.label.textContent = isDone() ? DOWNLOAD.document : DOWNLOAD.read(read().length);
    choices.page.label.textContent = DOWNLOAD.page(store.number);
    choices.element.label.textContent = DOWNLOAD.element(block && (S.kindNames[block.type] || block.type));
    for (const [name, { input }] of Object.entries(choices)) {
      input.disabled = !can[name]();
      input.checked = name === now;
    }
    note.hidden = Boolean(now);
    links.replaceChildren(...(now ? formats(now).map(entry) : []));
  }

  function formats(now) {
    const extracted = now === "document" && isDone() && store.info.kind === "extract";
    return [...DOWNLOAD.list, ...(extracted ? [DOWNLOAD.fields] : []), DOWNLOAD.zip]
      .filter(([to]) => to !== "sft" || now !== "element")
      .map(([to, name, what]) => ({ to, name, what, url: url(now, to) }));
  }

  function url(now, to) {
    const all = isDone() ? undefined : ranges(read());
    const pages = now === "document" ? all : String(store.number);
    const blocks = now === "element" ? [store.selected] : undefined;
    return api.exportURL(store.job, to, { pages, blocks });
  }

  function entry({ to, name, what, url: href }) {
    const said = el("span", { class: "dp-format-what", text: what });
    const link = el("a", { class: "dp-format", href, download: true }, el("strong", { text: name }), said);
    link.dataset.to = to;
    link.addEventListener("click", async (event) => {
      if (event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
      event.preventDefault();
      if (link.getAttribute("aria-busy")) return;
      link.setAttribute("aria-busy", "true");
      said.textContent = DOWNLOAD.making;
      try {
        store.tell(DOWNLOAD.saved(await save(href)));
        box.close();
        button.focus();
      } catch (problem) {
        store.tell(problem);
      }
      link.removeAttribute("aria-busy");
      said.textContent = what;
    });
    return el("li", {}, link);
  }

  const button = iconButton(S.download, ICONS.download, () => {});
  const box = menu(button, panel);
  button.addEventListener("click", draw); // after the menu was opened by its own listener
  store.on(["selected", "page", "info", "number", "records"], draw);
  return box;
}

// [1, 2, 3, 7] as "1-3,7".
export function ranges(numbers) {
  const parts = [];
  for (const number of numbers) {
    const last = parts.at(-1);
    if (last && last[1] === number - 1) last[1] = number;
    else parts.push([number, number]);
  }
  return parts.map(([from, to]) => (from === to ? String(from) : `${from}-${to}`)).join(",");
}

// Fetch a result and hand it to the browser under the name that the service gives it.
async function save(url) {
  const { blob, name } = await api.file(url);
  const address = URL.createObjectURL(blob);
  const link = el("a", { href: address, download: name, hidden: true });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
  return name;
}

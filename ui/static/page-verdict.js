// The strip above the page: how far it can be trusted, and why.

import { el } from "./dom.js";
import { S } from "./strings.js";
import { P } from "./strings_page.js";

export function verdictStrip(store) {
  const badge = el("span", { class: "dp-verdict-badge" });
  const sentence = el("span", { class: "dp-verdict-sentence" });
  const facts = el("span", { class: "dp-verdict-facts" });
  const why = el("button", {
    type: "button",
    class: "dp-button dp-verdict-why",
    "aria-expanded": "false",
    "aria-controls": "dp-reasons",
  });
  const reasons = el("ul", { class: "dp-reasons", id: "dp-reasons" });
  reasons.hidden = true;
  const line = el("div", { class: "dp-verdict-line" }, badge, sentence, why, facts);
  const strip = el("div", { class: "dp-verdict" }, line, reasons);
  strip.hidden = true;

  const open = (on) => {
    reasons.hidden = !on;
    why.setAttribute("aria-expanded", String(on));
  };
  why.addEventListener("click", () => open(reasons.hidden));
  strip.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || reasons.hidden) return;
    event.preventDefault();
    open(false);
    why.focus();
  });

  function reason(issue) {
    const known = issue.block && store.block(issue.block);
    const button = {
      type: "button",
      class: "dp-reason-show",
      text: P.show,
      "aria-label": `${P.show}: ${issue.message}`,
      onclick: () => store.set({ selected: issue.block, from: "strip" }),
    };
    return el(
      "li",
      { "data-severity": issue.severity, title: issue.code },
      el("span", { text: issue.message }),
      // The verdict is on what was read; the sentence says what became of it.
      known && known.origin === "user" ? el("span", { class: "dp-reason-since", text: P.corrected }) : null,
      known ? el("button", button) : null,
    );
  }

  let shown = null;
  let listed = null;
  function draw() {
    const page = store.page && store.page.page === store.number ? store.page : null;
    const record = store.records.get(store.number);
    strip.hidden = !page && !record;
    if (strip.hidden) return;
    // Before a page is here, what the list of pages says of it: never the verdict of another.
    const { status, issues } = page
      ? page.verdict
      : { status: record.state === "read" ? record.status : "waiting", issues: record.reasons };
    strip.dataset.status = status;
    badge.textContent = S.verdict[status] || S.waiting;
    sentence.textContent = S.verdicts[status] || S.pageWaits;
    sentence.title = sentence.textContent;
    const told = [];
    if (record && typeof record.confidence === "number") told.push(S.confidence(record.confidence));
    if (record && record.engine) told.push(P.read(record));
    facts.textContent = told.join(" · ");
    why.hidden = issues.length === 0;
    why.textContent = `${S.why}: ${P.issues(issues.length)}`;
    // Drawn anew only for others: somebody may have the focus in it.
    if (issues !== listed) reasons.replaceChildren(...issues.map(reason));
    listed = issues;
    if (shown !== store.number) open(false);
    shown = store.number;
  }
  store.on(["page", "number", "records", "job"], draw);
  return strip;
}

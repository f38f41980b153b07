// The strip above the page: how far it can be trusted, and why.

import { el } from "./dom.js";
import { S } from "./strings.js";
import { P } from "./strings_page.js";

export function verdictStrip(store) {
  const badge = el("span", { class: "dp-verdict-badge" });
  const sentence = el("span", { class: "dp-verdict-sentence" });
  const facts = el("span", { class: "dp-verdict-facts" });
  const why = el("button", { type: "button", class: "dp-button dp-verdict-why", "aria-expanded": "false", "aria-controls": "dp-reasons" });
  const reasons = el("ul", { class: "dp-reasons", id: "dp-reasons" });
  reasons.hidden = true;
  const strip = el("div", { class: "dp-verdict" }, el("div", { class: "dp-verdict-line" }, badge, sentence, why, facts), reasons);
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
    const show = () => store.set({ selected: issue.block, from: "strip" });
    return el(
      "li",
      { "data-severity": issue.severity, title: issue.code },
      el("span", { text: issue.message }),
      known ? el("button", { type: "button", class: "dp-reason-show", onclick: show, text: P.show, "aria-label": `${P.show}: ${issue.message}` }) : null,
    );
  }

  let shown = null;
  function draw() {
    const { page } = store;
    const record = store.records.get(store.number);
    if (!page) {
      // The strip keeps its place while the next page comes, or everything below it would jump.
      if (!store.job) strip.hidden = true;
      return;
    }
    const { status, issues } = page.verdict;
    strip.hidden = false;
    strip.dataset.status = status;
    badge.textContent = S.verdict[status];
    sentence.textContent = S.verdicts[status];
    sentence.title = S.verdicts[status];
    const told = [];
    if (record && record.confidence !== null && record.confidence !== undefined) told.push(S.confidence(record.confidence));
    if (record && record.engine) told.push(P.read(record));
    facts.textContent = told.join(" · ");
    why.hidden = issues.length === 0;
    why.textContent = `${S.why}: ${P.issues(issues.length)}`;
    reasons.replaceChildren(...issues.map(reason));
    if (shown !== page.page) open(false);
    shown = page.page;
  }
  store.on(["page", "records", "job"], draw);
  return strip;
}

// Fields: by a schema of docparse's or of one's own, from the pages as they are corrected. Each value lights up its
// place on the page, can be changed, and goes out as JSON, CSV or XLSX with what was changed.

import { api } from "./api.js";
import { el } from "./dom.js";
import { exportBar } from "./field-export.js";
import { FieldRows } from "./field-rows.js";
import { E } from "./strings_edit.js";

const OWN = "\u0000own";
const EXAMPLE = JSON.stringify(
  {
    title: "order",
    type: "object",
    properties: { order_number: { type: "string", description: "Number of the order" } },
  },
  null,
  2,
);

export function mountFields(root, store) {
  let schemas = null;
  let found = null; // the answer: {schema, fields, evidence, checks, verdict, others}
  let asked = null; // what it was asked by: a name or a JSON Schema
  let turn = 0; // counts questions, so that an answer to an older one is not shown
  let rows = [];

  // ---------------------------------------------------------------------- what is asked for

  const schema = el("select", { id: "dp-fields-schema" });
  const own = el("textarea", {
    id: "dp-fields-own",
    rows: 8,
    spellcheck: "false",
    "aria-describedby": "dp-fields-own-hint",
  });
  own.value = EXAMPLE;
  const ownHint = el("p", { class: "dp-hint", id: "dp-fields-own-hint", text: E.ownSchemaHint });
  const ownBox = el(
    "div",
    { class: "dp-field dp-wide", hidden: true },
    el("label", { for: own.id, text: E.ownSchema }),
    own,
    ownHint,
  );
  const go = el("button", { type: "submit", class: "dp-button dp-primary", text: E.find });
  const form = el(
    "form",
    { class: "dp-form dp-fields-form", onsubmit: (event) => (event.preventDefault(), find()) },
    el("div", { class: "dp-field" }, el("label", { for: schema.id, text: E.schema }), schema),
    el("div", { class: "dp-field dp-fields-go" }, go),
    ownBox,
  );
  const status = el("p", { class: "dp-fields-status", role: "status" });
  const answer = el("div", { class: "dp-fields-answer" });
  root.classList.add("dp-scrolled");
  root.append(form, status, answer);
  schema.addEventListener("change", () => (ownBox.hidden = schema.value !== OWN));

  // Whoever is faster than the list of schemas waits for it.
  let filling = null;
  const fill = () => (filling = filling || filled());

  async function filled() {
    try {
      schemas = await api.schemas();
    } catch (problem) {
      filling = null;
      store.tell(problem);
      return;
    }
    schema.replaceChildren(
      ...schemas.map(({ name, title, description }) =>
        el("option", { value: name, text: name, title: description || title }),
      ),
      el("option", { value: OWN, text: E.ownSchema }),
    );
    const wanted = store.info && store.info.fields_schema;
    if (schemas.some(({ name }) => name === wanted)) schema.value = wanted;
    ownBox.hidden = schema.value !== OWN;
  }

  function chosen() {
    if (schema.value !== OWN) return schema.value;
    let parsed;
    try {
      parsed = JSON.parse(own.value);
    } catch (problem) {
      throw new Error(E.ownSchemaWrong(problem.message));
    }
    if (parsed === null || typeof parsed !== "object" || Array.isArray(parsed))
      throw new Error(E.ownSchemaWrong(E.ownSchemaHint));
    return parsed;
  }

  // ---------------------------------------------------------------------- the answer

  async function find() {
    await fill();
    if (!schema.value) return;
    let wanted;
    try {
      wanted = chosen();
    } catch (problem) {
      status.textContent = problem.message;
      own.focus();
      return;
    }
    await have(wanted, (job) => api.fields(job, wanted));
  }

  async function have(wanted, ask) {
    const { job } = store;
    const mine = (turn += 1);
    go.disabled = true;
    status.textContent = E.finding;
    try {
      const [fresh, definition] = await Promise.all([
        ask(job),
        typeof wanted === "string" ? api.schema(wanted).catch(() => null) : wanted,
      ]);
      if (store.job !== job || mine !== turn) return;
      found = fresh;
      asked = wanted;
      status.textContent = "";
      show(definition);
    } catch (problem) {
      if (store.job === job && mine === turn)
        status.textContent = problem.status === 409 ? E.fieldsWait : problem.message;
    } finally {
      if (mine === turn) go.disabled = false;
    }
  }

  // A job that was made with a schema has its fields already.
  function begin() {
    if (store.tab !== "fields" || !store.job) return;
    fill();
    const { info } = store;
    if (found || turn || !info || info.kind !== "extract" || info.state !== "done") return;
    have(info.fields_schema, async (job) => JSON.parse(await api.exported(job, "fields")));
  }

  function show(definition) {
    const { others = [], ...first } = found;
    const documents = [first, ...others];
    rows = documents.map((one) => new FieldRows(store, one, definition));
    answer.replaceChildren(
      ...documents
        .flatMap((one, index) => [
          documents.length > 1 && el("h3", { text: E.documentOf(index + 1, documents.length, E.pages(...one.pages)) }),
          verdict(one),
          checks(one),
          rows[index].root,
        ])
        .filter(Boolean),
      exportBar(store, { edited, valid: () => rows.every((one) => one.valid()), schema: () => asked }),
      el("p", { class: "dp-hint", text: E.unsaved }),
    );
  }

  // With what a person changed.
  function edited() {
    const [first, ...others] = rows.map((one) => one.edited());
    return { ...found, ...first, ...(others.length ? { others } : {}) };
  }

  store.on(["tab", "info"], begin);
  store.on(["job"], () => {
    found = asked = null;
    turn = 0;
    rows = [];
    go.disabled = false;
    status.textContent = "";
    answer.replaceChildren();
    begin();
  });
  begin();

  // ---------------------------------------------------------------------- how far it can be trusted

  function verdict({ verdict: said }) {
    return el(
      "div",
      { class: "dp-fields-verdict", dataset: { status: said.status } },
      el("p", {}, el("strong", { text: said.status }), ` ${E.fieldStatus[said.status] || ""}`),
      said.issues.length
        ? el(
            "ul",
            {},
            said.issues.map((issue) => el("li", { text: issue.message })),
          )
        : null,
    );
  }

  function checks({ checks: all, evidence }) {
    const failed = all.filter(({ passed }) => passed === false);
    const passed = all.filter((check) => check.passed === true);
    if (!all.length) return null;
    return el(
      "div",
      { class: "dp-checks" },
      failed.length > 0 && el("p", { class: "dp-failed-title", text: E.failedChecks }),
      failed.length > 0 &&
        el(
          "ul",
          { class: "dp-failed" },
          failed.map((check) => el("li", {}, about(check, evidence))),
        ),
      passed.length > 0 &&
        el("p", {
          class: "dp-hint",
          title: passed.map(({ message }) => message).join("\n"),
          text: E.passedChecks(passed.length),
        }),
    );
  }

  // A failed check leads to the first of its fields that is printed somewhere.
  function about(check, evidence) {
    const name = check.fields.find((field) => evidence[field] && evidence[field].bbox);
    if (!name) return check.message;
    const { page, bbox } = evidence[name];
    return el("button", {
      type: "button",
      class: "dp-link",
      text: check.message,
      onclick: () => store.set({ number: page, place: { page, bbox, label: check.name } }),
    });
  }
}

// Fields as paths and values: what a schema's answer has in it, what a person changed, and both together. Pure.

import { E } from "./strings_edit.js";

// Amounts of docparse's own schemas, which are strings in JSON: nothing in these schemas tells them from others. A test
// holds the list to the schemas.
const AMOUNTS = new Set([
  "amount",
  "amount_due",
  "grand_total",
  "net",
  "net_total",
  "quantity",
  "rate",
  "subtotal",
  "tax",
  "tax_rate",
  "tax_total",
  "total",
  "unit_price",
]);
const WITH_AMOUNTS = ["Invoice", "Receipt"]; // titles

// The plain fields and the tables of `fields`: {path, value}, {path, columns, rows: [[{path, value}]]}.
export function layout(fields) {
  const scalars = [];
  const tables = [];
  const walk = (value, path) => {
    if (Array.isArray(value)) {
      if (value.some(isObject)) tables.push(table(value, path));
      else if (value.length) value.forEach((one, index) => scalars.push({ path: `${path}[${index}]`, value: one }));
      else scalars.push({ path, value: null, empty: true });
    } else if (isObject(value)) {
      for (const [name, inner] of Object.entries(value)) walk(inner, path ? `${path}.${name}` : name);
    } else scalars.push({ path, value });
  };
  walk(fields, "");
  return { scalars, tables };
}

function table(items, path) {
  const flat = items.map((item, index) => {
    const cells = new Map();
    const walk = (value, at) => {
      if (isObject(value)) for (const [name, inner] of Object.entries(value)) walk(inner, at ? `${at}.${name}` : name);
      else
        cells.set(at, {
          path: `${path}[${index}].${at}`,
          value: Array.isArray(value) ? JSON.stringify(value) : value,
          fixed: Array.isArray(value),
        });
    };
    walk(item, "");
    return cells;
  });
  const columns = [...new Set(flat.flatMap((cells) => [...cells.keys()]))];
  return { path, columns, rows: flat.map((cells) => columns.map((name) => cells.get(name) || null)) };
}

const isObject = (value) => value !== null && typeof value === "object" && !Array.isArray(value);

// "line_items[0].amount" -> ["line_items", 0, "amount"]
export const steps = (path) =>
  [...path.matchAll(/([^.[\]]+)/g)].map(([part]) => (/^\d+$/.test(part) ? Number(part) : part));

// "line_items[0].vat_id" -> "Line items 1: VAT ID"
export const nameOf = (path) => {
  const said = path
    .replace(/\[(\d+)\]/g, (_, index) => ` ${Number(index) + 1}`)
    .replace(/\./g, ": ")
    .replace(/_/g, " ")
    .replace(/\b(bic|iban|id|vat)\b/g, (word) => word.toUpperCase());
  return said.charAt(0).toUpperCase() + said.slice(1);
};

// What the schema wants at a path: string | date | number | integer | boolean | amount. `definition` may be null.
export function kindAt(definition, path, value) {
  let at = definition || {};
  const root = at;
  const open = (schema) => {
    let found = schema || {};
    for (let deep = 0; found.$ref && deep < 20; deep += 1) {
      found =
        found.$ref
          .replace(/^#\//, "")
          .split("/")
          .reduce((part, name) => (part || {})[name], root) || {};
    }
    return found;
  };
  const any = (schema) =>
    open((open(schema).anyOf || open(schema).oneOf || []).find((one) => one.type !== "null") || schema);
  for (const step of steps(path)) at = typeof step === "number" ? any(at).items : (any(at).properties || {})[step];
  const found = at ? any(at) : {};
  const types = [found.type].flat().filter((type) => type && type !== "null");
  if (found.format === "date") return "date";
  if (types[0] === "string" && WITH_AMOUNTS.includes(root.title) && AMOUNTS.has(steps(path).at(-1))) return "amount";
  if (["number", "integer", "boolean"].includes(types[0])) return types[0];
  return !types.length && ["number", "boolean"].includes(typeof value) ? typeof value : "string";
}

// A value as it was typed, as JSON has it: {value} or {wrong: sentence}.
export function typed(text, kind) {
  const said = text.trim();
  if (!said) return { value: null };
  const number = said.replace(/\s/g, "").replace(/^([+-]?\d+),(\d+)$/, "$1.$2");
  const isNumber = /^[+-]?\d+(\.\d+)?$/.test(number);
  if (kind === "date") return /^\d{4}-\d\d-\d\d$/.test(said) && isDay(said) ? { value: said } : { wrong: E.wrongDate };
  if (kind === "amount") return isNumber ? { value: number.replace(/^\+/, "") } : { wrong: E.wrongNumber };
  if (kind === "number") return isNumber ? { value: Number(number) } : { wrong: E.wrongNumber };
  if (kind === "integer") return /^[+-]?\d+$/.test(number) ? { value: Number(number) } : { wrong: E.wrongInteger };
  if (kind === "boolean")
    return /^(true|false)$/i.test(said) ? { value: said.toLowerCase() === "true" } : { wrong: E.wrongBoolean };
  return { value: said };
}

function isDay(said) {
  const [year, month, day] = said.split("-").map(Number);
  const date = new Date(Date.UTC(year, month - 1, day));
  return date.getUTCMonth() === month - 1 && date.getUTCDate() === day;
}

// The answer with the values that a person changed. Their evidence stays, and says who says so.
export function withEdits(found, edits) {
  const fresh = structuredClone(found);
  for (const [path, value] of edits) {
    const parts = steps(path);
    const last = parts.pop();
    let at = fresh.fields;
    for (const part of parts) at = at[part];
    if (at === undefined || at === null) continue;
    at[last] = value;
    fresh.evidence[path] = {
      text: "",
      page: null,
      bbox: null,
      block: null,
      source: "print",
      ...fresh.evidence[path],
      checks: [],
      confidence: 1,
      note: E.edited,
    };
  }
  return fresh;
}

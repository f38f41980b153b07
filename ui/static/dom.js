// Elements, made in one line. Text is always text: nothing here takes markup.

const SVG = "http://www.w3.org/2000/svg";

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes || {})) {
    if (value === false || value === null || value === undefined) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "class") element.setAttribute("class", value);
    else if (name === "text") element.textContent = value;
    else if (name === "dataset") Object.assign(element.dataset, value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

export const el = (name, attributes, ...children) => fill(document.createElement(name), attributes, children);
export const svg = (name, attributes, ...children) => fill(document.createElementNS(SVG, name), attributes, children);

// A button with an icon (a path of a 24 x 24 picture) and a name that is read aloud and shown as a tooltip.
export function iconButton(label, path, onclick, attributes = {}) {
  return el(
    "button",
    { type: "button", class: "dp-icon", "aria-label": label, title: label, onclick, ...attributes },
    svg("svg", { viewBox: "0 0 24 24", "aria-hidden": "true" }, svg("path", { d: path })),
  );
}

export const ICONS = {
  left: "M15 5l-7 7 7 7",
  right: "M9 5l7 7-7 7",
  plus: "M12 5v14M5 12h14",
  minus: "M5 12h14",
  fit: "M4 9V4h5M20 9V4h-5M4 15v5h5M20 15v5h-5",
  layers: "M12 3l9 5-9 5-9-5zM3 13l9 5 9-5",
  region: "M4 4h4M12 4h4M20 4v4M20 12v4M20 20h-4M12 20H8M4 20v-4M4 12V8",
  edit: "M4 20l4-1L19 8l-3-3L5 16zM14 7l3 3",
  download: "M12 4v11M7 11l5 5 5-5M4 20h16",
  copy: "M9 9h10v11H9zM5 15V4h10",
  close: "M6 6l12 12M18 6L6 18",
  undo: "M9 7l-5 5 5 5M4 12h10a5 5 0 010 10h-2",
  check: "M5 13l4 4L19 7",
  up: "M5 15l7-7 7 7",
  down: "M5 9l7 7 7-7",
  trash: "M5 7h14M10 7V4h4v3M7 7l1 13h8l1-13",
  link: "M10 14a4 4 0 005.7 0l3-3a4 4 0 00-5.7-5.7l-1 1M14 10a4 4 0 00-5.7 0l-3 3A4 4 0 0011 18.700l1-1",
  theme: "M12 3a9 9 0 100 18V3",
  help: "M9 9a3 3 0 116 1c-1 1.500-3 2-3 4M12 18v.5",
  again: "M20 12a8 8 0 11-2.300-5.700L20 9M20 4v5h-5",
};

// A menu under a button: opens with click, Enter and ArrowDown, closes with Escape and a click elsewhere.
export function menu(button, panel) {
  panel.hidden = true;
  button.setAttribute("aria-expanded", "false");
  const box = el("span", { class: "dp-menu" }, button, panel);
  const show = (open) => {
    panel.hidden = !open;
    button.setAttribute("aria-expanded", String(open));
    if (open) {
      const first = panel.querySelector("button, input, select, a, textarea");
      if (first) first.focus();
    }
  };
  button.addEventListener("click", () => show(panel.hidden));
  box.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && !panel.hidden) {
      event.stopPropagation();
      show(false);
      button.focus();
    }
  });
  document.addEventListener("pointerdown", (event) => {
    if (!panel.hidden && !box.contains(event.target)) show(false);
  });
  box.close = () => show(false);
  return box;
}

// Put text into the clipboard; true if that could be done.
export async function copyText(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const area = el("textarea", { class: "dp-offscreen", "aria-hidden": "true" });
    area.value = text;
    document.body.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    return done;
  }
}

export const clamp = (value, low, high) => Math.min(Math.max(value, low), high);

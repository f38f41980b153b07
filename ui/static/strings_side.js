// What the side panel and the download menu say.

export const SIDE = {
  copy: {
    rendered: "Copy the text of this page",
    markdown: "Copy the Markdown of this page",
    html: "Copy the QwenVL HTML of this page",
    json: "Copy the JSON of this page",
  },
  copyElement: "Copy element",
  copied: "Copied",
  notCopied: "The browser does not let this page copy.",
  loading: "Loading…",
  nothingOpen: "No page is shown.",
  noText: "There is nothing of this page in this form.",
  again: "Try again",
  notThere: "This part of the viewer could not be loaded.",
  unsupported: (count) => (count === 1 ? "1 stretch is not on the page:" : `${count} stretches are not on the page:`),
  byPerson: (count) =>
    count === 1 ? "1 stretch that is not on it is by a person:" : `${count} stretches that are not on it are by a person:`,
  showStretch: (text, kind) => `Show “${text}” in the ${kind}`,
  more: (count) => `and ${count} more`,
  selected: "Selected element",
  noConfidence: "confidence not known",
  byUser: "corrected by a person",
  engine: (name) => `read by: ${name}`,
  textOf: "Text of the page",
  sourceOf: (format) => `${format} of the page`,
  tree: "JSON of the page",
  entries: (count) => (count === 1 ? "1 entry" : `${count} entries`),
  range: (from, to) => `${from} to ${to}`,
};

export const DOWNLOAD = {
  scope: "What to download",
  document: "Whole document",
  page: (number) => `This page (${number})`,
  element: (kind) => (kind ? `Selected element (${kind.toLowerCase()})` : "Selected element"),
  read: (count) => (count === 1 ? "The page that is read" : `The ${count} pages that are read`),
  nothing: "No page is read yet.",
  making: "is being made…",
  saved: (name) => `${name} is saved.`,
  formats: "Formats",
  // In the order in which people ask for them; tests/ui hold this list to the formats that there are.
  list: [
    ["markdown", "Markdown", "text with headings, lists and tables; pictures lie beside it"],
    ["html", "QwenVL HTML", "every element with its place on the page; docparse reads it back"],
    ["json", "JSON", "everything that is known; docparse reads it back"],
    ["html-page", "Web page", "to look at and to print, in one file"],
    ["text", "Plain text", "in reading order, tables with tabs"],
    ["chunks", "Pieces for search", "JSON lines, each with its headings and its place"],
    ["overlay", "PDF with boxes", "the pages with a box around every element"],
    ["overlay-png", "Pictures with boxes", "a PNG for each page"],
    ["sft", "Training examples", "pages that a person corrected or confirmed"],
  ],
  fields: ["fields", "Fields", "what was looked for, each with its place"],
  zip: ["zip", "Everything", "all formats in one ZIP file"],
};

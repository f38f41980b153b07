// What the picture of a page says.

import { S } from "./strings.js";

export const P = {
  view: "Page image: arrow keys scroll, plus and minus zoom",
  picture: (number, total, elements) =>
    `${S.pageOf(number, total)}, ${elements === 1 ? "1 element" : `${elements} elements`}`,
  noPicture: "The picture of this page cannot be had just now.",
  selected: (label, at, of) => `${label}, ${at} of ${of}`,
  level: (name, level) => `${name} ${level}`,
  cell: (row, col, sure) =>
    `Row ${row + 1}, column ${col + 1}${typeof sure === "number" ? ` · ${S.confidence(sure)}` : ""}`,
  byUser: "corrected by a person",
  nowhere: (words) => `not on the page: ${words.join(", ")}`,
  wrote: (words) => `not on the page, written by a person: ${words.join(", ")}`,
  corrected: "A person has corrected this element since.",
  regionHint: "Draw a rectangle around it. Arrow keys move one, with Shift they size it, Enter takes it.",
  editHint: "Drag an edge, or move the element with the arrow keys; with Shift they size it.",
  region: (width, height) => `Rectangle of ${width} by ${height} pixels`,
  reading: "This page is being read.",
  issues: (count) => (count === 1 ? "1 reason" : `${count} reasons`),
  show: "Show it",
  read: (record) =>
    [record.engine, record.seconds === null || record.seconds === undefined ? "" : `${record.seconds.toFixed(1)} s`]
      .filter(Boolean)
      .join(" · "),
};

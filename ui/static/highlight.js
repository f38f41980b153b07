// Colours for lines of QwenVL HTML and of Markdown: a line becomes pieces, [class or "", text]. Joined, they are the
// line again. Not a parser: what is odd is left plain.

const TAG = /<!--.*?-->|<\/?[A-Za-z][^<>]*>|&(?:#\d+|#x[\da-f]+|[a-z]+\d*);/gi;
const PART = /([\s/]+)|("[^"]*"|'[^']*')|([^\s=/"'<>]+)|(=)|(.)/g;

export function htmlPieces(line) {
  const pieces = [];
  let at = 0;
  for (const found of line.matchAll(TAG)) {
    if (found.index > at) pieces.push(["", line.slice(at, found.index)]);
    pieces.push(...tagPieces(found[0]));
    at = found.index + found[0].length;
  }
  if (at < line.length) pieces.push(["", line.slice(at)]);
  return pieces;
}

function tagPieces(tag) {
  if (tag.startsWith("<!--")) return [["comment", tag]];
  if (tag.startsWith("&")) return [["entity", tag]];
  const name = /^<\/?[^\s/>]+/.exec(tag)[0];
  const close = tag.endsWith("/>") ? "/>" : ">";
  const pieces = [["tag", name]];
  let attribute = "";
  for (const [text, , value, word] of tag.slice(name.length, tag.length - close.length).matchAll(PART)) {
    if (value) pieces.push([attribute === "data-bbox" ? "place" : "value", text]);
    else if (word) pieces.push(["name", (attribute = text)]);
    else pieces.push(["", text]);
  }
  pieces.push(["tag", close]);
  return pieces;
}

const INLINE = /(`+)[^`]+\1|\*\*[^*]+\*\*|__[^_]+__|!?\[[^\]]*\]\([^)]*\)|\\[!-/:-@[-`{-~]|\$[^$]+\$|<[^<>]+>/g;

// `fenced`: the line stands in a block of code.
export function markdownPieces(line, fenced) {
  if (fenced || /^\s*(```|~~~)/.test(line)) return [["code", line]];
  if (/^#{1,6}\s/.test(line)) return [["heading", line]];
  if (/^\s*\|?[\s:|-]*--[\s:|-]*$/.test(line) && line.includes("|")) return [["sign", line]];
  const pieces = [];
  const lead = /^\s*(?:[-*+]|\d+[.)]|>)\s/.exec(line);
  if (lead) pieces.push(["sign", lead[0]]);
  let at = lead ? lead[0].length : 0;
  for (const found of line.matchAll(INLINE)) {
    if (found.index < at) continue;
    if (found.index > at) pieces.push(...columns(line.slice(at, found.index)));
    const text = found[0];
    if (text.startsWith("<")) pieces.push(...htmlPieces(text));
    else pieces.push([kindOf(text), text]);
    at = found.index + text.length;
  }
  if (at < line.length) pieces.push(...columns(line.slice(at)));
  return pieces;
}

const KINDS = { "`": "code", "*": "strong", _: "strong", "!": "value", "[": "value", "\\": "sign", $: "code" };
const kindOf = (text) => KINDS[text[0]];

// Bars between the cells of a table.
function columns(text) {
  return text.split(/(\|)/).filter(Boolean).map((piece) => [piece === "|" ? "sign" : "", piece]);
}

// For each line of Markdown whether it is code.
export function fences(lines) {
  let open = "";
  return lines.map((line) => {
    const mark = /^\s*(```+|~~~+)/.exec(line);
    if (!mark) return Boolean(open);
    if (!open) open = mark[1];
    else if (mark[1].startsWith(open)) open = "";
    return true;
  });
}

// Which lines of a source belong to which block: {id, from, to}, lines counted from 0, `to` the last of them.

// A list's items are blocks with an id as well.
export function* allBlocks(page) {
  for (const block of page.blocks) {
    yield block;
    yield* block.items || [];
  }
}

// QwenVL HTML: a block's own markup (`html` in the JSON, which has its id) says which tag begins it.
export function placesInHTML(source, page) {
  const starts = [0];
  for (let at = source.indexOf("\n"); at >= 0; at = source.indexOf("\n", at + 1)) starts.push(at + 1);
  const places = [];
  let from = 0;
  let line = 0;
  for (const block of allBlocks(page)) {
    const tag = tagOf(block);
    const at = tag ? source.indexOf(tag, from) : -1;
    if (at < 0) continue;
    from = at + 1;
    while (line + 1 < starts.length && starts[line + 1] <= at) line += 1;
    const end = endOf(source, at, /^<([a-z0-9]+)/i.exec(tag)[1]);
    let to = line;
    while (to + 1 < starts.length && starts[to + 1] < end) to += 1;
    places.push({ id: block.id, from: line, to });
  }
  return places;
}

function tagOf(block) {
  const mark = ` id="${block.id}"`;
  const at = (block.html || "").indexOf(mark);
  if (at < 0) return "";
  const tag = block.html.slice(block.html.lastIndexOf("<", at), block.html.indexOf(">", at) + 1);
  return tag.replace(mark, "");
}

function endOf(source, at, name) {
  const tags = new RegExp(`<(/?)${name}(?=[\\s>/])[^<>]*>`, "gi");
  tags.lastIndex = at;
  let depth = 0;
  for (let found = tags.exec(source); found; found = tags.exec(source)) {
    if (found[0].endsWith("/>")) continue;
    depth += found[1] ? -1 : 1;
    if (depth <= 0) return tags.lastIndex;
  }
  return source.length;
}

const FURNITURE = new Set(["header", "footer", "page_number"]);
const KEY = 40; // letters that tell one block from another

// Markdown says nothing of blocks: their letters and digits are followed from line to line. A block begins where a line
// begins, which is what keeps a short one ("1") from being found in the middle of another.
export function placesInMarkdown(lines, page) {
  const starts = [];
  let all = "";
  for (const line of lines) {
    starts.push(all.length);
    all += letters(shownOf(line));
  }
  starts.push(all.length);
  const places = [];
  let line = 0;
  for (const block of page.blocks) {
    if (FURNITURE.has(block.type)) continue;
    const found = pictureLine(lines, block.id, line) ?? textLines(all, starts, letters(block.text), line);
    if (!found) continue;
    places.push({ id: block.id, ...found });
    line = found.to + 1;
  }
  return places;
}

function textLines(all, starts, text, line) {
  if (!text) return null;
  const key = text.slice(0, KEY);
  for (let from = line; from + 1 < starts.length; from += 1) {
    if (starts[from] === starts[from + 1] || !all.startsWith(key, starts[from])) continue;
    // Where the whole is not as the text says (a formula in it), the end is where its last letters are.
    let end = starts[from] + text.length;
    if (!all.startsWith(text, starts[from])) {
      const tail = text.slice(-12);
      const near = all.indexOf(tail, starts[from] + key.length - Math.min(12, key.length));
      if (near >= 0 && near < end + 200) end = near + tail.length;
    }
    let to = from;
    while (to + 2 < starts.length && starts[to + 1] < end) to += 1;
    if (text.length < KEY && starts[to + 1] !== end) continue; // the beginning of something longer
    return { from, to };
  }
  return null;
}

function pictureLine(lines, id, line) {
  for (let from = line; from < lines.length; from += 1) {
    if (lines[from].startsWith("![") && lines[from].includes(`/${id}.`)) return { from, to: from };
  }
  return null;
}

const ENTITIES = { amp: "&", lt: "<", gt: ">", quot: '"', nbsp: " " };

function shownOf(line) {
  return line
    .replace(/!\[[^\]]*\]\([^)]*\)/g, "")
    .replace(/\]\([^)\s]*\)/g, "]")
    .replace(/<\/?[a-z][^<>]*>/gi, "")
    .replace(/&([a-z]+);/g, (whole, name) => ENTITIES[name] ?? "");
}

const letters = (text) => (text || "").replace(/[^\p{L}\p{N}]+/gu, "");

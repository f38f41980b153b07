// Where on the page the doubts are: words that an element has and the page has not, and words of the page that no
// element has. Functions of their arguments; nothing is drawn here.

const MOST = 400000; // comparisons of words; beyond them the whole element is marked

const plain = (text) => text.normalize("NFKC").toLowerCase().replace(/[^\p{L}\p{N}]+/gu, "");

// The service counts characters; a string of JavaScript counts some of them twice.
function unit(text, characters) {
  let at = 0;
  for (let count = 0; count < characters && at < text.length; count += 1) at += text.codePointAt(at) > 0xffff ? 2 : 1;
  return at;
}

// Which word of `ours` is which of `theirs`, by the longest common subsequence: an array of indexes or -1.
function aligned(ours, theirs) {
  const [rows, cols] = [ours.length, theirs.length];
  const found = new Array(rows).fill(-1);
  if (!rows || !cols || rows * cols > MOST) return found;
  const wide = cols + 1;
  const best = new Uint16Array((rows + 1) * wide);
  for (let i = rows - 1; i >= 0; i -= 1) {
    for (let j = cols - 1; j >= 0; j -= 1) {
      const same = ours[i] && ours[i] === theirs[j];
      best[i * wide + j] = same
        ? best[(i + 1) * wide + j + 1] + 1
        : Math.max(best[(i + 1) * wide + j], best[i * wide + j + 1]);
    }
  }
  for (let i = 0, j = 0; i < rows && j < cols; ) {
    if (ours[i] && ours[i] === theirs[j]) found[i++] = j++;
    else if (best[(i + 1) * wide + j] >= best[i * wide + j + 1]) i += 1;
    else j += 1;
  }
  return found;
}

// Words side by side on one line become one box.
function lines(words) {
  const boxes = [];
  for (const [, x1, y1, x2, y2] of words) {
    const last = boxes[boxes.length - 1];
    const middle = (y1 + y2) / 2;
    if (last && middle > last[1] && middle < last[3] && x1 >= last[0]) {
      last[1] = Math.min(last[1], y1);
      last[2] = Math.max(last[2], x2);
      last[3] = Math.max(last[3], y2);
    } else {
      boxes.push([x1, y1, x2, y2]);
    }
  }
  return boxes;
}

// What stands between two words that are on the page, `before` and `after`; either may be missing.
function gap(before, after, [left, , right]) {
  const [, bx1, by1, bx2, by2] = before || [];
  const [, ax1, ay1, , ay2] = after || [];
  if (before && after && (ay1 + ay2) / 2 < by2 && (ay1 + ay2) / 2 > by1 && ax1 > bx1) {
    const [start, end] = [Math.min(bx2, ax1), Math.max(bx2, ax1)];
    const least = Math.max(0, (by2 - by1) * 0.6 - (end - start)) / 2;
    return [[start - least, by1, end + least, by2]];
  }
  if (before) return [[bx2, by1, Math.min(Math.max(right, bx2 + 4), bx2 + 2 * (by2 - by1)), by2]];
  return [[Math.max(Math.min(left, ax1 - 4), ax1 - 2 * (ay2 - ay1)), ay1, ax1, ay2]];
}

// Boxes for the stretches [start, end] of a block's text that are nowhere on the page. They are found by their
// neighbours: what the page has between the words before and after them, or the gap where it has nothing.
export function doubtful(block, stretches, words) {
  const [x1, y1, x2, y2] = block.bbox;
  const within = (words || []).filter(([, a, b, c, d]) => {
    const [x, y] = [(a + c) / 2, (b + d) / 2];
    return x >= x1 - 2 && x <= x2 + 2 && y >= y1 - 2 && y <= y2 + 2;
  });
  const found = [...block.text.matchAll(/\S+/g)];
  const said = found.map(({ 0: text, index }) => ({ text, start: index, end: index + text.length }));
  const to = aligned(said.map((word) => plain(word.text)), within.map((word) => plain(word[0])));
  const all = [[x1, y1, x2, y2]];
  return stretches.map((stretch) => {
    const [start, end] = stretch.map((characters) => unit(block.text, characters));
    const text = block.text.slice(start, end);
    const first = said.findIndex((word) => word.end > start);
    let last = first;
    while (last + 1 < said.length && said[last + 1].start < end) last += 1;
    if (first < 0) return { text, boxes: all };
    const before = Math.max(-1, ...to.slice(0, first));
    const later = to.slice(last + 1).find((at) => at >= 0);
    const after = later === undefined ? within.length : later;
    const between = within.slice(before + 1, after);
    if (before < 0 && later === undefined) return { text, boxes: all };
    // Many words between: the neighbours are too far away to say where it is.
    const none = !between.length || between.length > 4 * (last - first + 1) + 4;
    if (none) return { text, boxes: gap(within[before], within[after], block.bbox) };
    const told = between.filter((word) => plain(word[0]));
    return { text, boxes: lines(told.length ? told : between) };
  });
}

// Whether a person wrote the stretch: it is on no page, but nobody need doubt where it comes from.
export const wrote = (evidence, id, [start, end]) =>
  ((evidence.by_person && evidence.by_person[id]) || []).some(([from, to]) => from === start && to === end);

// All stretches of a page that are not on it: [{id, text, boxes, byPerson}].
export function doubts(page, evidence) {
  const found = [];
  const look = (block) => {
    const stretches = evidence.unsupported && evidence.unsupported[block.id];
    if (!stretches || !stretches.length || !block.bbox || !block.text) return;
    doubtful(block, stretches, evidence.words).forEach((mark, index) =>
      found.push({ id: block.id, ...mark, byPerson: wrote(evidence, block.id, stretches[index]) }),
    );
  };
  for (const block of page.blocks) {
    look(block);
    (block.items || []).forEach(look);
  }
  return found;
}

// One path around all words that no element has.
export function missing(evidence, grow = 2) {
  return ((evidence && evidence.words) || [])
    .filter(([, , , , , covered]) => !covered)
    .map(([, x1, y1, x2, y2]) => `M${x1 - grow} ${y1 - grow}H${x2 + grow}V${y2 + grow}H${x1 - grow}Z`)
    .join("");
}

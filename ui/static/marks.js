// Stretches of a block's text, found again in the elements that show it.
//
// The text of a block and what is shown of it differ in white space, in tabs between cells, and where markup became
// something else (a formula). Letters are walked side by side; where they part, the elements are searched a little
// ahead for the place where both go on.

const AHEAD = 400; // letters
const SURE = 4; // letters that must agree where both go on

// `stretches`: [start, end] in characters (code points) of `text`. Returns Ranges, one for each that is shown.
export function rangesOf(element, text, stretches) {
  const shown = lettersOf(element);
  const wanted = Array.from(text);
  const places = align(wanted, shown);
  const found = [];
  for (const [start, end] of stretches) {
    let first = -1;
    let last = -1;
    for (let index = start; index < end && index < wanted.length; index += 1) {
      if (places[index] < 0) continue;
      if (first < 0) first = places[index];
      last = places[index];
    }
    if (first < 0) continue;
    const range = document.createRange();
    range.setStart(shown[first].node, shown[first].at);
    range.setEnd(shown[last].node, shown[last].at + shown[last].letter.length);
    found.push({ range, text: wanted.slice(start, end).join("").trim() });
  }
  return found;
}

function lettersOf(element) {
  const walker = document.createTreeWalker(element, NodeFilter.SHOW_TEXT);
  const letters = [];
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    let at = 0;
    for (const letter of node.data) {
      if (letter.trim()) letters.push({ letter, node, at });
      at += letter.length;
    }
  }
  return letters;
}

// For each character of `wanted` the index of its letter in `shown`, or -1.
function align(wanted, shown) {
  const places = new Int32Array(wanted.length).fill(-1);
  let next = 0;
  for (let index = 0; index < wanted.length; index += 1) {
    if (!wanted[index].trim()) continue;
    if (next < shown.length && shown[next].letter === wanted[index]) {
      places[index] = next;
      next += 1;
      continue;
    }
    const ahead = after(wanted, index, shown, next);
    if (ahead >= 0) {
      places[index] = ahead;
      next = ahead + 1;
    }
  }
  return places;
}

function after(wanted, index, shown, next) {
  const key = [];
  for (let at = index; at < wanted.length && key.length < SURE; at += 1) if (wanted[at].trim()) key.push(wanted[at]);
  const end = Math.min(shown.length - key.length, next + AHEAD);
  for (let at = next; at <= end; at += 1) {
    if (key.every((letter, step) => shown[at + step].letter === letter)) return at;
  }
  return -1;
}

// Which lines of a text belong to which block, from the parts of it that the service names.

// `spans`: [id, start, end], in code points of `text`. Returns {id, from, to}: lines counted from 0, `to` the last.
export function linesOf(text, spans) {
  const starts = [0];
  for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", at + 1)) starts.push(at + 1);
  const unit = units(text);
  return spans.map(([id, start, end]) => {
    const first = unit(start);
    const last = first + text.slice(first, unit(end)).trimEnd().length - 1;
    return { id, from: lineAt(starts, first), to: lineAt(starts, Math.max(first, last)) };
  });
}

// The last line that begins at or before a place.
function lineAt(starts, place) {
  let low = 0;
  let high = starts.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (starts[middle] <= place) low = middle;
    else high = middle - 1;
  }
  return low;
}

// Strings are counted in units of 16 bits here: a letter beyond the first plane is two of them.
export function units(text) {
  const wide = [];
  let points = 0;
  for (let at = 0; at < text.length; at += 1, points += 1) {
    if (text.codePointAt(at) > 0xffff) {
      wide.push(points);
      at += 1;
    }
  }
  if (!wide.length) return (place) => place;
  return (place) => {
    let low = 0;
    let high = wide.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (wide[middle] < place) low = middle + 1;
      else high = middle;
    }
    return place + low;
  };
}

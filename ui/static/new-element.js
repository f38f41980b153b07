// What a new element is called, and where it comes in reading order.

// An id that no element of the page has: later corrections name the element by it.
export function freshId(page, taken = []) {
  const known = new Set([
    ...page.blocks.flatMap((block) => [block, ...(block.items || [])]).map(({ id }) => id),
    ...taken,
  ]);
  let count = 1;
  while (known.has(`p${page.page}u${count}`)) count += 1;
  return `p${page.page}u${count}`;
}

// Where a new element comes in reading order: after the selected one, or after what stands above it.
export function placeInOrder(page, bbox, selected) {
  const after = page.blocks.findIndex(
    ({ id, items }) => id === selected || (items || []).some((item) => item.id === selected),
  );
  if (after >= 0) return after + 1;
  const below = page.blocks.findIndex((block) => block.bbox && block.bbox[1] > bbox[1] && block.bbox[0] < bbox[2]);
  return below < 0 ? page.blocks.length : below;
}

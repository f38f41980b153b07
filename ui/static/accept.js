// What another reading says, as corrections of this page. Pure: pages and changes in, operations out.

import { freshId } from "./new-element.js";

// The operations that take the `chosen` of all `changes` from page `other` over into `page`. Changes are those of
// GET /pages/N/readings/JOB. One that does not fit the page any more (its element is gone) gives none.
export function corrections(page, other, changes, chosen, by) {
  const order = page.blocks.map(({ id }) => id); // as it stands after each operation
  const mine = new Map(page.blocks.map((block) => [block.id, block]));
  const theirs = new Map(other.blocks.map((block) => [block.id, block]));
  const taken = [];
  const here = new Map(); // id in the other reading -> id here
  for (const change of changes) if (change.block && change.other) here.set(change.other, change.block);
  const done = [];
  const say = (operation) => done.push({ ...operation, by });

  for (const change of inOrder(chosen, other)) {
    const block = mine.get(change.block);
    const fresh = theirs.get(change.other);
    if (change.change === "removed" && block) {
      say({ op: "delete", block: block.id });
      order.splice(order.indexOf(block.id), 1);
    } else if (change.change === "added" && fresh) {
      const id = freshId(page, taken);
      taken.push(id);
      const at = after(fresh.id);
      say({ op: "add", at, block: { ...bare(fresh), id } });
      order.splice(at, 0, id);
      here.set(fresh.id, id);
    } else if (change.change === "moved" && block && fresh) {
      edit(block, fresh);
      order.splice(order.indexOf(block.id), 1);
      const to = after(fresh.id);
      say({ op: "move", block: block.id, to });
      order.splice(to, 0, block.id);
    } else if (change.change === "changed" && block && fresh) edit(block, fresh);
  }
  return done;

  // Behind what stands before it in the other reading.
  function after(id) {
    const before = other.blocks
      .slice(
        0,
        other.blocks.findIndex((block) => block.id === id),
      )
      .reverse();
    const known = before.find((block) => order.includes(here.get(block.id)));
    return known ? order.indexOf(here.get(known.id)) + 1 : 0;
  }

  function edit(block, fresh) {
    if (replaces(block, fresh)) {
      const at = order.indexOf(block.id);
      const id = freshId(page, taken);
      taken.push(id);
      say({ op: "delete", block: block.id });
      say({ op: "add", at, block: { ...bare(fresh), id } });
      order.splice(at, 1, id);
      here.set(fresh.id, id);
      return;
    }
    const cells = (fresh.cells || []).filter((cell) => cellAt(block, cell).text !== cell.text);
    if (cells.length)
      say({ op: "edit", block: block.id, cells: cells.map(({ row, col, text }) => ({ row, col, text })) });
    if (!fresh.cells && fresh.text !== block.text) say({ op: "edit", block: block.id, text: fresh.text });
    if (fresh.type !== block.type) say({ op: "edit", block: block.id, type: fresh.type });
    if (fresh.level && fresh.level !== block.level) say({ op: "edit", block: block.id, level: fresh.level });
  }
}

// Whether the whole element is taken: a table of another shape, or something that becomes a table.
function replaces(block, fresh) {
  if (Boolean(block.cells) !== Boolean(fresh.cells)) return true;
  if (!fresh.cells) return false;
  if (block.type !== fresh.type || block.cells.length !== fresh.cells.length) return true;
  return fresh.cells.some((cell) => {
    const mine = cellAt(block, cell);
    return !mine || mine.rowspan !== cell.rowspan || mine.colspan !== cell.colspan;
  });
}

const cellAt = (block, { row, col }) => block.cells.find((cell) => cell.row === row && cell.col === col);

// A block as it is added: what the service writes itself is not sent back.
function bare(block) {
  const { html, confidence, agreement, origin, ...rest } = block;
  return rest.items ? { ...rest, items: rest.items.map((item) => ({ ...bare(item), id: "" })) } : rest;
}

// Removed ones first, so that nothing is placed behind them; then as the other reading has them.
function inOrder(changes, other) {
  const place = new Map(other.blocks.map(({ id }, index) => [id, index]));
  const rank = ({ change, other: id }) => (change === "removed" ? -1 : (place.get(id) ?? 0));
  return [...changes].sort((a, b) => rank(a) - rank(b));
}

"use strict";
(() => {
  const table = document.querySelector(".tree"), body = table.tBodies[0], heads = [...table.tHead.rows[0].cells];
  const nodes = [...body.rows].map((row) => ({ row, depth: Number(row.dataset.depth), within: [], open: true }));
  const around = [];
  for (const node of nodes) {
    around.length = node.depth;
    if (node.depth) around[node.depth - 1].within.push(node);
    around[node.depth] = node;
  }
  const roots = nodes.filter((node) => !node.depth);

  // Modules are shown in the order of their calls, or, each within the one around it, the costliest first.
  let column = -1;
  const cost = (node) => Number(node.row.cells[column].dataset.value);
  const show = () => {
    const walk = (siblings, visible) => {
      for (const node of column < 0 ? siblings : [...siblings].sort((one, other) => cost(other) - cost(one))) {
        node.row.hidden = !visible;
        node.button?.setAttribute("aria-expanded", String(node.open));
        body.append(node.row);
        walk(node.within, visible && node.open);
      }
    };
    walk(roots, true);
  };
  const button = (cell, press) => {
    const made = document.createElement("button");
    made.type = "button";
    made.append(...cell.childNodes);
    made.addEventListener("click", press);
    cell.append(made);
    return made;
  };
  for (const node of nodes.filter((each) => each.within.length)) {
    node.button = button(node.row.cells[0], () => {
      node.open = !node.open;
      show();
      node.button.focus(); // rows that are moved lose it
    });
  }
  heads.forEach((head, place) => {
    if (!("sorted" in head.dataset)) return;
    button(head, () => {
      column = column === place ? -1 : place;
      heads.forEach((each, at) => (at === column ? each.setAttribute("aria-sort", "descending") : each.removeAttribute("aria-sort")));
      show();
    });
  });
  const fold = (depth) => {
    for (const node of nodes) node.open = node.depth < depth;
    show();
  };
  const tools = document.querySelector("#modules .tools");
  tools.hidden = false;
  tools.addEventListener("click", (event) => {
    if (event.target.dataset.depth) fold(Number(event.target.dataset.depth));
  });
  fold(2);
})();

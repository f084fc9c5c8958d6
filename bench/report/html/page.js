"use strict";
(() => {
  const root = document.documentElement;
  root.classList.add("js");

  // Numbers by value and texts by their letters; what has no number comes last in either order.
  const compare = (a, b, sign) => {
    const empty = (cell) => cell.numeric && Number.isNaN(cell.key);
    if (empty(a) || empty(b)) return empty(a) - empty(b) || a.index - b.index;
    const order = a.numeric ? a.key - b.key : a.key.localeCompare(b.key, "en", { numeric: true });
    return sign * order || a.index - b.index;
  };

  const sort = (head) => {
    const table = head.closest("table");
    const body = table.tBodies[0];
    const before = head.getAttribute("aria-sort");
    const numeric = head.dataset.sort === "number";
    const direction = before ? (before === "ascending" ? "descending" : "ascending") : numeric ? "descending" : "ascending";
    for (const other of table.tHead.querySelectorAll("[aria-sort]")) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", direction);
    const rows = Array.from(body.rows, (row) => {
      const cell = row.cells[head.cellIndex];
      const key = numeric ? parseFloat(cell.dataset.key) : cell.textContent.trim();
      return { row, key, numeric, index: Number(row.dataset.index) };
    });
    rows.sort((a, b) => compare(a, b, direction === "ascending" ? 1 : -1));
    body.append(...rows.map(({ row }) => row));
  };

  for (const table of document.querySelectorAll("table.sortable")) {
    Array.from(table.tBodies[0].rows).forEach((row, index) => { row.dataset.index = index; });
    for (const head of table.tHead.querySelectorAll("th[data-sort]")) {
      const button = document.createElement("button");
      button.type = "button";
      button.append(...head.childNodes);
      head.append(button);
      button.addEventListener("click", () => sort(head));
    }
  }

  for (const form of document.querySelectorAll("form.choice")) {
    const boards = Array.from(form.parentElement.querySelectorAll(".board"));
    const show = () => {
      const chosen = Array.from(new FormData(form));
      for (const board of boards) board.hidden = chosen.some(([name, value]) => board.dataset[name] !== value);
    };
    form.hidden = false;
    form.addEventListener("change", show);
    form.addEventListener("submit", (event) => event.preventDefault());
    show();
  }

  // On paper nothing can be unfolded.
  const folded = new Set();
  addEventListener("beforeprint", () => {
    for (const details of document.querySelectorAll("details:not([open])")) {
      folded.add(details);
      details.open = true;
    }
  });
  addEventListener("afterprint", () => {
    for (const details of folded) details.open = false;
    folded.clear();
  });
})();

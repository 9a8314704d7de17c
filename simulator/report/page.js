"use strict";
for (const table of document.querySelectorAll("table.sortable")) {
  const heads = [...table.tHead.rows[0].cells];
  const body = table.tBodies[0];
  const value = (row, index, numeric) => {
    const text = row.cells[index].textContent.trim();
    if (!numeric) return text.toLowerCase();
    const number = parseFloat(text.replaceAll(",", ""));
    return Number.isNaN(number) ? -Infinity : number;
  };
  heads.forEach((head, index) => {
    head.querySelector("button").addEventListener("click", () => {
      const numeric = head.hasAttribute("data-number");
      const before = head.getAttribute("aria-sort");
      // Numbers are looked at from the largest down, names and the order of execution from the first on.
      const first = numeric && index > 0 ? "descending" : "ascending";
      const second = first === "ascending" ? "descending" : "ascending";
      const order = before === first ? second : first;
      const sign = order === "ascending" ? 1 : -1;
      const rows = [...body.rows];
      rows.sort((a, b) => {
        const x = value(a, index, numeric), y = value(b, index, numeric);
        return x < y ? -sign : x > y ? sign : value(a, 0, true) - value(b, 0, true);
      });
      heads.forEach((other) => other.setAttribute("aria-sort", "none"));
      head.setAttribute("aria-sort", order);
      body.append(...rows);
    });
  });
}
for (const input of document.querySelectorAll("input[data-filters]")) {
  const table = document.getElementById(input.dataset.filters);
  const status = document.querySelector(`[data-counts="${input.dataset.filters}"]`);
  input.addEventListener("input", () => {
    const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const row of table.tBodies[0].rows) {
      const text = row.textContent.toLowerCase();
      row.hidden = !words.every((word) => text.includes(word));
      shown += row.hidden ? 0 : 1;
    }
    status.textContent = `${shown} of ${table.tBodies[0].rows.length} layers`;
  });
}

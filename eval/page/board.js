"use strict";
(() => {
  const $$ = (sel, from) => Array.from((from || document).querySelectorAll(sel));
  const live = document.getElementById("live");
  const say = (text) => { if (live) { live.textContent = text; } };

  /* Theme: the system's, until the reader says otherwise. */
  const root = document.documentElement;
  const button = document.getElementById("theme");
  const dark = () => root.dataset.theme ? root.dataset.theme === "dark"
    : matchMedia("(prefers-color-scheme: dark)").matches;
  const show = () => {
    button.textContent = dark() ? "Light" : "Dark";
    button.setAttribute("aria-label", dark() ? "Switch to the light theme" : "Switch to the dark theme");
  };
  const store = (value) => {
    try {
      if (value) { localStorage.setItem("docassist-theme", value); }
      return localStorage.getItem("docassist-theme");
    } catch (e) {
      return null; /* files may have no storage */
    }
  };
  if (button) {
    const kept = store(null);
    if (kept === "dark" || kept === "light") { root.dataset.theme = kept; }
    show();
    button.addEventListener("click", () => {
      root.dataset.theme = dark() ? "light" : "dark";
      store(root.dataset.theme);
      show();
    });
  }

  /* Sorting: a button in each heading; rows without a value stay last. */
  const valueOf = (row, i) => {
    const cell = row.cells[i];
    const v = cell.dataset.v;
    if (v === undefined) { return cell.textContent.trim().toLowerCase() || null; }
    return v === "" ? null : Number(v);
  };
  const sortBy = (table, th, direction) => {
    const i = th.cellIndex;
    const rows = $$("tbody tr", table).map((row, k) => ({ row, k, v: valueOf(row, i) }));
    const sign = direction === "ascending" ? 1 : -1;
    rows.sort((a, b) => {
      if (a.v === null || b.v === null) { return (a.v === null) - (b.v === null) || a.k - b.k; }
      const d = typeof a.v === "number" && typeof b.v === "number" ? a.v - b.v
        : String(a.v).localeCompare(String(b.v), "en", { numeric: true });
      return sign * d || a.k - b.k;
    });
    rows.forEach((r) => r.row.classList.remove("group"));
    table.tBodies[0].append(...rows.map((r) => r.row));
    $$("thead th", table).forEach((h) => h.removeAttribute("aria-sort"));
    th.setAttribute("aria-sort", direction);
    say(`${table.caption ? table.caption.firstChild.textContent.trim() : "Table"}: sorted by ` +
        `${th.dataset.name}, ${direction}`);
  };
  $$("table.sortable").forEach((table) => {
    $$("thead th", table).forEach((th) => {
      const b = document.createElement("button");
      b.type = "button";
      b.append(...th.childNodes);
      th.append(b);
      b.addEventListener("click", () => {
        const now = th.getAttribute("aria-sort");
        const first = th.dataset.first || "ascending";
        const other = first === "ascending" ? "descending" : "ascending";
        sortBy(table, th, now === first ? other : first);
      });
    });
  });

  /* Filters: tasks by their boxes, models by what stands in the search field. */
  const boxes = $$("#controls input[type=checkbox]");
  const search = document.getElementById("find");
  const filter = () => {
    const off = new Set(boxes.filter((x) => !x.checked).map((x) => x.value));
    const words = search.value.trim().toLowerCase();
    /* The attribute, not the property: parts of charts have only the former. */
    const hide = (el, when) => el.toggleAttribute("hidden", when);
    $$("[data-task]").forEach((el) => hide(el, off.has(el.dataset.task)));
    $$("[data-model]").forEach((el) => {
      hide(el, words !== "" && !el.dataset.model.toLowerCase().includes(words));
    });
    const shown = new Set($$("table.sortable tr[data-model]").filter((r) => !r.hidden)
      .map((r) => r.dataset.model));
    say(`${shown.size} ${shown.size === 1 ? "model" : "models"} shown`);
  };
  const controls = document.getElementById("controls");
  if (controls) {
    controls.hidden = false;
    boxes.forEach((x) => x.addEventListener("change", filter));
    search.addEventListener("input", filter);
  }
})();

/* Run in the page by tests/cli/leaderboard_page.t; returns a line for each check. */
(() => {
  const lines = [];
  const ok = (good, name) => lines.push(`${good ? "ok" : "not ok"} ${name}`);
  const same = (got, want, name) => {
    ok(JSON.stringify(got) === JSON.stringify(want), name);
    if (JSON.stringify(got) !== JSON.stringify(want)) { lines.push(`# got ${JSON.stringify(got)}`); }
  };
  const table = document.querySelector("#scores-average table");
  const names = (t) => Array.from(t.tBodies[0].rows).filter((r) => !r.hidden)
    .map((r) => r.dataset.model);
  const heading = (t, name) => t.querySelector(`th[data-name="${name}"]`);
  const visible = (el) => el.getClientRects().length > 0;

  /* Sorting. */
  const good = "tall & <b>bold</b> Q4_0";
  same(names(table), [good, "near|twin", "lead3", "noise"], "rows stand by rank at first");
  heading(table, "ROUGE-1").querySelector("button").click();
  same(names(table), [good, "near|twin", "lead3", "noise"], "a score sorts downwards first");
  same(heading(table, "ROUGE-1").getAttribute("aria-sort"), "descending", "aria-sort says so");
  heading(table, "ROUGE-1").querySelector("button").click();
  same(names(table), ["noise", "lead3", "near|twin", good], "again: upwards");
  same(heading(table, "ROUGE-1").getAttribute("aria-sort"), "ascending", "aria-sort says so too");
  heading(table, "Model").querySelector("button").click();
  same(names(table), ["lead3", "near|twin", "noise", good], "names sort upwards first");
  same(table.querySelectorAll("[aria-sort]").length, 1, "one column is sorted at a time");
  ok(/sorted by Model, ascending/.test(document.getElementById("live").textContent),
    "the change is announced");
  const summ = document.querySelector("#scores-question_suggestion table");
  heading(summ, "Diversity").querySelector("button").click();
  const last = names(summ).slice(-2);
  same(last.includes("lead3") && last.includes("noise"), true, "rows without a value stay last");

  /* Filters. */
  const box = document.querySelector('#controls input[value="summarization"]');
  const answers = document.querySelector("#scores-summarization");
  ok(visible(answers), "the task is shown at first");
  box.click();
  ok(!visible(answers), "its box hides it");
  ok(visible(document.querySelector("#scores-question_answering")), "... and no other");
  box.click();
  ok(visible(answers), "and brings it back");
  const find = document.getElementById("find");
  find.value = "LEAD";
  find.dispatchEvent(new Event("input"));
  same(names(table), ["lead3"], "a model is found by part of its name");
  same(Array.from(document.querySelectorAll("svg g[data-model]")).filter(visible)
    .map((g) => g.dataset.model), ["lead3"], "... in charts, too");
  find.value = "";
  find.dispatchEvent(new Event("input"));
  same(names(table).length, 4, "nothing to find: all rows");

  /* Theme. */
  const before = getComputedStyle(document.body).backgroundColor;
  document.getElementById("theme").click();
  ok(getComputedStyle(document.body).backgroundColor !== before, "the theme changes");
  document.getElementById("theme").click();
  same(getComputedStyle(document.body).backgroundColor, before, "... and changes back");

  /* What assistive technology needs. */
  ok(Array.from(document.querySelectorAll("table")).every((t) => t.caption), "tables have captions");
  ok(Array.from(document.querySelectorAll("th")).every((t) => t.scope), "headings have a scope");
  ok(Array.from(document.querySelectorAll("svg")).every((s) =>
    s.getAttribute("aria-hidden") === "true" || s.querySelector("title")), "charts have titles");
  const controls = Array.from(document.querySelectorAll("button, a, input, summary"));
  ok(controls.every((e) => e.tabIndex >= 0), "the keyboard reaches every control");
  ok(controls.every((e) => (e.textContent + (e.labels && e.labels.length ? e.labels[0].textContent : "") +
    (e.getAttribute("aria-label") || "")).trim()), "... and each has a name");
  const first = document.querySelector("a, button, input");
  ok(first.matches(".skip") && first.getAttribute("href").startsWith("#"), "the first one skips the head");
  const sorter = heading(table, "ROUGE-2").querySelector("button");
  sorter.focus({focusVisible: true});
  ok(document.activeElement === sorter && getComputedStyle(sorter).outlineStyle !== "none",
    "focus shows");
  sorter.blur();
  const ids = Array.from(document.querySelectorAll("[id]")).map((e) => e.id);
  same(new Set(ids).size, ids.length, "ids are unique");
  ok(Array.from(document.querySelectorAll('a[href^="#"]')).every((a) =>
    document.getElementById(a.getAttribute("href").slice(1))), "links lead somewhere");
  ok(Array.from(document.querySelectorAll("[aria-labelledby]")).every((e) =>
    document.getElementById(e.getAttribute("aria-labelledby"))), "labels exist");
  const levels = Array.from(document.querySelectorAll("h1, h2, h3, h4, h5"))
    .map((h) => Number(h.tagName[1]));
  ok(levels.every((l, i) => i === 0 || l <= levels[i - 1] + 1), "headings skip no level");

  /* Text stays text. */
  same(document.querySelectorAll("main script, main b b").length, 0, "no markup from names or answers");
  ok(document.body.textContent.includes("<script>alert('x')</script> the"), "an answer as it was");
  ok(document.documentElement.scrollWidth <= innerWidth, "nothing sticks out sideways");
  lines.push("done");
  return lines.join("\n");
})();

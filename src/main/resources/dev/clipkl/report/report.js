/* The report's own script: theme, charts and token tables. Texts are only ever set as text. */
(() => {
  "use strict";

  const data = JSON.parse(document.getElementById("data").textContent);
  const WIDE_HEIGHT = 340;
  const LONGEST_BAR = 4;
  const MOST_ROWS_LISTED = 400;

  function add(parent, name, className, text) {
    const element = document.createElement(name);
    if (className) {
      element.className = className;
    }
    if (text !== undefined) {
      element.textContent = text;
    }
    parent.append(element);
    return element;
  }

  /* Theme: the style sheets ask what the reader's system prefers; the button answers in its place. */

  const prefersDark = matchMedia("(prefers-color-scheme: dark)");
  const darkRules = Array.from(document.styleSheets)
    .flatMap(sheet => Array.from(sheet.cssRules))
    .filter(rule => rule instanceof CSSMediaRule && rule.media.mediaText.includes("prefers-color-scheme"));
  const themeButton = document.getElementById("theme");
  let dark = prefersDark.matches;

  function paint(isDark) {
    darkRules.forEach(rule => {
      rule.media.mediaText = isDark ? "all" : "not all";
    });
    document.documentElement.style.colorScheme = isDark ? "dark" : "light";
    themeButton.setAttribute("aria-pressed", String(isDark));
    document.dispatchEvent(new Event("clipkl-theme"));
  }

  function setDark(isDark) {
    dark = isDark;
    paint(dark);
  }

  themeButton.setAttribute("aria-pressed", String(dark));
  themeButton.addEventListener("click", () => setDark(!dark));
  prefersDark.addEventListener("change", event => setDark(event.matches));
  // Paper is white.
  addEventListener("beforeprint", () => paint(false));
  addEventListener("afterprint", () => paint(dark));

  /* Charts: those of one family share a place, with a choice between them. */

  const grid = document.getElementById("chart-grid");
  const families = new Map();
  data.charts.forEach(chart => {
    families.set(chart.family, [...(families.get(chart.family) || []), chart]);
  });
  let shownRuns = new Set(data.groups[0].runs);
  const redraws = [];

  function curves(chart) {
    return chart.curves
      .filter(curve => curve.run < 0 || shownRuns.has(curve.run))
      .map(({label, x, y, line, points, dashed, style}) =>
        ({label, x, values: y, line, points, dashed, style}));
  }

  function place(charts, wide) {
    const root = add(grid, "div", wide ? "wide" : "");
    root.dataset.family = charts[0].family;
    const body = add(root, "div");
    const choices = charts.length > 1 ? add(body, "div", "chart-choices screen") : null;
    let drawn = null;

    function draw(chart) {
      if (drawn) {
        if (choices) {
          body.append(choices);
        }
        drawn.destroy();
      }
      const kind = chart.plane ? clipklCharts.plane : clipklCharts.line;
      drawn = kind(body, {
        title: chart.title,
        ...(wide ? {height: WIDE_HEIGHT} : {}),
        x: chart.x,
        y: chart.y,
        series: curves(chart),
      });
      if (choices) {
        body.querySelector(".clipkl-chart-head").after(choices);
      }
    }

    let current = charts[0];
    const buttons = charts.map(chart => {
      if (!choices) {
        return null;
      }
      const button = add(choices, "button", "", chart.choice);
      button.type = "button";
      button.addEventListener("click", () => {
        current = chart;
        press();
        draw(current);
      });
      return button;
    });
    function press() {
      buttons.forEach((button, i) =>
        button && button.setAttribute("aria-pressed", String(charts[i] === current)));
    }
    if (choices) {
      choices.setAttribute("role", "group");
      choices.setAttribute("aria-label", charts[0].title + ": against");
    }
    press();
    draw(current);
    redraws.push(() => draw(current));
  }

  if (grid) {
    for (const [family, charts] of families) {
      place(charts, family === "gap" || family === "frontier");
    }
    const groups = document.getElementById("groups");
    if (data.groups.length > 1) {
      groups.hidden = false;
      const buttons = data.groups.map((group, i) => {
        const button = add(groups, "button", "", group.label);
        button.type = "button";
        button.setAttribute("aria-pressed", String(i === 0));
        button.addEventListener("click", () => {
          shownRuns = new Set(group.runs);
          buttons.forEach((other, k) => other.setAttribute("aria-pressed", String(k === i)));
          redraws.forEach(redraw => redraw());
        });
        return button;
      });
    }
  }

  /* Tokens */

  const search = document.getElementById("token-search");
  if (!search) {
    return;
  }
  const problem = document.getElementById("token-problem");
  const order = document.getElementById("token-order");
  const list = document.getElementById("token-rows");
  const count = document.getElementById("token-count");
  const heading = document.getElementById("token-row");
  const moved = document.getElementById("token-moved");
  const table = document.getElementById("token-table");
  let tokens = data.tokens[0];
  let current = 0;

  const nameOf = row => tokens.rows[row].name ?? tokens.rowKind + " " + row;

  /* Three decimals each, so that the points of a column stand below one another. */
  function percent(share) {
    const value = share * 100;
    return value > 0 && value < 0.0005 ? "<0.001" : value.toFixed(3);
  }

  function signed(share) {
    const value = share * 100;
    return (value < 0 ? "−" : "+") + Math.abs(value).toFixed(3);
  }

  const rounded = share => (share * 100).toFixed(1) + "%";

  const plain = text => text.toLowerCase().replaceAll(" ", "␣");

  /* A prompt as it is written, a token as it is shown: a space matches both. */
  function matches(row, wanted) {
    return wanted === ""
      || plain(nameOf(row)).includes(wanted)
      || tokens.rows[row].tokens.some(token => plain(tokens.tokens[token]).includes(wanted));
  }

  function showList() {
    const wanted = plain(search.value);
    const place = Number(order.value);
    const found = tokens.rows.map((row, i) => i).filter(row => matches(row, wanted));
    const listed = found.slice(0, MOST_ROWS_LISTED);
    list.replaceChildren();
    listed.forEach(row => {
      const button = add(add(list, "li"), "button");
      button.type = "button";
      button.dataset.row = String(row);
      add(button, "span", "name", nameOf(row));
      add(button, "span", "share", rounded(tokens.rows[row].moved[place]));
      button.addEventListener("click", () => choose(row));
    });
    count.textContent = found.length === tokens.rows.length
      ? `${found.length} ${tokens.rowKind}s`
      : `${found.length} of ${tokens.rows.length} ${tokens.rowKind}s`;
    if (listed.length < found.length) {
      count.textContent += `, the first ${listed.length} listed`;
    }
    if (found.length === 0) {
      heading.textContent = "Nothing found";
      moved.textContent = "";
      table.replaceChildren();
    } else {
      choose(found.includes(current) ? current : found[0]);
    }
  }

  function choose(row) {
    current = row;
    list.querySelectorAll("button").forEach(button => {
      const chosen = Number(button.dataset.row) === row;
      if (chosen) {
        button.setAttribute("aria-current", "true");
      } else {
        button.removeAttribute("aria-current");
      }
    });
    showRow();
  }

  function showRow() {
    const {moved: shares, tokens: columns, reference, policies} = tokens.rows[current];
    const wanted = plain(search.value);
    const place = Number(order.value);
    const labels = tokens.runs.map(run => data.runs[run]);
    heading.textContent = nameOf(current);
    moved.textContent = "Moved from the reference: "
      + labels.map((label, i) => `${label} ${rounded(shares[i])}`).join(", ") + " of the mass.";
    table.replaceChildren();
    const head = add(add(table, "thead"), "tr");
    for (const [text, className] of [
      ["token", ""], ["reference %", "number"],
      ...labels.flatMap(label => [[label + " %", "number"], ["change", "number"]]),
    ]) {
      const cell = add(head, "th", className, text);
      cell.scope = "col";
    }
    const change = (i, k) => policies[i][k] - reference[k];
    const all = columns.map((token, k) => k).sort((a, b) => change(place, b) - change(place, a));
    const most = Math.max(...policies.flatMap((policy, i) => policy.map((p, k) => Math.abs(change(i, k)))));
    const groups = [
      ["Gained", all.filter(k => change(place, k) > 0)],
      ["Lost", all.filter(k => change(place, k) <= 0).reverse()],
    ];
    for (const [title, ks] of groups) {
      if (ks.length === 0) {
        continue;
      }
      const body = add(table, "tbody");
      const row = add(body, "tr", "standing");
      const cell = add(row, "th", "", title);
      cell.scope = "rowgroup";
      cell.colSpan = 2 + 2 * labels.length;
      ks.forEach(k => showToken(body, k, wanted));
    }

    function showToken(body, k, wanted) {
      const token = columns[k];
      const text = tokens.tokens[token];
      const found = wanted !== "" && plain(text).includes(wanted);
      const row = add(body, "tr", found ? "found" : "");
      const name = add(row, "th");
      name.scope = "row";
      name.title = "token " + token;
      add(name, "span", "token", text);
      add(row, "td", "number", percent(reference[k]));
      policies.forEach((policy, i) => {
        add(row, "td", "number", percent(policy[k]));
        const cell = add(row, "td", "number");
        add(cell, "span", "change", signed(change(i, k)));
        const bar = add(add(cell, "span", "track"), "span", "bar " + (change(i, k) < 0 ? "loss" : "gain"));
        bar.style.width = (Math.abs(change(i, k)) / most) * LONGEST_BAR + "rem";
      });
    }
  }

  function useProblem() {
    tokens = data.tokens[problem ? problem.selectedIndex : 0];
    current = 0;
    order.replaceChildren();
    tokens.runs.forEach((run, i) => {
      const option = add(order, "option", "", data.runs[run]);
      option.value = String(i);
    });
    showList();
  }

  list.addEventListener("keydown", event => {
    const step = {ArrowDown: "nextElementSibling", ArrowUp: "previousElementSibling"}[event.key];
    const item = step && event.target.closest("li")[step];
    if (item) {
      item.firstElementChild.focus();
      item.firstElementChild.click();
      event.preventDefault();
    }
  });
  search.addEventListener("input", showList);
  order.addEventListener("change", showList);
  if (problem) {
    problem.addEventListener("change", useProblem);
  }
  useProblem();
})();

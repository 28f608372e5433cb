/* The live page of a run: one stream of events in, charts and one line of progress out. */
(() => {
  "use strict";

  const MOST_POINTS = 4000;
  const HEIGHT = 220;

  /* Metrics by chart. */
  const CHARTS = [
    {
      title: "Gap to the optimum",
      unit: "reward",
      log: true,
      lines: [["objective/gap", "gap"]],
      tolerance: true,
    },
    {
      title: "Value",
      unit: "reward",
      lines: [
        ["objective/value", "value"],
        ["objective/optimum", "optimum", {dashed: true, style: 0}],
      ],
    },
    {title: "Reward", unit: "", lines: [["objective/reward", "expected reward"]]},
    {
      title: "KL divergences",
      unit: "nats",
      lines: [
        ["objective/kl_policy_to_reference", "policy to reference"],
        ["objective/kl_reference_to_policy", "reference to policy"],
      ],
    },
    {title: "Entropy", unit: "nats", lines: [["objective/entropy", "entropy"]]},
    {
      title: "Clip fractions",
      unit: "mass under p_old",
      lines: [
        ["policy/clipfrac_binding", "binding"],
        ["policy/clipfrac_outside_band", "outside the band"],
      ],
    },
    {title: "Step size", unit: "", lines: [["policy/step_size", "step size"]]},
    {
      title: "Speed",
      unit: "entries/s",
      lines: [["throughput/entries_per_second", "entries per second"]],
    },
  ];

  /* What the line under the name says of the configuration. */
  const SUMMARY = [
    "objective.divergence", "objective.lambda", "objective.clip-epsilon", "optimizer.kind",
    "optimizer.step-rule", "optimizer.inner-steps", "run.engine",
  ];

  const byId = id => document.getElementById(id);
  const {format} = clipklCharts;

  let run = null;
  let rows = [];
  let charts = [];
  let stale = false;
  let over = false;

  const column = name => run.columns.indexOf(name) + 1;

  function lines(chart, positions) {
    const list = chart.lines.map(([metric, label, look]) =>
      ({label, values: rows.map(row => row[column(metric)]), ...look}));
    if (chart.tolerance && run.tolerance > 0) {
      list.push({
        label: "tolerance", values: positions.map(() => run.tolerance), dashed: true, style: 1,
      });
    }
    return list;
  }

  function drawAll() {
    if (document.hidden) {
      stale = true;
      return;
    }
    stale = false;
    const positions = rows.map(row => row[0]);
    charts.forEach((chart, i) =>
      chart.update({x: {values: positions}, series: lines(CHARTS[i], positions)}));
  }

  function createCharts() {
    const main = byId("charts");
    main.replaceChildren();
    charts = CHARTS.map(chart => {
      const box = document.createElement("div");
      main.append(box);
      return clipklCharts.line(box, {
        title: chart.title,
        height: HEIGHT,
        x: {label: "outer iteration", values: []},
        y: {label: chart.unit, log: chart.log},
        series: lines(chart, []),
      });
    });
  }

  function showStatus(text, kind) {
    const status = byId("status");
    status.textContent = text;
    status.className = kind;
  }

  function showRun() {
    document.title = run.name + " - clipkl";
    byId("name").textContent = run.name;
    byId("summary").textContent = SUMMARY
      .filter(key => key in run.configuration)
      .map(key => key.slice(key.indexOf(".") + 1) + " " + run.configuration[key])
      .join(", ");
    byId("configuration").replaceChildren(
      ...Object.entries(run.configuration).map(([key, value]) => {
        const row = document.createElement("tr");
        const name = document.createElement("th");
        name.scope = "row";
        name.textContent = key;
        const cell = document.createElement("td");
        cell.textContent = value;
        row.append(name, cell);
        return row;
      }));
  }

  function duration(seconds) {
    const whole = Math.round(seconds);
    if (whole < 120) {
      return whole + " s";
    }
    return whole < 7200 ? Math.round(whole / 60) + " min" : (whole / 3600).toFixed(1) + " h";
  }

  function showState(news) {
    const last = rows.at(-1);
    if (!last) {
      return;
    }
    const parts = [
      `outer iteration ${last[0]} of at most ${run.outer_iterations}`,
      `gap ${format(last[column("objective/gap")])}`,
      `tolerance ${format(run.tolerance)}`,
      duration(last[column("time/seconds")]) + " of training",
    ];
    if (!over && news.seconds_left !== undefined) {
      const end = new Date(Date.now() + news.seconds_left * 1000);
      parts.push(`about ${duration(news.seconds_left)} left, until ${end.toLocaleTimeString()}`);
    }
    byId("state").textContent = parts.join(", ");
    byId("progress").value = news.fraction;
  }

  function addNotes(notes) {
    for (const note of notes) {
      const item = document.createElement("li");
      item.textContent = note;
      byId("notes").append(item);
    }
  }

  /* Every other row goes, never the last. */
  function thin() {
    if (rows.length > MOST_POINTS) {
      const last = rows.length - 1;
      rows = rows.filter((row, i) => i % 2 === 0 || i === last);
    }
  }

  const events = new EventSource("events");

  events.addEventListener("run", event => {
    run = JSON.parse(event.data);
    if (run.anew) {
      rows = [];
      byId("notes").replaceChildren();
      showRun();
      createCharts();
    }
    showStatus("running", "running");
  });

  events.addEventListener("news", event => {
    const news = JSON.parse(event.data);
    rows.push(...news.rows);
    thin();
    addNotes(news.notes);
    if (news.end !== undefined) {
      over = true;
      events.close();
      showStatus("ended: " + news.end, "");
    }
    showState(news);
    drawAll();
  });

  events.addEventListener("error", () => {
    if (!over) {
      showStatus("no connection; trying again", "lost");
    }
  });

  document.addEventListener("visibilitychange", () => {
    if (stale) {
      drawAll();
    }
  });
})();

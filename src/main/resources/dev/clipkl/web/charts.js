/* Line charts by uPlot in one style: a legend with live values, zoom, a logarithmic axis, a keyboard.
 *
 * clipklCharts.line(element, options) draws into an element and returns {update, destroy}.
 *   title     text
 *   height    of the plot in pixels; 240 if not given
 *   x         {label, values}: ascending numbers
 *   y         {label, log}: log is whether the axis starts logarithmic
 *   series    [{label, values, x, dashed, style}]: values are numbers, or null for a gap; x, if given,
 *             are this series' own ascending positions; dashed draws it thin and dotted, as a bound or
 *             an optimum; style is the number of its colour and dash, if not its place in the list
 * update(changes) takes any of these again. Zoom, cursor and hidden series stay.
 *
 * Charts follow the page's colours: when a page changes these, it dispatches "clipkl-theme" on document.
 *
 * Texts are only ever set as text, never as markup. */
const clipklCharts = (() => {
  "use strict";

  const HEIGHT = 240;
  const COLOURS = 7;
  const DASHES = [[], [10, 4], [9, 3, 2, 3], [5, 3], [14, 4, 5, 4], [9, 3, 2, 3, 2, 3], [3, 5]];
  const DOTS = [2, 3];
  const LEAST_DRAG = 8;
  const ZOOM = 2;
  const TICK_DISTANCE = 28;
  const DIGIT_WIDTH = 7.5;
  const FONT = "12px system-ui, sans-serif";
  const NO_NUMBER = "–";

  const isNumber = value => typeof value === "number" && Number.isFinite(value);

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

  /* Six digits, or a power of ten where zeros would hide them. */
  function format(value) {
    if (!isNumber(value)) {
      return NO_NUMBER;
    }
    const size = Math.abs(value);
    return size !== 0 && (size < 1e-3 || size >= 1e7)
      ? value.toExponential(3).replace(/\.?0+e/, "e")
      : String(Number(value.toPrecision(6)));
  }

  /* Digits after the point that a number needs; never more than nine. */
  function digitsOf(value) {
    let digits = 0;
    while (digits < 9 && Math.abs(value * 10 ** digits - Math.round(value * 10 ** digits)) > 1e-6) {
      digits++;
    }
    return digits;
  }

  /* As many digits as tell two ticks apart. */
  function formatTick(value, step) {
    if (value === 0) {
      return "0";
    }
    const size = Math.max(Math.abs(value), step);
    if (size < 1e6 && size >= 1e-3) {
      return value.toFixed(digitsOf(step));
    }
    const unit = 10 ** Math.floor(Math.log10(Math.abs(value)) + 1e-9);
    return value.toExponential(digitsOf(step / unit)).replace(/\.?0+e/, "e");
  }

  /* Of a logarithmic axis. */
  function formatPower(value) {
    return value >= 1e-3 && value < 1e5
      ? String(Number(value.toPrecision(3)))
      : value.toExponential(0);
  }

  /* Ticks of a logarithmic axis: 1, 2 and 5 of each power of ten, or as few powers as fit. */
  function powersOfTen(min, max, most) {
    const first = Math.floor(Math.log10(min) + 1e-9);
    const last = Math.ceil(Math.log10(max) - 1e-9);
    const steps = last - first < most / 3 ? [1, 2, 5] : [1];
    const stride = Math.max(1, Math.ceil((last - first) / most));
    const ticks = [];
    for (let power = Math.ceil(first / stride) * stride; power <= last; power += stride) {
      for (const step of steps) {
        const tick = Number(step + "e" + power);
        if (tick >= min * (1 - 1e-9) && tick <= max * (1 + 1e-9)) {
          ticks.push(tick);
        }
      }
    }
    return ticks;
  }

  const axisWidth = texts =>
    Math.max(40, 14 + DIGIT_WIDTH * texts.reduce((most, text) => Math.max(most, text.length), 0));

  const colour = name =>
    getComputedStyle(document.documentElement).getPropertyValue(name).trim();

  class LineChart {
    constructor(element, options) {
      this.options = {height: HEIGHT, ...options};
      this.hidden = new Set();
      this.zoom = null;
      this.plot = null;
      this.log = Boolean(options.y && options.y.log);

      this.root = add(element, "figure", "clipkl-chart");
      const head = add(this.root, "div", "clipkl-chart-head");
      this.title = add(head, "div", "clipkl-chart-title");
      this.logButton = add(head, "button", "", "log");
      this.logButton.type = "button";
      this.logButton.addEventListener("click", () => this.setLog(!this.log));
      this.frame = add(this.root, "div", "clipkl-chart-plot");
      this.frame.tabIndex = 0;
      this.frame.setAttribute("role", "group");
      this.frame.setAttribute("aria-roledescription", "chart");
      this.frame.addEventListener("keydown", event => this.onKey(event));
      this.legend = add(this.root, "div", "clipkl-legend");
      this.summary = add(this.root, "div", "clipkl-hidden");
      this.spoken = add(this.root, "div", "clipkl-hidden");
      this.spoken.setAttribute("aria-live", "polite");

      this.build();
      this.resizing = new ResizeObserver(() => this.resize());
      this.resizing.observe(this.frame);
      this.theme = matchMedia("(prefers-color-scheme: dark)");
      this.onTheme = () => this.build();
      this.theme.addEventListener("change", this.onTheme);
      document.addEventListener("clipkl-theme", this.onTheme);
    }

    update(changes) {
      const before = this.options.series.map(series => series.label + " " + series.style);
      const options = {...this.options, ...changes};
      options.x = {...this.options.x, ...changes.x};
      options.y = {...this.options.y, ...changes.y};
      this.options = options;
      const after = options.series.map(series => series.label + " " + series.style);
      const same =
        this.plot && before.length === after.length && before.every((key, i) => key === after[i]);
      if (!same || changes.height || changes.y || (changes.x && changes.x.label)) {
        this.build();
        return;
      }
      this.title.textContent = options.title;
      this.data = this.table();
      this.plot.batch(() => {
        this.plot.setData(this.data, this.zoom === null);
        this.applyZoom();
      });
      this.showValues();
      this.describe();
    }

    destroy() {
      this.theme.removeEventListener("change", this.onTheme);
      document.removeEventListener("clipkl-theme", this.onTheme);
      this.resizing.disconnect();
      if (this.plot) {
        this.plot.destroy();
      }
      this.root.remove();
    }

    /* uPlot's columns: positions, then each series'. */
    table() {
      const values = series =>
        Array.from(series.values, y => (isNumber(y) && !(this.log && y <= 0) ? y : null));
      const common = this.options.x.values || [];
      const {series} = this.options;
      return series.some(one => one.x)
        ? uPlot.join(series.map(one => [one.x || common, values(one)]))
        : [common, ...series.map(values)];
    }

    style(index) {
      const {dashed, style = index} = this.options.series[index];
      return {
        stroke: colour("--series-" + (style % COLOURS)),
        dash: dashed ? DOTS : DASHES[style % DASHES.length],
        width: dashed ? 1.5 : 2,
      };
    }

    build() {
      const {title} = this.options;
      this.title.textContent = title;
      this.frame.setAttribute(
        "aria-label",
        title + ": chart. Arrow keys move the cursor, plus and minus zoom, 0 shows everything.");
      this.logButton.setAttribute("aria-label", title + ": logarithmic axis");
      this.logButton.setAttribute("aria-pressed", String(this.log));
      this.data = this.table();
      if (this.plot) {
        this.plot.destroy();
      }
      this.plot = new uPlot(this.plotOptions(), this.data, this.frame);
      this.applyZoom();
      this.buildLegend();
      this.showValues();
      this.describe();
    }

    plotOptions() {
      const {height, x, y = {}, series} = this.options;
      return {
        width: this.width(),
        height,
        legend: {show: false},
        cursor: {
          y: false,
          drag: {x: true, y: false, setScale: false},
          bind: {dblclick: () => () => this.setZoom(null)},
        },
        scales: {x: {time: false}, y: this.log ? {distr: 3, log: 10} : {}},
        axes: [
          {...this.axis(x.label, false), size: 32},
          {...this.axis(y.label, this.log), size: (plot, texts) => axisWidth(texts || [])},
        ],
        series: [
          {},
          ...series.map((one, i) => ({
            ...this.style(i),
            show: !this.hidden.has(one.label),
            // A line needs two points; marks on it would hide its dashes.
            points: {show: () => this.data[0].length <= 1, size: 5},
          })),
        ],
        hooks: {
          setCursor: [() => this.showValues()],
          setSelect: [() => this.onDrag()],
        },
      };
    }

    axis(label, log) {
      const most = this.options.height / TICK_DISTANCE;
      return {
        label,
        labelFont: FONT,
        labelSize: label ? 18 : 0,
        font: FONT,
        stroke: colour("--faint-text"),
        grid: {stroke: colour("--grid"), width: 1},
        ticks: {stroke: colour("--grid"), width: 1},
        ...(log
          ? {
            splits: (plot, index, min, max) => powersOfTen(min, max, most),
            filter: (plot, ticks) => ticks,
            values: (plot, ticks) => ticks.map(formatPower),
          }
          : {
            values: (plot, ticks, index, space, step) =>
              ticks.map(tick => formatTick(tick, step)),
          }),
      };
    }

    width() {
      return Math.max(this.frame.clientWidth, 1);
    }

    resize() {
      if (this.plot.width !== this.width()) {
        this.plot.setSize({width: this.width(), height: this.options.height});
      }
    }

    buildLegend() {
      this.legend.replaceChildren();
      this.position = add(this.legend, "span", "clipkl-legend-x");
      this.values = this.options.series.map(({label}, i) => {
        const button = add(this.legend, "button");
        button.type = "button";
        button.setAttribute("aria-pressed", String(!this.hidden.has(label)));
        button.append(this.sample(i));
        add(button, "span", "clipkl-legend-label", label);
        button.addEventListener("click", () => this.toggle(i, button));
        return add(button, "span", "clipkl-legend-value");
      });
    }

    /* A piece of the line, so that the dash tells it as well as the colour. */
    sample(index) {
      const {stroke, dash, width} = this.style(index);
      const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
      svg.setAttribute("width", "28");
      svg.setAttribute("height", "10");
      svg.setAttribute("aria-hidden", "true");
      const line = document.createElementNS("http://www.w3.org/2000/svg", "line");
      const attributes = {
        x1: 0, x2: 28, y1: 5, y2: 5,
        stroke, "stroke-width": width, "stroke-dasharray": dash.join(" ") || "none",
      };
      for (const [name, value] of Object.entries(attributes)) {
        line.setAttribute(name, String(value));
      }
      svg.append(line);
      return svg;
    }

    toggle(index, button) {
      const {label} = this.options.series[index];
      const show = this.hidden.delete(label);
      if (!show) {
        this.hidden.add(label);
      }
      button.setAttribute("aria-pressed", String(show));
      this.plot.setSeries(index + 1, {show});
      this.describe();
    }

    setLog(log) {
      this.log = log;
      this.build();
    }

    applyZoom() {
      if (this.zoom !== null) {
        this.plot.setScale("x", this.zoom);
      }
    }

    /* null shows everything. */
    setZoom(zoom) {
      this.zoom = zoom;
      const [positions] = this.data;
      if (zoom !== null) {
        this.plot.setScale("x", zoom);
      } else if (positions.length > 0) {
        this.plot.setData(this.data, true);
      }
    }

    onDrag() {
      const {left, width} = this.plot.select;
      if (width < LEAST_DRAG) {
        return;
      }
      const min = this.plot.posToVal(left, "x");
      const max = this.plot.posToVal(left + width, "x");
      this.plot.setSelect({left: 0, top: 0, width: 0, height: 0}, false);
      this.setZoom({min, max});
    }

    onKey(event) {
      if (event.target !== this.frame || event.ctrlKey || event.altKey || event.metaKey) {
        return;
      }
      const last = this.data[0].length - 1;
      const at = this.index();
      const step = event.shiftKey ? 10 : 1;
      const moves = {
        ArrowLeft: at - step,
        ArrowRight: this.plot.cursor.idx == null ? 0 : at + step,
        Home: 0,
        End: last,
      };
      if (event.key in moves && last >= 0) {
        this.moveTo(Math.min(Math.max(moves[event.key], 0), last));
      } else if (event.key === "+" || event.key === "=") {
        this.zoomBy(1 / ZOOM);
      } else if (event.key === "-") {
        this.zoomBy(ZOOM);
      } else if (event.key === "0" || event.key === "Escape") {
        this.setZoom(null);
      } else {
        return;
      }
      event.preventDefault();
    }

    moveTo(index) {
      const left = this.plot.valToPos(this.data[0][index], "x");
      this.plot.setCursor({left, top: this.plot.bbox.height / 2 / devicePixelRatio});
      this.spoken.textContent = [this.position, ...this.values.map(value => value.parentElement)]
        .map(part => Array.from(part.childNodes, node => node.textContent).filter(Boolean).join(" "))
        .join(", ");
    }

    zoomBy(factor) {
      const {min, max} = this.plot.scales.x;
      const [positions] = this.data;
      if (!isNumber(min) || !isNumber(max) || positions.length < 2) {
        return;
      }
      const index = this.plot.cursor.idx;
      const centre = index == null ? (min + max) / 2 : positions[index];
      const half = ((max - min) / 2) * factor;
      const least = Math.max(centre - half, positions[0]);
      const most = Math.min(centre + half, positions.at(-1));
      this.setZoom(least === positions[0] && most === positions.at(-1) ? null : {min: least, max: most});
      if (index != null) {
        // uPlot has drawn by then, and knows where the position has gone.
        queueMicrotask(() => this.moveTo(index));
      }
    }

    /* Of the cursor; the last number where there is none. */
    index() {
      const {idx} = this.plot.cursor;
      return idx == null ? this.data[0].length - 1 : idx;
    }

    showValues() {
      if (!this.plot || !this.values) {
        return;
      }
      const index = this.index();
      const x = index < 0 ? undefined : this.data[0][index];
      this.position.textContent = (this.options.x.label || "x") + " " + format(x);
      this.values.forEach((value, i) => {
        value.textContent = format(nearest(this.data[i + 1], index));
      });
    }

    /* What a reader hears who cannot see the lines. */
    describe() {
      const [positions] = this.data;
      const sentences = this.options.series
        .filter(({label}) => !this.hidden.has(label))
        .map(({label, values}) => {
          const numbers = Array.from(values).filter(isNumber);
          if (numbers.length === 0) {
            return label + ": no numbers yet.";
          }
          const least = numbers.reduce((a, b) => Math.min(a, b));
          const most = numbers.reduce((a, b) => Math.max(a, b));
          return `${label}: first ${format(numbers[0])}, last ${format(numbers.at(-1))},`
            + ` least ${format(least)}, most ${format(most)}.`;
        });
      const range = positions.length === 0
        ? "No data yet."
        : `${this.options.x.label || "x"} from ${format(positions[0])} to ${format(positions.at(-1))}.`;
      this.summary.textContent = [range, ...sentences].join(" ");
    }
  }

  /* The number at an index, or the closest one beside it where only another series has the position. */
  function nearest(values, index) {
    for (let away = 0; index >= 0 && away < values.length; away++) {
      for (const at of [index - away, index + away]) {
        if (isNumber(values[at])) {
          return values[at];
        }
      }
    }
    return undefined;
  }

  const handle = chart => ({
    update: changes => chart.update(changes),
    destroy: () => chart.destroy(),
  });

  return {
    line: (element, options) => handle(new LineChart(element, options)),
    format,
    parts: {LineChart, add, axisWidth, handle, isNumber, ZOOM},
  };
})();

/* Curves and points in a plane, where a position may come again and has no one value.
 *
 * clipklCharts.plane(element, options) draws into an element as clipklCharts.line does, but for
 *   x         {label, log}
 *   y         {label}
 *   series    [{label, x, values, line, points, dashed, style}]: line joins the points, points marks them */
clipklCharts.plane = (() => {
  "use strict";

  const {LineChart, add, axisWidth, handle, isNumber, ZOOM} = clipklCharts.parts;
  const {format} = clipklCharts;
  const ROOM = 0.04;
  const LEAST_FACTOR = 1.02;
  const MARK = 4.5;
  const SMALL_MARK = 2.5;
  const PIECES = 24;

  const usable = (x, y, log) => isNumber(x) && isNumber(y) && !(log && x <= 0);

  class PlaneChart extends LineChart {
    constructor(element, options) {
      super(element, {...options, y: {...options.y, log: options.x.log}});
      this.logButton.textContent = "log x";
    }

    table() {
      return [
        null,
        ...this.options.series.map(({x, values}) => {
          const kept = Array.from(x.keys()).filter(i => usable(x[i], values[i], this.log));
          return [kept.map(i => x[i]), kept.map(i => values[i])];
        }),
      ];
    }

    /* Lines that cross again and again are easier to follow whole. */
    style(index) {
      const style = super.style(index);
      return this.options.series[index].dashed ? style : {...style, dash: []};
    }

    /* Points that are not joined have no line to show. */
    sample(index) {
      const svg = super.sample(index);
      if (!this.options.series[index].line) {
        const circle = document.createElementNS(svg.namespaceURI, "circle");
        const {stroke} = this.style(index);
        for (const [name, value] of Object.entries({cx: 14, cy: 5, r: MARK, fill: stroke})) {
          circle.setAttribute(name, String(value));
        }
        svg.replaceChildren(circle);
      }
      return svg;
    }

    plotOptions() {
      const {height, x, y = {}, series} = this.options;
      this.marked = null;
      this.ring = null;
      return {
        mode: 2,
        width: this.width(),
        height,
        legend: {show: false},
        cursor: {
          points: {show: false},
          drag: {x: true, y: true, setScale: false},
          bind: {dblclick: () => () => this.setZoom(null)},
        },
        scales: {
          x: {time: false, range: () => this.range(0), ...(this.log ? {distr: 3, log: 10} : {})},
          y: {range: () => this.range(1)},
        },
        axes: [
          {...this.axis(x.label, this.log), size: 32},
          {...this.axis(y.label, false), size: (plot, texts) => axisWidth(texts || [])},
        ],
        series: [
          {},
          ...series.map((one, i) => ({
            ...this.style(i),
            show: !this.hidden.has(one.label),
            facets: [{scale: "x", auto: true}, {scale: "y", auto: true}],
            paths: (plot, place) => this.draw(plot, place),
          })),
        ],
        hooks: {
          setCursor: [plot => this.findNearest(plot)],
          setSelect: [() => this.onDrag()],
          draw: [() => this.showRing()],
          ready: [plot => {
            this.ring = add(plot.over, "div", "clipkl-ring");
            this.ring.hidden = true;
          }],
        },
      };
    }

    /* What an axis shows: the zoom, or all points with a little room around them. */
    range(coordinate) {
      if (this.zoom !== null) {
        return this.zoom[coordinate];
      }
      const log = coordinate === 0 && this.log;
      const all = this.options.series.flatMap(({label}, i) =>
        this.hidden.has(label) ? [] : this.data[i + 1][coordinate]);
      if (all.length === 0) {
        return log ? [1, 10] : [0, 1];
      }
      const min = all.reduce((a, b) => Math.min(a, b));
      const max = all.reduce((a, b) => Math.max(a, b));
      if (log) {
        const factor = Math.max(Math.pow(max / min, ROOM), LEAST_FACTOR);
        return [min / factor, max * factor];
      }
      const room = (max - min) * ROOM || Math.abs(max) * ROOM || 1;
      return [min - room, max + room];
    }

    draw(plot, place) {
      const {line, points} = this.options.series[place - 1];
      const {stroke, width, dash} = this.style(place - 1);
      const [xs, ys] = this.data[place];
      const {ctx} = plot;
      const {left, top, width: wide, height: high} = plot.bbox;
      const at = i => [plot.valToPos(xs[i], "x", true), plot.valToPos(ys[i], "y", true)];
      ctx.save();
      ctx.beginPath();
      ctx.rect(left, top, wide, high);
      ctx.clip();
      ctx.strokeStyle = stroke;
      ctx.fillStyle = stroke;
      ctx.lineWidth = width * devicePixelRatio;
      ctx.lineJoin = "round";
      if (line) {
        ctx.setLineDash(dash.map(length => length * devicePixelRatio));
        ctx.beginPath();
        xs.forEach((x, i) => {
          // What is straight in numbers is bent on a logarithmic axis.
          for (let piece = 1; this.log && i > 0 && piece < PIECES; piece++) {
            const share = piece / PIECES;
            ctx.lineTo(
              plot.valToPos(xs[i - 1] + share * (x - xs[i - 1]), "x", true),
              plot.valToPos(ys[i - 1] + share * (ys[i] - ys[i - 1]), "y", true));
          }
          ctx.lineTo(...at(i));
        });
        ctx.stroke();
      }
      if (points || xs.length === 1) {
        const radius = (line ? SMALL_MARK : MARK) * devicePixelRatio;
        xs.forEach((x, i) => {
          ctx.beginPath();
          ctx.arc(...at(i), radius, 0, 2 * Math.PI);
          ctx.fill();
        });
      }
      ctx.restore();
      return null;
    }

    findNearest(plot) {
      const {left, top} = plot.cursor;
      let best = null;
      let least = Infinity;
      for (const series of left >= 0 ? this.shown() : []) {
        const [xs, ys] = this.data[series + 1];
        xs.forEach((x, index) => {
          const distance = Math.hypot(
            plot.valToPos(x, "x") - left, plot.valToPos(ys[index], "y") - top);
          if (distance < least) {
            least = distance;
            best = {series, index};
          }
        });
      }
      this.mark(best);
    }

    /* Series that are neither hidden nor empty. */
    shown() {
      return this.options.series
        .map((one, i) => i)
        .filter(i => !this.hidden.has(this.options.series[i].label))
        .filter(i => this.data[i + 1][0].length > 0);
    }

    mark(place) {
      this.marked = place;
      this.showRing();
      this.showValues();
    }

    showRing() {
      if (!this.ring || !this.plot) {
        return;
      }
      this.ring.hidden = this.marked === null;
      if (this.marked !== null) {
        const [xs, ys] = this.data[this.marked.series + 1];
        this.ring.style.left = this.plot.valToPos(xs[this.marked.index], "x") + "px";
        this.ring.style.top = this.plot.valToPos(ys[this.marked.index], "y") + "px";
      }
    }

    /* Of the marked point; without one, every series' last. */
    showValues() {
      if (!this.plot || !this.values) {
        return;
      }
      const place = this.marked;
      this.position.textContent = place === null
        ? ""
        : (this.options.x.label || "x") + " " + format(this.data[place.series + 1][0][place.index]);
      this.values.forEach((value, i) => {
        const ys = this.data[i + 1][1];
        const one = place === null ? ys.at(-1) : place.series === i ? ys[place.index] : undefined;
        value.textContent = one === undefined ? "" : format(one);
      });
    }

    toggle(index, button) {
      super.toggle(index, button);
      this.mark(null);
      this.setZoom(this.zoom);
    }

    setLog(log) {
      this.zoom = null;
      super.setLog(log);
    }

    applyZoom() {
      // The axes' ranges are those of the zoom already.
    }

    /* [[least x, greatest x], [least y, greatest y]], or null for everything. */
    setZoom(zoom) {
      this.zoom = zoom;
      this.plot.setData(this.data, true);
    }

    onDrag() {
      const {left, top, width, height} = this.plot.select;
      if (width === 0 || height === 0) {
        return;
      }
      const ends = (name, from, to) =>
        [this.plot.posToVal(from, name), this.plot.posToVal(to, name)].sort((a, b) => a - b);
      this.plot.setSelect({left: 0, top: 0, width: 0, height: 0}, false);
      this.setZoom([ends("x", left, left + width), ends("y", top + height, top)]);
    }

    zoomBy(factor) {
      this.setZoom(["x", "y"].map(name => {
        const {min, max} = this.plot.scales[name];
        const log = name === "x" && this.log;
        const [low, high] = log ? [Math.log(min), Math.log(max)] : [min, max];
        const half = ((high - low) / 2) * factor;
        const ends = [(low + high) / 2 - half, (low + high) / 2 + half];
        return log ? ends.map(Math.exp) : ends;
      }));
    }

    onKey(event) {
      if (event.target !== this.frame || event.ctrlKey || event.altKey || event.metaKey) {
        return;
      }
      const shown = this.shown();
      const moves = {ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0]};
      if (event.key in moves && shown.length > 0) {
        const at = this.marked || {series: shown[0], index: 0};
        const [curve, point] = moves[event.key];
        const series = shown[(shown.indexOf(at.series) + curve + shown.length) % shown.length];
        const last = this.data[series + 1][0].length - 1;
        this.mark({series, index: Math.min(Math.max(at.index + point, 0), last)});
        this.spoken.textContent = this.options.series[series].label + ": " + this.legend.textContent;
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

    describe() {
      const sentences = this.shown().map(i => {
        const [xs, ys] = this.data[i + 1];
        return `${this.options.series[i].label}: from ${format(ys[0])} at ${format(xs[0])}`
          + ` to ${format(ys.at(-1))} at ${format(xs.at(-1))}.`;
      });
      this.summary.textContent = sentences.join(" ") || "No data.";
    }
  }

  return (element, options) => handle(new PlaneChart(element, options));
})();

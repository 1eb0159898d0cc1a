/* Draws each chart from the table beside it, so that the two cannot disagree. Without scripts the tables remain.

   The head of the table says what a column is (data-part: label, value, low, high, reference), its cells carry the
   exact value (data-value). Uses Chart.js, which hatch_build.py takes from npm. */

"use strict";

(() => {
  const LIGHT = {
    "--series-1": "#0b5c55", "--series-2": "#a05a00", "--series-3": "#35618e", "--series-4": "#7a4a8c",
    "--series-5": "#6b7480", "--band": "rgb(11 92 85 / 16%)", "--grid": "rgb(75 88 98 / 18%)", "--soft": "#4b5862",
    "--ink": "#16202a",
  };
  const SERIES = ["--series-1", "--series-2", "--series-3", "--series-4", "--series-5"];
  let printing = false;

  /** A colour of the page; on paper always that of the light scheme. */
  const colour = (name) =>
    printing ? LIGHT[name] : getComputedStyle(document.documentElement).getPropertyValue(name).trim();

  /** The columns of a table that a chart uses: part, label, kind, exact values and the texts that people read. */
  function read(table) {
    const heads = [...table.tHead.rows[0].cells];
    const rows = [...table.tBodies[0].rows];
    return heads
      .map((head, place) => ({
        part: head.dataset.part,
        kind: head.dataset.kind,
        label: head.dataset.label,
        values: rows.map((row) => {
          const value = row.cells[place].dataset.value;
          return value === "" || value === undefined ? null : Number(value);
        }),
        texts: rows.map((row) => row.cells[place].textContent.trim()),
      }))
      .filter((column) => column.part);
  }

  const of = (columns, part) => columns.filter((column) => column.part === part);
  const language = document.documentElement.lang || undefined;

  /** Numbers on an axis; the texts of the table are used everywhere else. */
  function tick(kind) {
    const style = kind === "share" ? { style: "percent", maximumFractionDigits: 1 } : { maximumSignificantDigits: 4 };
    const format = new Intl.NumberFormat(language, style);
    return (value) => format.format(kind === "points" ? 100 * value : value);
  }

  function line(column, place, more) {
    return {
      label: column.label, data: column.values, texts: column.texts, borderColor: colour(SERIES[place % SERIES.length]),
      backgroundColor: colour(SERIES[place % SERIES.length]), borderWidth: 2, pointRadius: 3, tension: 0, ...more,
    };
  }

  /** The bounds of an interval: two invisible lines with the space between them filled. */
  function band(columns) {
    const [low] = of(columns, "low");
    const [high] = of(columns, "high");
    if (!low || !high) return [];
    const edge = { borderWidth: 0, pointRadius: 0, pointHitRadius: 0, backgroundColor: colour("--band"), quiet: true };
    return [
      { ...edge, label: low.label, data: low.values, fill: false },
      { ...edge, label: high.label, data: high.values, fill: "-1" },
    ];
  }

  /** Whiskers from low to high over each bar. */
  const whiskers = {
    id: "whiskers",
    afterDatasetsDraw(chart) {
      const bounds = chart.options.plugins.whiskers;
      if (!bounds || !bounds.low) return;
      const { ctx, scales } = chart;
      ctx.save();
      ctx.strokeStyle = colour("--ink");
      ctx.fillStyle = colour("--series-1");
      ctx.lineWidth = 1.5;
      chart.getDatasetMeta(0).data.forEach((bar, place) => {
        const [from, to] = [bounds.low[place], bounds.high[place]];
        if (from === null || to === null) return;
        const [left, right] = [scales.x.getPixelForValue(from), scales.x.getPixelForValue(to)];
        ctx.beginPath();
        ctx.moveTo(left, bar.y);
        ctx.lineTo(right, bar.y);
        for (const end of [left, right]) {
          ctx.moveTo(end, bar.y - 4);
          ctx.lineTo(end, bar.y + 4);
        }
        ctx.stroke();
        if (bounds.dots) {
          ctx.beginPath();
          ctx.arc(scales.x.getPixelForValue(bounds.dots[place]), bar.y, 5, 0, 2 * Math.PI);
          ctx.fill();
        }
      });
      if (bounds.line !== undefined) {
        const at = scales.x.getPixelForValue(bounds.line);
        ctx.setLineDash([5, 4]);
        ctx.beginPath();
        ctx.moveTo(at, scales.y.top);
        ctx.lineTo(at, scales.y.bottom);
        ctx.stroke();
      }
      ctx.restore();
    },
  };

  /** What all charts share. */
  function common(kind, valueAxis, labelAxis) {
    const text = { color: colour("--soft"), font: { family: "inherit", size: 13 } };
    const family = getComputedStyle(document.body).fontFamily;
    text.font.family = family;
    return {
      animation: false, responsive: true, maintainAspectRatio: false, locale: language,
      interaction: { mode: "index", intersect: false, axis: labelAxis },
      scales: {
        [valueAxis]: {
          beginAtZero: true, border: { display: false }, grid: { color: colour("--grid") },
          ticks: { ...text, callback: tick(kind), maxTicksLimit: 7 },
        },
        [labelAxis]: { grid: { display: false }, border: { color: colour("--grid") }, ticks: { ...text, maxRotation: 0, autoSkipPadding: 16 } },
      },
      plugins: {
        legend: { display: false, labels: { ...text, usePointStyle: true, boxHeight: 7, filter: (item, data) => !data.datasets[item.datasetIndex].quiet } },
        tooltip: {
          filter: (item) => !item.dataset.quiet,
          callbacks: { label: (item) => ` ${item.dataset.label}: ${item.dataset.texts ? item.dataset.texts[item.dataIndex] : item.formattedValue}` },
        },
      },
    };
  }

  const draw = {
    /** One value over time, with its interval as a band. */
    trend(columns) {
      const [value] = of(columns, "value");
      const main = line(value, 0, { spanGaps: false });
      const references = of(columns, "reference").map((column, place) => line(column, place + 1, { pointRadius: 0, borderDash: [6, 4] }));
      const options = common(value.kind, "y", "x");
      options.plugins.legend.display = references.length > 0;
      return { type: "line", data: { datasets: [...band(columns), main, ...references] }, options };
    },

    /** Several values over time. */
    lines(columns) {
      const values = of(columns, "value");
      const options = common(values[0].kind, "y", "x");
      options.plugins.legend.display = true;
      const datasets = values.map((column, place) => line(column, place, { pointRadius: 0 }));
      return { type: "line", data: { datasets }, options };
    },

    /** One value per group, lying, with its interval as whiskers. */
    bars(columns) {
      const [value] = of(columns, "value");
      const [low] = of(columns, "low");
      const [high] = of(columns, "high");
      const options = { ...common(value.kind, "x", "y"), indexAxis: "y" };
      options.plugins.whiskers = { low: low && low.values, high: high && high.values };
      if (high) options.scales.x.suggestedMax = Math.max(...high.values.filter((bound) => bound !== null));
      options.scales.y.ticks.autoSkip = false;
      const bar = { ...line(value, 0), maxBarThickness: 22, borderWidth: 0, borderRadius: 3 };
      return { type: "bar", data: { datasets: [bar] }, options };
    },

    /** Parts that add up. */
    stack(columns) {
      const values = of(columns, "value");
      const options = common(values[0].kind, "y", "x");
      options.scales.y.stacked = true;
      options.scales.x.stacked = true;
      options.plugins.legend.display = true;
      const datasets = values.map((column, place) => ({ ...line(column, place), borderWidth: 0, maxBarThickness: 40, borderRadius: 2 }));
      return { type: "bar", data: { datasets }, options };
    },

    /** Values with their intervals, one below the other: ratios around 1, differences around 0. */
    forest(columns) {
      const [value] = of(columns, "value");
      const [low] = of(columns, "low");
      const [high] = of(columns, "high");
      const options = { ...common(value.kind, "x", "y"), indexAxis: "y" };
      const ends = [...low.values, ...high.values].filter((bound) => bound !== null);
      options.scales.x.beginAtZero = false;
      const [around, room] = { number: [1, 0.1], points: [0, 0.01] }[value.kind] || [];
      const shown = around === undefined ? ends : [around - room, around + room, ...ends];
      options.scales.x.suggestedMin = Math.min(...shown);
      options.scales.x.suggestedMax = Math.max(...shown);
      options.scales.y.ticks.autoSkip = false;
      options.plugins.whiskers = { low: low.values, high: high.values, dots: value.values, line: around };
      const data = low.values.map((from, place) => [from, high.values[place]]);
      const texts = value.texts.map((text, place) => `${text} (${low.texts[place]} – ${high.texts[place]})`);
      const bar = { label: value.label, data, texts, backgroundColor: "transparent", maxBarThickness: 22 };
      return { type: "bar", data: { datasets: [bar] }, options };
    },

    /** From low to high per row, around the reference: which input moves the result most. */
    tornado(columns) {
      const [low] = of(columns, "low");
      const [high] = of(columns, "high");
      const options = { ...common(low.kind, "x", "y"), indexAxis: "y" };
      options.scales.x.beginAtZero = false;
      options.scales.y.ticks.autoSkip = false;
      const data = low.values.map((from, place) => [from, high.values[place]]);
      const texts = low.texts.map((from, place) => `${from} – ${high.texts[place]}`);
      const bar = { label: `${low.label} – ${high.label}`, data, texts, backgroundColor: colour("--series-1"), maxBarThickness: 22, borderRadius: 3 };
      return { type: "bar", data: { datasets: [bar] }, options };
    },
  };

  const drawn = [];

  function make(place) {
    const table = document.getElementById(place.dataset.table);
    const columns = read(table);
    const [label] = of(columns, "label");
    const config = draw[place.dataset.chart](columns);
    config.data.labels = label.texts;
    config.plugins = [whiskers];
    place.hidden = false;
    if (config.options.indexAxis === "y") place.style.height = `${3.5 + 2.1 * label.texts.length}rem`;
    return new window.Chart(place.querySelector("canvas"), config);
  }

  function all() {
    for (const chart of drawn.splice(0)) chart.destroy();
    for (const place of document.querySelectorAll("[data-chart]")) drawn.push(make(place));
  }

  all();
  window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", all);
  window.addEventListener("beforeprint", () => {
    printing = true;
    all();
    for (const chart of drawn) chart.resize();
  });
  window.addEventListener("afterprint", () => {
    printing = false;
    all();
  });
  for (const button of document.querySelectorAll("[data-print]")) {
    button.hidden = false;
    button.addEventListener("click", () => window.print());
  }
  document.documentElement.dataset.ready = "true";
})();

"use strict";
// Draws what the rows say; every number comes from the data block, none is computed here.

const data = JSON.parse(document.getElementById("data").textContent);
const byId = (id) => document.getElementById(id);
const state = { dataset: data.datasets[0], metric: 0, image: null, hidden: new Set(), point: null };

function make(parent, name, attributes = {}, text = null) {
  const isSvg = parent instanceof SVGElement;
  const element = isSvg ? document.createElementNS("http://www.w3.org/2000/svg", name) : document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  if (text !== null) element.textContent = text;
  parent.append(element);
  return element;
}

function fill(select, names, onChange) {
  select.replaceChildren();
  names.forEach((name, index) => make(select, "option", { value: index }, name));
  select.onchange = () => onChange(Number(select.value));
}

// Long labels may break behind a colon or a comma.
const breakable = (label) => label.replace(/[:,]/g, "$&\u200b");

const show = (value, decimals) =>
  value === null ? "-" : value.toLocaleString("en", { minimumFractionDigits: decimals, maximumFractionDigits: decimals });

// --- Curves -----------------------------------------------------------------------------------------------------

const RATE_TICKS = [0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1, 1.5, 2, 3, 5, 8, 12];
const MARGIN = { left: 52, right: 14, top: 12, bottom: 42 };
const NEAR_PX = 40;

function curves() {
  const rows = state.image === null ? state.dataset.means : state.dataset.rows.filter((row) => row.image === state.image);
  return state.dataset.codecs
    .map((codec, index) => ({
      ...codec,
      points: rows
        .filter((row) => row.codec === index && row.curve[state.metric] !== null)
        .map((row) => ({ rate: row.bpp, value: row.curve[state.metric], row }))
        .sort((a, b) => a.rate - b.rate),
    }))
    .filter((codec) => codec.points.length && !state.hidden.has(codec.label));
}

function niceTicks(low, high, count) {
  const rough = (high - low) / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((candidate) => candidate >= rough);
  const ticks = [];
  for (let index = Math.ceil(low / step); index * step <= high; index++) ticks.push(index * step);
  return ticks;
}

function scales(shown, width, height) {
  const rates = shown.flatMap((codec) => codec.points.map((point) => point.rate));
  const values = shown.flatMap((codec) => codec.points.map((point) => point.value));
  const logarithmic = byId("logarithmic").checked;
  const turn = logarithmic ? Math.log : (rate) => rate;
  const left = logarithmic ? Math.min(...rates) / 1.1 : 0;
  const right = Math.max(...rates) * (logarithmic ? 1.1 : 1.02);
  const pad = (Math.max(...values) - Math.min(...values)) * 0.04 || 1;
  const low = Math.min(...values) - pad;
  const high = Math.max(...values) + pad;
  const inner = { width: width - MARGIN.left - MARGIN.right, height: height - MARGIN.top - MARGIN.bottom };
  return {
    x: (rate) => MARGIN.left + ((turn(rate) - turn(left)) / (turn(right) - turn(left))) * inner.width,
    y: (value) => MARGIN.top + (1 - (value - low) / (high - low)) * inner.height,
    xTicks: logarithmic ? RATE_TICKS.filter((tick) => tick >= left && tick <= right) : niceTicks(left, right, width / 90),
    yTicks: niceTicks(low, high, height / 60),
  };
}

function drawAxes(svg, scale, width, height) {
  for (const tick of scale.xTicks) {
    make(svg, "line", { class: "grid", x1: scale.x(tick), x2: scale.x(tick), y1: MARGIN.top, y2: height - MARGIN.bottom });
    make(svg, "text", { x: scale.x(tick), y: height - MARGIN.bottom + 17, "text-anchor": "middle" }, String(Number(tick.toPrecision(3))));
  }
  for (const tick of scale.yTicks) {
    make(svg, "line", { class: "grid", x1: MARGIN.left, x2: width - MARGIN.right, y1: scale.y(tick), y2: scale.y(tick) });
    make(svg, "text", { x: MARGIN.left - 7, y: scale.y(tick) + 4, "text-anchor": "end" }, String(Number(tick.toPrecision(4))));
  }
  make(svg, "text", { x: (MARGIN.left + width) / 2, y: height - 6, "text-anchor": "middle" }, "bits per pixel, whole file");
  const middle = (height - MARGIN.bottom) / 2;
  make(svg, "text", { x: 13, y: middle, "text-anchor": "middle", transform: `rotate(-90 13 ${middle})` }, data.metrics[state.metric].axis);
}

const MARKERS = {
  circle: (x, y) => ["circle", { cx: x, cy: y, r: 4 }],
  square: (x, y) => ["rect", { x: x - 3.5, y: y - 3.5, width: 7, height: 7 }],
  triangle: (x, y) => ["path", { d: `M${x} ${y - 4.5}l4.5 8h-9z` }],
  diamond: (x, y) => ["path", { d: `M${x} ${y - 5}l5 5l-5 5l-5-5z` }],
};

function drawChart() {
  const svg = byId("chart").querySelector("svg");
  const width = Math.max(280, byId("chart").clientWidth);
  const height = Math.min(520, Math.max(300, width * 0.6));
  svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
  svg.replaceChildren();
  const shown = curves();
  state.points = [];
  if (!shown.length) return void make(svg, "text", { x: width / 2, y: height / 2, "text-anchor": "middle" }, "nothing to show");
  const scale = scales(shown, width, height);
  drawAxes(svg, scale, width, height);
  // Our own curves last, so that they lie on top.
  for (const codec of [...shown].sort((a, b) => a.wide - b.wide)) {
    const places = codec.points.map((point) => [scale.x(point.rate), scale.y(point.value)]);
    make(svg, "path", { class: "curve", stroke: codec.colour, "stroke-width": codec.wide ? 3 : 1.6, d: `M${places.map((p) => p.join(" ")).join("L")}` });
    codec.points.forEach((point, index) => {
      const [name, attributes] = MARKERS[codec.shape](...places[index]);
      const marker = make(svg, name, { ...attributes, fill: codec.colour });
      state.points.push({ codec, point, index, x: places[index][0], y: places[index][1], marker });
    });
  }
}

function tell(target) {
  const tip = byId("chart").querySelector(".tip");
  state.point?.marker.classList.remove("marked");
  state.point = target;
  tip.hidden = !target;
  if (!target) return;
  target.marker.classList.add("marked");
  const { codec, point } = target;
  const metric = data.metrics[state.metric];
  tip.replaceChildren();
  make(tip, "strong", {}, `${codec.label} ${point.row.setting}`);
  make(tip, "br");
  tip.append(`${show(point.rate, 3)} bpp, ${show(point.row.bytes, 0)} bytes`);
  make(tip, "br");
  tip.append(`${metric.label}: ${show(point.row.values[state.metric], metric.decimals)}`);
  const zoom = byId("chart").clientWidth / byId("chart").querySelector("svg").viewBox.baseVal.width;
  const left = Math.min(target.x * zoom + 12, byId("chart").clientWidth - tip.offsetWidth);
  tip.style.left = `${Math.max(0, left)}px`;
  tip.style.top = `${Math.max(0, target.y * zoom - tip.offsetHeight - 10)}px`;
}

function followPointer(event) {
  const svg = byId("chart").querySelector("svg");
  const box = svg.getBoundingClientRect();
  const zoom = svg.viewBox.baseVal.width / box.width;
  const x = (event.clientX - box.left) * zoom;
  const y = (event.clientY - box.top) * zoom;
  const distance = (point) => Math.hypot(point.x - x, point.y - y);
  const nearest = state.points.reduce((best, point) => (!best || distance(point) < distance(best) ? point : best), null);
  tell(nearest && distance(nearest) < NEAR_PX ? nearest : null);
}

function followKeys(event) {
  const steps = { ArrowRight: [0, 1], ArrowLeft: [0, -1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };
  if (event.key === "Escape") return tell(null);
  if (!steps[event.key] || !state.points.length) return;
  event.preventDefault();
  if (!state.point) return tell(state.points[0]);
  const labels = [...new Set(state.points.map((point) => point.codec.label))];
  const [byCodec, byPoint] = steps[event.key];
  const label = labels[(labels.indexOf(state.point.codec.label) + byCodec + labels.length) % labels.length];
  const along = state.points.filter((point) => point.codec.label === label);
  tell(along[Math.min(along.length - 1, Math.max(0, state.point.index + byPoint))]);
}

function drawLegend() {
  const legend = byId("legend");
  legend.replaceChildren();
  for (const codec of state.dataset.codecs) {
    const button = make(legend, "button", { type: "button", "aria-pressed": String(!state.hidden.has(codec.label)) });
    const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    button.append(svg);
    for (const [key, value] of Object.entries({ width: 14, height: 14, "aria-hidden": "true" })) svg.setAttribute(key, value);
    const [name, attributes] = MARKERS[codec.shape](7, 7);
    make(svg, name, { ...attributes, fill: codec.colour });
    button.append(codec.label);
    button.onclick = () => {
      state.hidden.has(codec.label) ? state.hidden.delete(codec.label) : state.hidden.add(codec.label);
      button.setAttribute("aria-pressed", String(!state.hidden.has(codec.label)));
      refreshChart();
    };
  }
}

function refreshChart() {
  state.point = null;
  drawChart();
  tell(null);
}

// --- Tables -----------------------------------------------------------------------------------------------------

// Cells are {text, value, kind?, press?}; values sort, empty ones last.
function sortable(table, heads, lines, column = 0, descending = false) {
  table.replaceChildren();
  const line = make(make(table, "thead"), "tr");
  heads.forEach((head, index) => {
    const sorted = index === column ? (descending ? "descending" : "ascending") : "none";
    const button = make(make(line, "th", { scope: "col", "aria-sort": sorted }), "button", { type: "button" }, head);
    button.onclick = () => {
      sortable(table, heads, lines, index, index === column && !descending);
      table.querySelectorAll("th button")[index].focus();
    };
  });
  const compare = (a, b) => (typeof a === "string" ? a.localeCompare(b, "en", { numeric: true }) : a - b);
  const order = (a, b) => {
    const [first, second] = [a[column].value, b[column].value];
    if (first === null || second === null) return (first === null) - (second === null);
    return descending ? compare(second, first) : compare(first, second);
  };
  const body = make(table, "tbody");
  for (const cells of [...lines].sort(order)) {
    const row = make(body, "tr");
    for (const cell of cells) {
      const place = make(row, "td", cell.kind ? { class: cell.kind } : {});
      if (cell.press) make(place, "button", { type: "button" }, cell.text).onclick = cell.press;
      else place.textContent = cell.text;
    }
  }
}

function drawPerPicture() {
  const { dataset } = state;
  const compared = dataset.codecs.map((codec, index) => ({ codec, rates: dataset.bd[index] })).filter((entry) => entry.rates);
  const lines = dataset.images.map((name, image) => [
    { text: name, value: name, press: () => chooseImage(image) },
    ...compared.map(({ rates }) => {
      const rate = rates[image];
      return { text: rate === null ? "-" : (rate > 0 ? "+" : "") + show(rate, 1), value: rate, kind: rate < 0 ? "fewer" : rate > 0 ? "more" : "" };
    }),
  ]);
  sortable(byId("per-picture"), ["picture", ...compared.map((entry) => breakable(entry.codec.label))], lines);
}

function drawRows() {
  const { dataset, image } = state;
  byId("rows-title").textContent = image === null ? "Means over all pictures" : `Rows of ${dataset.images[image]}`;
  const rows = image === null ? dataset.means : dataset.rows.filter((row) => row.image === image);
  const seconds = ["encode_s", "decode_s"].filter((name) => rows.some((row) => row[name] !== null));
  const heads = ["codec", "setting", "bpp", "bytes", ...data.metrics.map((metric) => metric.label), ...seconds.map((name) => name.replace("_", " "))];
  const lines = rows.map((row) => [
    { text: dataset.codecs[row.codec].label, value: row.codec },
    { text: row.setting, value: row.setting },
    { text: show(row.bpp, 3), value: row.bpp },
    { text: show(row.bytes, 0), value: row.bytes },
    ...row.values.map((value, index) => ({ text: show(value, data.metrics[index].decimals), value })),
    ...seconds.map((name) => ({ text: show(row[name], 3), value: row[name] })),
  ]);
  sortable(byId("rows"), heads, lines);
}

function chooseImage(image) {
  state.image = image;
  byId("picture").value = image === null ? 0 : image + 1;
  refreshChart();
  drawRows();
}

function chooseDataset(index) {
  state.dataset = data.datasets[index];
  const { images } = state.dataset;
  fill(byId("picture"), [`mean over ${images.length}`, ...images], (choice) => chooseImage(choice ? choice - 1 : null));
  const tables = [...document.querySelectorAll("[data-set]")];
  for (const table of tables) table.hidden = table.dataset.set !== state.dataset.name;
  byId("saved-title").parentElement.hidden = tables.every((table) => table.hidden);
  for (const title of ["curves-title", "single-title"]) byId(title).parentElement.hidden = !images.length;
  drawLegend();
  drawPerPicture();
  chooseImage(null);
}

// --- Before and after -------------------------------------------------------------------------------------------

const ZOOMS = [1, 2, 4, 8];
const view = { zoom: 1, x: 0, y: 0, split: 50, drag: null };

function place() {
  const stage = byId("stage");
  const limit = (offset, size) => Math.min(0, Math.max(size * (1 - view.zoom), offset));
  view.x = limit(view.x, stage.clientWidth);
  view.y = limit(view.y, stage.clientHeight);
  const shown = data.showcase[byId("shown").value];
  for (const image of stage.querySelectorAll("img")) {
    image.style.transform = `translate(${view.x}px, ${view.y}px) scale(${view.zoom})`;
    image.classList.toggle("sharp", (stage.clientWidth * view.zoom) / shown.width >= 2);
  }
  stage.classList.toggle("zoomed", view.zoom > 1);
  byId("right-layer").style.clipPath = `inset(0 0 0 ${view.split}%)`;
  byId("divider").style.left = `${view.split}%`;
  byId("split").value = view.split;
  byId("zooms").querySelectorAll("button").forEach((button, index) => button.setAttribute("aria-pressed", String(ZOOMS[index] === view.zoom)));
}

function zoomTo(zoom, x = byId("stage").clientWidth / 2, y = byId("stage").clientHeight / 2) {
  view.x = x - ((x - view.x) / view.zoom) * zoom;
  view.y = y - ((y - view.y) / view.zoom) * zoom;
  view.zoom = zoom;
  place();
}

function showSides() {
  const shown = data.showcase[byId("shown").value];
  for (const side of ["left", "right"]) {
    const version = shown.versions[byId(side).value];
    byId(`${side}-image`).src = version.src;
    byId(`${side}-image`).alt = `${shown.image}: ${version.label}`;
    byId(`${side}-caption`).textContent = version.caption;
  }
  place();
}

function chooseShown(index) {
  const shown = data.showcase[index];
  byId("stage").style.aspectRatio = `${shown.width} / ${shown.height}`;
  for (const side of ["left", "right"]) {
    const before = byId(side).selectedOptions[0]?.textContent;
    fill(byId(side), shown.versions.map((version) => version.label), showSides);
    const again = shown.versions.findIndex((version) => version.label === before);
    byId(side).value = again >= 0 ? again : Math.min(side === "left" ? 1 : 2, shown.versions.length - 1);
  }
  Object.assign(view, { zoom: 1, x: 0, y: 0 });
  showSides();
}

function startDrag(event) {
  const stage = byId("stage");
  const box = stage.getBoundingClientRect();
  const nearDivider = Math.abs(event.clientX - box.left - (view.split / 100) * box.width) < 24;
  view.drag = { pans: view.zoom > 1 && !nearDivider, x: event.clientX - view.x, y: event.clientY - view.y };
  stage.setPointerCapture(event.pointerId);
  drag(event);
}

function drag(event) {
  if (!view.drag) return;
  const box = byId("stage").getBoundingClientRect();
  if (view.drag.pans) Object.assign(view, { x: event.clientX - view.drag.x, y: event.clientY - view.drag.y });
  else view.split = Math.min(100, Math.max(0, ((event.clientX - box.left) / box.width) * 100));
  place();
}

function beginShowcase() {
  byId("look").hidden = !data.showcase.length;
  if (!data.showcase.length) return;
  for (const zoom of ZOOMS) make(byId("zooms"), "button", { type: "button" }, `${zoom}\u00d7`).onclick = () => zoomTo(zoom);
  const stage = byId("stage");
  stage.onpointerdown = startDrag;
  stage.onpointermove = drag;
  stage.onpointerup = stage.onpointercancel = () => (view.drag = null);
  stage.ondblclick = (event) => {
    const box = stage.getBoundingClientRect();
    zoomTo(view.zoom > 1 ? 1 : 4, event.clientX - box.left, event.clientY - box.top);
  };
  byId("split").oninput = (event) => {
    view.split = Number(event.target.value);
    place();
  };
  fill(byId("shown"), data.showcase.map((shown) => `${shown.image} (${shown.why})`), chooseShown);
  chooseShown(0);
}

// --- Begin ------------------------------------------------------------------------------------------------------

fill(byId("dataset"), data.datasets.map((dataset) => dataset.name), chooseDataset);
byId("dataset-choice").hidden = data.datasets.length < 2;
fill(byId("metric"), data.metrics.map((metric) => metric.label), (metric) => {
  state.metric = metric;
  refreshChart();
});
byId("logarithmic").onchange = refreshChart;
const svg = byId("chart").querySelector("svg");
svg.onpointermove = svg.onpointerdown = followPointer;
svg.onpointerleave = () => tell(null);
svg.onkeydown = followKeys;
chooseDataset(0);
beginShowcase();
new ResizeObserver(() => {
  refreshChart();
  if (data.showcase.length) place();
}).observe(document.body);

// The timeline: a lane for each of the largest threads, a mark for each event; its length is the duration, its
// thickness the number of articles. One tab stop; arrow keys move from mark to mark.

const LANES = 12;
const LANE = 30;
const AXIS = 24;
const LEAST_SPAN = 60; // minutes across the width at maximum zoom
const STEPS = [ // between grid lines: days or months, and the format of the label
  [1 / 24, 0, sayTime], [1 / 4, 0, sayTime], [1, 0, sayDayOfYear], [2, 0, sayDayOfYear], [7, 0, sayDayOfYear],
  [0, 1, sayMonth], [0, 3, sayMonth], [0, 6, sayMonth], [0, 12, sayYear], [0, 24, sayYear], [0, 60, sayYear],
  [0, 120, sayYear], [0, 600, sayYear], [0, 1200, sayYear], [0, 6000, sayYear], [0, 12000, sayYear],
];
const SVG = "http://www.w3.org/2000/svg";
const chart = { lanes: [], full: null, svg: null, labels: null, tip: null, at: [0, 0], width: 0, pending: false, undated: 0, printed: 0 };

function svgEl(name, attributes, ...children) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

function setTimeline(found) {
  const biggest = [...found].sort((x, y) => y.size - x.size || x.label - y.label);
  const dated = biggest.filter((thread) => thread.first !== null);
  chart.lanes = dated.slice(0, LANES).map((thread) => ({
    thread, events: thread.events.filter((event) => event.first !== null),
  }));
  chart.undated = found.length - dated.length;
  chart.at = [0, 0];
  byId("timeline-section").hidden = !threads.length;
  if (chart.lanes.length) {
    const first = Math.min(...chart.lanes.map((lane) => lane.thread.first));
    const last = Math.max(...chart.lanes.map((lane) => lane.thread.last));
    const margin = Math.max(DAY / 2, (last - first) * 0.03);
    chart.full = [first - margin, last + margin];
    if (state.from) chart.full[0] = Math.max(chart.full[0], dayStart(state.from));
    if (state.to) chart.full[1] = Math.max(chart.full[0] + DAY, Math.min(chart.full[1], dayStart(state.to) + DAY));
  } else {
    chart.full = null;
  }
  const shown = chart.lanes.length;
  const notes = [];
  if (!shown) notes.push(found.length ? "None of these threads has a date." : "No thread to draw.");
  else {
    notes.push(`${count(shown, "thread")} of ${number.format(found.length)}, each mark an event, as big as it has articles.`);
    if (chart.undated) notes.push(`${count(chart.undated, "thread")} without any date cannot be drawn.`);
    notes.push("Drag to move; Ctrl and wheel to zoom; with the keyboard arrows, +, − and Enter.");
  }
  byId("timeline-note").textContent = notes.join(" ");
  layOut();
}

function layOut() {
  const box = byId("timeline");
  hideTip();
  box.classList.toggle("empty", !chart.lanes.length);
  if (!chart.svg) {
    chart.labels = el("div", { class: "labels", "aria-hidden": "true" });
    chart.svg = svgEl("svg", { role: "group", "aria-label": "Timeline: arrow keys go from event to event, Enter opens its thread", tabindex: "-1", preserveAspectRatio: "none" });
    chart.tip = el("div", { class: "tip", "aria-hidden": "true", hidden: true });
    box.append(chart.labels, chart.svg, chart.tip);
    listenToChart();
  }
  chart.labels.replaceChildren(...chart.lanes.map((lane) =>
    el("div", { class: "label", onclick: () => openThread(lane.thread.label) },
      el("span", { class: "n" }, number.format(lane.thread.size)), " ",
      said(lane.thread.headline, lane.thread.language))));
  draw();
}

const laneHeight = () => (window.matchMedia("screen and (max-width: 700px)").matches ? LANE + 18 : LANE);
const viewNow = () => state.view || chart.full;

function look(first, last) {
  const [low, high] = chart.full;
  const span = Math.max(LEAST_SPAN, Math.min(last - first, (high - low) * 1.2));
  const middle = Math.max(low, Math.min(high, (first + last) / 2));
  const all = span >= high - low && Math.abs(middle - (low + high) / 2) < 1;
  state.view = all ? null : [middle - span / 2, middle + span / 2];
  requestDraw();
  writeSoon();
}

function zoom(factor, place = 0.5) {
  if (!chart.full) return;
  const [first, last] = viewNow();
  const at = first + (last - first) * place;
  look(at - (at - first) * factor, at + (last - at) * factor);
}

function pan(share) {
  if (!chart.full) return;
  const [first, last] = viewNow();
  look(first + (last - first) * share, last + (last - first) * share);
}

function requestDraw() {
  if (chart.pending) return;
  chart.pending = true;
  requestAnimationFrame(() => { chart.pending = false; draw(); });
}

let writing = 0;
function writeSoon() {
  clearTimeout(writing);
  writing = setTimeout(writeAddress, 200);
}

function linesOfGrid(first, last, most) {
  const days = (last - first) / DAY;
  const step = STEPS.find(([d, m]) => days / (d || m * 30.4) <= most) || STEPS[STEPS.length - 1];
  const [stepDays, months, name] = step;
  const lines = [];
  if (stepDays) {
    const minutes = stepDays * DAY;
    const offset = stepDays === 7 ? 4 * DAY : 0; // weeks begin on Monday
    for (let t = Math.ceil((first - offset) / minutes) * minutes + offset; t <= last; t += minutes) lines.push(t);
  } else {
    const begin = new Date(first * 60000);
    let month = Math.floor((begin.getUTCFullYear() * 12 + begin.getUTCMonth()) / months) * months;
    for (; lines.length < 60; month += months) {
      const day = new Date(0);
      day.setUTCFullYear(Math.floor(month / 12), month % 12, 1);
      const t = day.getTime() / 60000;
      if (t > last) break;
      if (t >= first) lines.push(t);
    }
  }
  const midnight = (t) => stepDays && stepDays < 1 && t % DAY === 0;
  return lines.map((t) => [t, midnight(t) ? sayDayOfYear(t) : name(t)]);
}

function draw() {
  if (!chart.svg) return;
  const focused = chart.svg.contains(document.activeElement) && document.activeElement !== chart.svg;
  const width = chart.printed || Math.max(120, chart.svg.getBoundingClientRect().width);
  chart.width = width;
  chart.svg.setAttribute("height", chart.lanes.length * laneHeight() + AXIS);
  chart.svg.setAttribute("viewBox", `0 0 ${width} ${chart.lanes.length * laneHeight() + AXIS}`);
  if (!chart.lanes.length) { chart.svg.replaceChildren(); return; }
  const [first, last] = viewNow();
  const x = (minute) => ((minute - first) / (last - first)) * width;
  const height = laneHeight();
  const bottom = chart.lanes.length * height;
  const grid = svgEl("g", { class: "grid", "aria-hidden": "true" });
  for (const [t, name] of linesOfGrid(first, last, width / 95)) {
    grid.append(svgEl("line", { x1: x(t), x2: x(t), y1: 0, y2: bottom }));
    const place = x(t);
    const anchor = place < 30 ? "start" : place > width - 30 ? "end" : "middle";
    grid.append(svgEl("text", { x: place, y: bottom + 16, "text-anchor": anchor }, name));
  }
  const marks = [];
  chart.lanes.forEach((lane, k) => {
    const y = (k + 1) * height - LANE / 2;
    const from = Math.max(-9, x(lane.thread.first)), to = Math.min(width + 9, x(lane.thread.last));
    if (to > from) grid.append(svgEl("line", { class: "life", x1: from, x2: to, y1: y, y2: y }));
    const bySize = lane.events.map((event, e) => [event, e]).sort((a, b) => b[0].size - a[0].size || a[1] - b[1]);
    for (const [event, e] of bySize) { // small marks on top of large ones
      const r = Math.min(LANE / 2 - 2, 2 + 2.4 * Math.sqrt(event.size));
      const left = x(event.first) - r, right = x(event.last) + r;
      if (right < 0 || left > width) continue;
      const begin = Math.max(left, -50), end = Math.min(right, width + 50);
      const here = chart.at[0] === k && chart.at[1] === e;
      marks.push(svgEl("rect", {
        class: "mark", x: begin, width: end - begin, y: y - r, height: 2 * r, rx: r, role: "button",
        tabindex: here ? 0 : -1, "data-lane": k, "data-event": e, "aria-label": `${sayEvent(event)}. Thread: ${lane.thread.headline}`,
      }));
    }
  });
  if (marks.length && !marks.some((mark) => mark.getAttribute("tabindex") === "0")) marks[0].setAttribute("tabindex", "0");
  chart.svg.replaceChildren(grid, ...marks);
  if (focused) focusMark();
}

const sayEvent = (event) =>
  `${saySpan(event.first, event.last)}: ${index.title[event.article] || "(no title)"}, ${count(event.size, "article")}`;

const markAt = ([k, e]) => chart.svg.querySelector(`[data-lane="${k}"][data-event="${e}"]`);

function focusMark() {
  const mark = markAt(chart.at);
  if (mark) mark.focus({ preventScroll: true });
  else chart.svg.focus({ preventScroll: true });
}

function placeOf(target) {
  const mark = target instanceof Element ? target.closest(".mark") : null;
  return mark && [Number(mark.dataset.lane), Number(mark.dataset.event)];
}

function goTo(k, e) {
  const event = chart.lanes[k].events[e];
  chart.at = [k, e];
  const [first, last] = viewNow();
  const middle = (event.first + event.last) / 2;
  if (middle < first || middle > last) look(middle - (last - first) / 2, middle + (last - first) / 2);
  draw();
  focusMark();
}

function showTip([k, e]) {
  const { thread, events } = chart.lanes[k];
  const event = events[e];
  const mark = markAt([k, e]);
  const { tip } = chart;
  tip.replaceChildren(
    el("strong", null, titleOf(event.article)),
    el("span", null, `${saySpan(event.first, event.last)} · ${count(event.size, "article")}`),
    el("span", null, "in ", said(thread.headline, thread.language)));
  tip.hidden = false;
  const outer = byId("timeline").getBoundingClientRect(), inner = mark.getBoundingClientRect();
  const left = inner.left + inner.width / 2 - outer.left - tip.offsetWidth / 2;
  tip.style.left = `${Math.max(0, Math.min(outer.width - tip.offsetWidth, left))}px`;
  tip.style.top = `${inner.bottom - outer.top + 6}px`;
}

function hideTip() {
  if (chart.tip) chart.tip.hidden = true;
}

function onChartKey(event) {
  if (event.altKey || event.ctrlKey || event.metaKey || !chart.lanes.length) return;
  let [k, e] = chart.at;
  const nearest = (to) => {
    const now = chart.lanes[k].events[e].first;
    const gaps = chart.lanes[to].events.map((other) => Math.abs(other.first - now));
    return gaps.indexOf(Math.min(...gaps));
  };
  const place = () => { // of the focused mark, which stays in view
    const [first, last] = viewNow();
    const share = (chart.lanes[k].events[e].first - first) / (last - first);
    return share >= 0 && share <= 1 ? share : 0.5;
  };
  const { key } = event;
  if (key === "ArrowLeft") e = Math.max(0, e - 1);
  else if (key === "ArrowRight") e = Math.min(chart.lanes[k].events.length - 1, e + 1);
  else if (key === "ArrowUp" && k > 0) { e = nearest(k - 1); k -= 1; }
  else if (key === "ArrowDown" && k < chart.lanes.length - 1) { e = nearest(k + 1); k += 1; }
  else if (key === "Home") e = 0;
  else if (key === "End") e = chart.lanes[k].events.length - 1;
  else if (key === "Enter" || key === " ") { event.preventDefault(); openThread(chart.lanes[k].thread.label); return; }
  else if (key === "+" || key === "=") { event.preventDefault(); zoom(0.6, place()); return; }
  else if (key === "-" || key === "−") { event.preventDefault(); zoom(1 / 0.6, place()); return; }
  else if (key === "0") { state.view = null; requestDraw(); writeSoon(); return; }
  else if (key === "Escape") { hideTip(); return; }
  else if (!key.startsWith("Arrow")) return;
  event.preventDefault();
  goTo(k, e);
}

function listenToChart() {
  const { svg } = chart;
  let drag = null;
  svg.addEventListener("pointerdown", (event) => {
    if (event.button === 0 && chart.full) drag = { x: event.clientX, view: viewNow(), moved: false };
  });
  svg.addEventListener("pointermove", (event) => {
    if (!drag) {
      const place = placeOf(event.target);
      if (place) showTip(place); else hideTip();
      return;
    }
    const dx = event.clientX - drag.x;
    if (!drag.moved && Math.abs(dx) > 4) {
      drag.moved = true;
      svg.setPointerCapture(event.pointerId);
      svg.classList.add("dragging");
      hideTip();
    }
    if (drag.moved) {
      const shift = (-dx / chart.width) * (drag.view[1] - drag.view[0]);
      look(drag.view[0] + shift, drag.view[1] + shift);
    }
  });
  const drop = (event) => {
    svg.classList.remove("dragging");
    const place = drag && !drag.moved && event.type === "pointerup" ? placeOf(event.target) : null;
    drag = null;
    if (place) { chart.at = place; openThread(chart.lanes[place[0]].thread.label); }
  };
  svg.addEventListener("pointerup", drop);
  svg.addEventListener("pointercancel", drop);
  svg.addEventListener("pointerleave", () => { if (!drag) hideTip(); });
  svg.addEventListener("dblclick", (event) => {
    if (!placeOf(event.target)) zoom(0.5, (event.clientX - svg.getBoundingClientRect().left) / chart.width);
  });
  svg.addEventListener("wheel", (event) => {
    const mine = event.ctrlKey || event.metaKey || svg.contains(document.activeElement);
    if (!chart.full) return;
    if (Math.abs(event.deltaX) > Math.abs(event.deltaY)) {
      event.preventDefault();
      pan(event.deltaX / chart.width);
    } else if (mine) {
      event.preventDefault();
      const pixels = event.deltaY * (event.deltaMode === 1 ? 30 : 1);
      zoom(Math.exp(Math.max(-200, Math.min(200, pixels)) / 300), (event.clientX - svg.getBoundingClientRect().left) / chart.width);
    }
  }, { passive: false });
  svg.addEventListener("focusin", (event) => {
    const place = placeOf(event.target);
    if (place) { chart.at = place; showTip(place); }
  });
  svg.addEventListener("focusout", hideTip);
  svg.addEventListener("keydown", onChartKey);
  // assistive technology clicks without a pointer
  svg.addEventListener("click", (event) => {
    const place = placeOf(event.target);
    if (place && event.detail === 0 && event.isTrusted) openThread(chart.lanes[place[0]].thread.label);
  });
  byId("zoom-in").addEventListener("click", () => zoom(0.6));
  byId("zoom-out").addEventListener("click", () => zoom(1 / 0.6));
  byId("pan-left").addEventListener("click", () => pan(-0.3));
  byId("pan-right").addEventListener("click", () => pan(0.3));
  byId("zoom-all").addEventListener("click", () => { state.view = null; requestDraw(); writeSoon(); });
  // The printed page has no layout yet: use about the width of A4 and Letter; the SVG is stretched to fit.
  window.addEventListener("beforeprint", () => { byId("timeline-fold").open = true; chart.printed = 450; draw(); });
  window.addEventListener("afterprint", () => { chart.printed = 0; draw(); });
  new ResizeObserver(() => {
    if (svg.getBoundingClientRect().width === chart.width) return; // no redraw, so that the focus stays
    requestDraw();
  }).observe(byId("timeline"));
}

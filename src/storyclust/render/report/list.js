// The list: search, filters, order, pages; and the entry point.

const PAGE = 40;
let found = threads;

// Words, or phrases in quotation marks; a thread must contain all of them.
const wordsOf = (query) =>
  [...fold(query).matchAll(/"([^"]+)"|([^\s"]+)/g)].map((match) => (match[1] || match[2]).trim()).filter(Boolean);

function findThreads() {
  const words = wordsOf(state.q);
  const name = fold(state.source.trim());
  const exact = index.sources.some((source) => fold(source) === name);
  const wanted = name && new Set(index.sources.map((source, k) => [fold(source), k])
    .filter(([source]) => (exact ? source === name : source.includes(name))).map(([, k]) => k));
  const from = state.from ? dayStart(state.from) : -Infinity;
  const to = state.to ? dayStart(state.to) + DAY : Infinity;
  const dated = state.from || state.to;
  const result = threads.filter((thread) => {
    if (thread.size < state.least) return false;
    if (dated && (thread.first === null || thread.last < from || thread.first >= to)) return false;
    if (dated || wanted) {
      let some = false;
      for (let a = thread.begin; a < thread.end && !some; a++) {
        const minute = index.minute[a];
        some = (!wanted || wanted.has(index.source[a])) && (!dated || (minute !== null && minute >= from && minute < to));
      }
      if (!some) return false;
    }
    return words.every((word) => foldedOf(thread).includes(word));
  });
  const late = (thread) => (thread.last === null ? -Infinity : thread.last);
  const early = (thread) => (thread.first === null ? Infinity : thread.first);
  const compare = (x, y) => (x < y ? -1 : x > y ? 1 : 0); // a difference of infinities would be NaN
  if (state.sort === "new") result.sort((x, y) => compare(late(y), late(x)) || x.label - y.label);
  if (state.sort === "old") result.sort((x, y) => compare(early(x), early(y)) || x.label - y.label);
  return result;
}

const pageOf = (label) => Math.floor(found.findIndex((thread) => thread.label === label) / PAGE) + 1;

const paint = () => paintWords(wordsOf(state.q), byId("threads"));

function showPage() {
  const pages = Math.max(1, Math.ceil(found.length / PAGE));
  if (state.page === null) state.page = Math.max(1, ...[...state.open].slice(0, 1).map(pageOf));
  state.page = Math.min(state.page, pages);
  const begin = (state.page - 1) * PAGE;
  const list = byId("threads");
  list.start = begin + 1;
  list.replaceChildren(...found.slice(begin, begin + PAGE).map(threadItem));
  byId("pages").hidden = pages === 1;
  byId("page-now").textContent = `Page ${number.format(state.page)} of ${number.format(pages)}`;
  byId("page-prev").disabled = state.page === 1;
  byId("page-next").disabled = state.page === pages;
  paint();
}

function update() {
  found = findThreads();
  const articles = found.reduce((sum, thread) => sum + thread.size, 0);
  const all = found.length === threads.length;
  byId("count").textContent = all
    ? `${count(threads.length, "thread")}, ${count(articles, "article")}`
    : `${number.format(found.length)} of ${count(threads.length, "thread")}, ${count(articles, "article")}`;
  showPage();
  showSuggestion(wordsOf(state.q));
  setTimeline(found);
  writeAddress();
}

// Set filters from other parts of the page.
function filterBy(changes) {
  Object.assign(state, { q: "", source: "", from: "", to: "", least: 1 }, changes, { page: 1, view: null });
  fillForm();
  update();
  byId("threads-heading").focus({ preventScroll: true });
  byId("threads-heading").scrollIntoView({ block: "start" });
}

function openThread(label) {
  const page = pageOf(label);
  if (page < 1) return;
  state.open.add(label);
  state.page = page;
  showPage();
  writeAddress();
  const button = byId(`thread-${label}`).querySelector("h3 button");
  button.focus({ preventScroll: true });
  byId(`thread-${label}`).scrollIntoView({ block: "start" });
}

function turnPage(by) {
  state.page += by;
  showPage();
  writeAddress();
  byId("threads-heading").focus({ preventScroll: true });
  byId("threads-heading").scrollIntoView({ block: "start" });
}

const FIELDS = ["q", "source", "from", "to", "least", "sort"];

function fillForm() {
  for (const name of FIELDS) byId(`f-${name}`).value = name === "least" && state.least === 1 ? "" : state[name];
}

let typing = 0;
function onForm() {
  clearTimeout(typing);
  typing = setTimeout(() => {
    for (const name of ["q", "source", "sort"]) state[name] = byId(`f-${name}`).value;
    for (const name of ["from", "to"]) state[name] = isDay(byId(`f-${name}`).value) ? byId(`f-${name}`).value : "";
    state.least = Math.max(1, Math.floor(Number(byId("f-least").value)) || 1);
    state.page = 1;
    state.view = null;
    update();
  }, 120);
}

// Theme: the system's preference until it is changed here.

function applyTheme(theme) {
  const dark = theme ? theme === "dark" : window.matchMedia("(prefers-color-scheme: dark)").matches;
  if (theme) document.documentElement.dataset.theme = theme;
  byId("theme").textContent = dark ? "Light theme" : "Dark theme";
  byId("theme").value = dark ? "light" : "dark";
}

// On a narrow page the list comes first, and the timeline and the filters are folded.
function arrange(narrow) {
  if (narrow) byId("threads-section").after(byId("timeline-section"));
  else byId("threads-section").before(byId("timeline-section"));
  for (const fold of ["timeline-fold", "filters-fold"]) byId(fold).open = !narrow;
}

// Scroll when the page has its final layout, also where the browser restores a place of its own.
function showOpened() {
  const opened = [...state.open].find((label) => byId(`thread-${label}`));
  if (opened === undefined) return;
  history.scrollRestoration = "manual";
  const show = () => byId(`thread-${opened}`) && byId(`thread-${opened}`).scrollIntoView({ block: "start" });
  show();
  requestAnimationFrame(() => requestAnimationFrame(show));
  if (document.readyState !== "complete") window.addEventListener("load", () => requestAnimationFrame(show), { once: true });
}

function begin() {
  byId("theme").hidden = false;
  byId("theme").addEventListener("click", () => applyTheme(byId("theme").value));
  window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => applyTheme(document.documentElement.dataset.theme));
  applyTheme("");
  byId("filters").hidden = false;
  byId("filters").addEventListener("submit", (event) => event.preventDefault());
  byId("filters").addEventListener("input", onForm);
  byId("filters").addEventListener("reset", () => setTimeout(onForm));
  byId("source-names").append(...index.sources.slice(0, 1000).map((name) => el("option", { value: name })));
  byId("page-prev").addEventListener("click", () => turnPage(-1));
  byId("page-next").addEventListener("click", () => turnPage(1));
  window.addEventListener("hashchange", () => { readAddress(); fillForm(); update(); showOpened(); });
  readAddress();
  fillForm();
  const narrow = window.matchMedia("screen and (max-width: 700px)");
  narrow.addEventListener("change", () => arrange(narrow.matches));
  arrange(narrow.matches);
  update();
  showOpened();
}

begin();

// Shared by all scripts: the data, dates and numbers, elements, and the view state in the address.
// Data is put into the document as textContent, value or attributes without code; never as markup.

const byId = (id) => document.getElementById(id);
const index = JSON.parse(byId("data-index").textContent);
let texts = null; // by article; parsed when first needed

function textOf(article) {
  if (texts === null) texts = JSON.parse(byId("data-texts").textContent);
  return texts[article];
}

// Threads: ranges in the columns of articles, which are in the order of threads and events.

const threads = [];
{
  let at = 0;
  index.threads.forEach(([headline, language, keywords, sentences, listed, typical, reason], label) => {
    const begin = at;
    const events = listed.map(([size, representative, line, place]) => {
      const event = { begin: at, end: at + size, size, article: at + representative, first: null, last: null };
      event.line = line === undefined ? null : [line, place]; // the sentence on what is new in it
      for (; at < event.end; at++) {
        const minute = index.minute[at];
        if (minute === null) continue;
        if (event.first === null || minute < event.first) event.first = minute;
        if (event.last === null || minute > event.last) event.last = minute;
      }
      return event;
    });
    const dated = events.filter((event) => event.first !== null);
    threads.push({
      label, headline, language, keywords, sentences, events, begin, end: at, size: at - begin,
      first: dated.length ? Math.min(...dated.map((event) => event.first)) : null,
      last: dated.length ? Math.max(...dated.map((event) => event.last)) : null,
      typical: begin + typical, reason, folded: null,
    });
  });
}

function sourcesOf(thread) {
  const counts = new Map();
  for (let a = thread.begin; a < thread.end; a++) {
    const source = index.source[a];
    if (source >= 0) counts.set(source, (counts.get(source) || 0) + 1);
  }
  return [...counts].sort((x, y) => y[1] - x[1] || x[0] - y[0]);
}

// Words are compared without accents and case.

const fold = (text) => text.normalize("NFKD").replace(/[\u0300-\u036f]/g, "").toLowerCase();

function foldedOf(thread) {
  if (thread.folded === null) {
    const parts = [thread.headline, ...thread.keywords, ...thread.sentences.map((sentence) => sentence[0])];
    for (const event of thread.events) if (event.line) parts.push(event.line[0]);
    for (let a = thread.begin; a < thread.end; a++) parts.push(index.title[a]);
    thread.folded = fold(parts.join("\n"));
  }
  return thread.folded;
}

// Highlight words in the visible texts without changing the document.
function paintWords(words, root) {
  if (!window.CSS || !CSS.highlights || !window.Highlight) return;
  const ranges = [];
  const nodes = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
  while (words.length && ranges.length < 5000 && nodes.nextNode()) {
    const text = nodes.currentNode.data;
    const places = [];
    let folded = "";
    for (let i = 0; i < text.length; i++) {
      for (const letter of fold(text[i])) { folded += letter; places.push(i); }
    }
    for (const word of words) {
      for (let at = folded.indexOf(word); at >= 0; at = folded.indexOf(word, at + word.length)) {
        const range = new Range();
        range.setStart(nodes.currentNode, places[at]);
        range.setEnd(nodes.currentNode, places[at + word.length - 1] + 1);
        ranges.push(range);
      }
    }
  }
  CSS.highlights.set("found", new Highlight(...ranges));
}

const number = new Intl.NumberFormat("en-GB");
const count = (n, noun) => `${number.format(n)} ${noun}${n === 1 ? "" : "s"}`;

// Dates, in minutes since 1970.

const DAY = 1440;
const MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(" "); // the same in every browser
const two = (n) => String(n).padStart(2, "0");
const utc = (minute) => new Date(minute * 60000);
const sayYear = (minute) => String(utc(minute).getUTCFullYear());
const sayDayOfYear = (minute) => `${utc(minute).getUTCDate()} ${MONTHS[utc(minute).getUTCMonth()]}`;
const sayMonth = (minute) => `${MONTHS[utc(minute).getUTCMonth()]} ${sayYear(minute)}`;
const sayDay = (minute) => `${sayDayOfYear(minute)} ${sayYear(minute)}`;
const sayTime = (minute) => `${two(utc(minute).getUTCHours())}:${two(utc(minute).getUTCMinutes())}`;
const isoOf = (minute) => utc(minute).toISOString();

function sayWhen(minute) {
  if (minute === null) return "undated";
  const timeOfDay = ((minute % DAY) + DAY) % DAY; // noon marks a date without a time of day
  return timeOfDay === 0 || timeOfDay === DAY / 2 ? sayDay(minute) : `${sayDay(minute)}, ${sayTime(minute)}`;
}

function saySpan(first, last) {
  if (first === null) return "undated";
  const [a, b] = [sayDay(first), sayDay(last)];
  if (a === b) return a;
  if (sayMonth(first) === sayMonth(last)) return `${utc(first).getUTCDate()}–${b}`;
  return sayYear(first) === sayYear(last) ? `${sayDayOfYear(first)} – ${b}` : `${a} – ${b}`;
}

// Elements.

function el(name, attributes, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes || {})) {
    if (key === "onclick") element.addEventListener("click", value);
    else if (value === true) element.setAttribute(key, "");
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(key, value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

// A text of an article, isolated, with its own direction and language.
const said = (text, language, name = "bdi") =>
  el(name, { dir: "auto", lang: language || null }, text);

// Direction of a paragraph of isolated sentences, which `dir="auto"` does not look into: that of the first letter.
function directionOf(text) {
  const letter = text.match(/\p{L}/u);
  return letter && /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]/.test(letter[0]) ? "rtl" : "ltr";
}

const languageOf = (article) => index.languages[index.language[article]];

// The language of a thread; empty if its articles are in several languages.
function oneLanguage(thread) {
  const found = new Set(index.language.slice(thread.begin, thread.end));
  return found.size === 1 ? languageOf(thread.begin) : "";
}

const titleOf = (article) => said(index.title[article] || "(no title)", languageOf(article));

function timeOf(minute) {
  if (minute === null) return el("span", { class: "undated" }, "undated");
  return el("time", { datetime: isoOf(minute) }, sayWhen(minute));
}

// The view state, which is also kept in the fragment of the address, so that a view can be shared.

const SORTS = ["size", "new", "old"];
const state = { q: "", source: "", from: "", to: "", least: 1, sort: "size", page: 1, open: new Set(), view: null };
const isDay = (text) => /^\d{4}-\d\d-\d\d$/.test(text) && !Number.isNaN(Date.parse(text));
const dayStart = (text) => Date.parse(`${text}T00:00:00Z`) / 60000;

function readAddress() {
  const given = new URLSearchParams(location.hash.slice(1));
  const whole = (text, low) => Math.max(low, Math.min(1e9, Math.floor(Number(text)) || low));
  const day = (name) => (isDay(given.get(name) || "") ? given.get(name) : "");
  state.q = (given.get("q") || "").slice(0, 500);
  state.source = (given.get("source") || "").slice(0, 500);
  state.from = day("from");
  state.to = day("to");
  state.least = whole(given.get("least"), 1);
  state.sort = SORTS.includes(given.get("sort")) ? given.get("sort") : "size";
  state.page = given.has("page") ? whole(given.get("page"), 1) : null;
  const open = (given.get("open") || "").split(",").filter((part) => /^\d+$/.test(part)).map(Number);
  state.open = new Set(open.filter((label) => label < threads.length).slice(0, 100));
  const view = (given.get("view") || "").split(",").map(Number);
  state.view = view.length === 2 && view.every((t) => Math.abs(t) < 5e9) && view[0] < view[1] ? view : null;
}

function writeAddress() {
  const said = new URLSearchParams();
  for (const name of ["q", "source", "from", "to"]) if (state[name]) said.set(name, state[name]);
  if (state.least > 1) said.set("least", state.least);
  if (state.sort !== "size") said.set("sort", state.sort);
  if (state.page > 1 || state.open.size) said.set("page", state.page);
  if (state.open.size) said.set("open", [...state.open].join(","));
  if (state.view) said.set("view", state.view.map(Math.round).join(","));
  const hash = said.toString().replace(/%2C/g, ",");
  if (hash === location.hash.slice(1)) return;
  try {
    history.replaceState(null, "", hash ? `#${hash}` : location.href.split("#")[0]);
  } catch (error) {
    if (error.name !== "SecurityError") throw error; // a frame without an address of its own
  }
}

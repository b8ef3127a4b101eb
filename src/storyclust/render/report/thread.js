// One thread: its line in the list, and the details below it.

const TEASER_NAMES = 4;
const FEW_EVENTS = 12;
const FEW_SOURCES = 12;
const FEW_ARTICLES = 20;

function threadItem(thread) {
  const open = state.open.has(thread.label);
  const item = el("li", { class: "thread", id: `thread-${thread.label}` });
  const button = el("button", { type: "button", "aria-expanded": String(open), "aria-controls": `body-${thread.label}` },
    said(thread.headline || "(no headline)", thread.language));
  button.addEventListener("click", () => toggle(thread, item));
  const body = el("div", { class: "body", id: `body-${thread.label}`, hidden: !open });
  item.append(
    el("span", { class: "size", "aria-hidden": "true" }, number.format(thread.size)),
    el("div", { class: "entry" }, el("h3", null, button), factsOf(thread), teaserOf(thread)), body);
  item.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && state.open.has(thread.label)) {
      event.stopPropagation();
      toggle(thread, item);
      button.focus();
    }
  });
  if (open) fill(thread, body);
  return item;
}

function toggle(thread, item) {
  const open = !state.open.has(thread.label);
  if (open) state.open.add(thread.label);
  else state.open.delete(thread.label);
  item.querySelector("h3 button").setAttribute("aria-expanded", String(open));
  const body = item.querySelector(".body");
  if (open) fill(thread, body);
  body.hidden = !open;
  paint();
  writeAddress();
}

function factsOf(thread) {
  const sources = sourcesOf(thread);
  const facts = [count(thread.size, "article"), count(thread.events.length, "event"), saySpan(thread.first, thread.last)];
  const line = el("p", { class: "facts" }, facts.join(" · "));
  if (sources.length) {
    line.append(" · ");
    sources.slice(0, 3).forEach(([source], k) => line.append(k ? ", " : "", said(index.sources[source])));
    if (sources.length > 3) line.append(` and ${number.format(sources.length - 3)} more`);
  }
  return line;
}

// The first sentence of the summary, after the key names; hidden where the thread is open.
function teaserOf(thread) {
  if (!thread.sentences.length || thread.size === 1) return null;
  const language = oneLanguage(thread);
  const names = thread.keywords.slice(0, TEASER_NAMES);
  const [text, place] = thread.sentences[0];
  const line = el("p", { class: "opening", dir: directionOf(text) }, said(text, languageOf(thread.begin + place), "span"));
  const list = el("p", { class: "facts" });
  names.forEach((word, k) => list.append(k ? " · " : "", said(word, language)));
  return el("div", { class: "teaser" }, line, names.length ? list : null);
}

function fill(thread, body) {
  if (body.childElementCount) return;
  const articles = articleList(thread);
  let copies = 0;
  for (let a = thread.begin; a < thread.end; a++) copies += index.copy[a];
  const main = el("div", { class: "story" });
  if (thread.sentences.length) main.append(heading("Summary"), summaryOf(thread, articles));
  if (thread.keywords.length) {
    const language = oneLanguage(thread);
    main.append(el("ul", { class: "keywords", "aria-label": "Keywords" }, ...thread.keywords.map((word) =>
      el("li", null, el("button", { type: "button", title: "Search for it", onclick: () => filterBy({ q: `"${word}"` }) }, said(word, language))))));
  }
  main.append(heading(count(thread.events.length, "event")), eventList(thread, articles));
  body.append(el("div", { class: "columns" }, main, sourceList(thread)), ...joinedParts(thread, articles),
    heading(count(thread.size, "article") + (copies ? `, ${number.format(copies)} of them copies` : "")), articles.whole);
}

const heading = (text) => el("h4", null, text);

function summaryOf(thread, articles) {
  const paragraph = el("p", { class: "summary", dir: thread.sentences.length ? directionOf(thread.sentences[0][0]) : "auto" });
  for (const sentence of thread.sentences) paragraph.append(...quoted(thread, sentence, articles));
  return paragraph;
}

// A sentence, with a button that shows its article.
function quoted(thread, [text, place], articles) {
  const article = thread.begin + place;
  const source = index.source[article];
  const name = source >= 0 ? said(index.sources[source]) : "source";
  return [said(text, languageOf(article), "span"), " ", el("button", {
    type: "button", class: "cite", title: "Show the article this sentence is taken from",
    onclick: () => articles.show(article),
  }, name), " "];
}

// Articles of an event that are no copies of another: its independent reports.
function independentOf(event) {
  let n = 0;
  for (let a = event.begin; a < event.end; a++) n += index.copy[a] ? 0 : 1;
  return n;
}

function eventList(thread, articles) {
  const list = el("ol", { class: "events" });
  const biggest = Math.max(...thread.events.map(independentOf));
  const line = (event) => {
    const independent = independentOf(event);
    const bar = independent === 1 ? null : svgEl("svg", { class: "bar", width: 64, height: 8, "aria-hidden": "true" },
      svgEl("rect", { width: Math.max(2, (64 * independent) / biggest), height: 8, rx: 2 }));
    const copies = event.size - independent;
    const reports = ` ${count(independent, "report")}${copies ? ` + ${number.format(copies)} ${copies === 1 ? "copy" : "copies"}` : ""}`;
    const title = el("button", { type: "button", class: "plain", onclick: () => articles.show(event.begin) }, titleOf(event.article));
    return el("li", null, el("span", { class: "when" }, eventTime(event)), title,
      el("span", { class: "n" }, bar, reports),
      event.line && el("p", { class: "new", dir: directionOf(event.line[0]) }, ...quoted(thread, event.line, articles)));
  };
  return longList(list, thread.events.length, FEW_EVENTS, (k) => line(thread.events[k]), "events").whole;
}

function eventTime(event) {
  if (event.first === null) return el("span", { class: "undated" }, "undated");
  return el("time", { datetime: isoOf(event.first) }, saySpan(event.first, event.last));
}

function sourceList(thread) {
  const sources = sourcesOf(thread);
  const line = (k) => {
    const [source, n] = sources[k];
    return el("li", null, el("button", {
      type: "button", class: "plain", title: "Threads with this source", onclick: () => filterBy({ source: index.sources[source] }),
    }, said(index.sources[source])), el("span", { class: "n" }, number.format(n)));
  };
  const list = el("ul", { class: "sources" });
  const box = el("div", { class: "aside" }, heading(count(sources.length, "source")));
  box.append(longList(list, sources.length, FEW_SOURCES, line, "sources").whole);
  return box;
}

// A list that shows its first items, with a button for the others.
function longList(list, length, few, line, noun) {
  let shown = 0;
  const button = el("button", { type: "button", class: "quiet" }, `Show all ${number.format(length)} ${noun}`);
  const showTo = (end) => {
    const lines = [];
    for (; shown < Math.min(end, length); shown++) lines.push(line(shown));
    list.append(...lines);
    button.hidden = shown >= length;
  };
  button.addEventListener("click", () => {
    const next = shown;
    showTo(length);
    const target = list.children[next] && list.children[next].querySelector("a, button, summary");
    if (target) target.focus();
  });
  showTo(length <= few * 1.5 ? length : few);
  return { whole: el("div", null, list, button), showTo };
}

// Articles of a thread, with copies folded below the article kept.

function articleList(thread) {
  const kept = keptOf(thread);
  const list = el("ol", { class: "articles" });
  const long = longList(list, kept.length, FEW_ARTICLES, (k) => articleItem(thread, kept[k], kept[k + 1] || thread.end), "articles");
  const show = (article) => {
    let k = kept.length - 1;
    while (k > 0 && kept[k] > article) k--;
    long.showTo(k + 1);
    const item = list.children[k];
    const details = item.querySelector(kept[k] === article ? "details.excerpt" : "details.copies");
    if (details) details.open = true;
    item.tabIndex = -1;
    item.focus({ preventScroll: true });
    item.scrollIntoView({ block: "center" });
  };
  return { whole: long.whole, show };
}

const furnitureMarks = (bounds) => bounds.flatMap((bound, k) => (k % 2 ? [] : [bound, bounds[k + 1], FURNITURE]));

function articleItem(thread, article, next) {
  const item = el("li", null, articleLine(article));
  if (article === thread.typical && thread.size > 1) {
    item.firstChild.append(" ", el("span", { class: "badge" }, "most typical"), " ", el("span", { class: "note" }, thread.reason));
  }
  const copies = [];
  for (let a = article + 1; a < next && index.copy[a]; a++) copies.push(a);
  const excerpt = textOf(article);
  if (excerpt) {
    const ignored = index.ignored[article], language = languageOf(article);
    const text = ignored.length ? marked(excerpt, furnitureMarks(ignored), language) : said(excerpt, language, "p");
    const details = el("details", { class: "excerpt" }, el("summary", null, "Excerpt"), text);
    if (ignored.length) details.append(el("p", { class: "note" }, "Grey: page furniture, which was not compared."));
    item.append(details);
  }
  if (copies.length) {
    const list = el("ul");
    const details = el("details", { class: "copies" }, el("summary", null, copies.length === 1 ? "1 copy" : `${number.format(copies.length)} copies`));
    details.addEventListener("toggle", () => {
      if (list.childElementCount) return;
      list.append(...copies.map((copy) => el("li", null, articleLine(copy), differenceOf(copy))));
      details.append(list);
      paint();
    });
    item.append(details);
  }
  return item;
}

function articleLine(article) {
  const url = index.url[article];
  const title = /^https?:\/\//i.test(url)
    ? el("a", { href: url, rel: "noreferrer noopener", target: "_blank" }, titleOf(article))
    : el("span", null, titleOf(article));
  const source = index.source[article];
  const facts = el("span", { class: "facts" });
  if (source >= 0) facts.append(said(index.sources[source]), " · ");
  facts.append(timeOf(index.minute[article]));
  return el("div", { class: "line" }, title, " ", facts);
}

function differenceOf(copy) {
  const pieces = textOf(copy);
  if (pieces === null) return el("p", { class: "note" }, "Not compared.");
  if (!pieces.length) return el("p", { class: "note" }, "The same text, up to case and punctuation.");
  const text = el("p", { class: "diff", dir: "auto", lang: languageOf(copy) || null });
  for (const [kind, piece] of pieces) {
    text.append(kind === 0 ? piece : el(kind === 1 ? "del" : "ins", null, piece), " ");
  }
  return el("div", null, text, el("p", { class: "note" }, el("del", null, "struck out"), ": only in the article kept; ", el("ins", null, "underlined"), ": only in this copy."));
}

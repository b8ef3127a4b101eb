// The tree of a thread, and its strongest links with the shared terms and passages.

const LEAF = 24; // pixels
const TREE_HEAD = 34; // for the labels of the two distances
const TREE_FOOT = 20;
let joined = null; // by thread; parsed when first needed

function joinedOf(thread) {
  if (joined === null) joined = JSON.parse(byId("data-joined").textContent);
  return joined[thread.label];
}

function joinedParts(thread, articles) {
  const kept = keptOf(thread);
  if (kept.length < 2) return [];
  const [tree, links] = joinedOf(thread);
  const parts = [unfolding("tree", "How it was put together", () => treeOf(thread, kept, tree, articles))];
  if (links.length) parts.push(unfolding("links", "What its articles share", () => linkList(kept, links)));
  return parts;
}

function keptOf(thread) {
  const kept = [];
  for (let a = thread.begin; a < thread.end; a++) if (!index.copy[a]) kept.push(a);
  return kept;
}

// Details that are filled when first opened.
function unfolding(name, title, content) {
  const details = el("details", { class: name }, el("summary", null, title));
  details.addEventListener("toggle", () => {
    if (!details.open || details.childElementCount > 1) return;
    details.append(content());
    paint();
  });
  return details;
}

// The tree: a line for each leaf, ordered by time where the tree leaves a choice, and brackets for merges.

function treeOf(thread, kept, merges, articles) {
  if (merges === null) {
    return el("p", { class: "note" }, `${count(kept.length, "article")} in ${count(thread.events.length, "event")}: a tree of more than ${index.overview.leaves} lines is not drawn.`);
  }
  const n = merges.length / 3 + 1;
  const ofEvents = n < kept.length;
  const root = grow(merges, n);
  const leaves = leavesOf(root);
  const eventAt = (k) => (ofEvents ? k : thread.events.findIndex((event) => kept[k] < event.end));
  const groups = leaves.map((leaf) => eventAt(leaf.k));
  const shaded = groups.map(((last, odd) => (group) => { if (group !== last) { odd = !odd; last = group; } return odd; })(-1, false));
  const labels = el("ol", { class: "leaves" }, ...leaves.map((leaf, row) => {
    const article = ofEvents ? thread.events[leaf.k].article : kept[leaf.k];
    const first = ofEvents ? thread.events[leaf.k].begin : article;
    const when = ofEvents ? thread.events[leaf.k].first : index.minute[article];
    return el("li", shaded[row] ? { class: "odd" } : null,
      el("button", { type: "button", class: "plain", title: index.title[article], onclick: () => articles.show(first) }, titleOf(article)),
      " ", el("span", { class: "when" }, when === null ? "undated" : sayDay(when)));
  }));
  const svg = svgEl("svg", { role: "img", "aria-label": sayTree(thread, kept, n, root), preserveAspectRatio: "none", height: TREE_HEAD + n * LEAF + TREE_FOOT });
  const box = el("div", { class: "joining" }, labels, svg);
  let drawn = 0;
  new ResizeObserver(() => {
    const width = svg.getBoundingClientRect().width;
    if (width && width !== drawn) drawTree(svg, root, n, drawn = width, shaded);
  }).observe(box);
  const note = ofEvents ? `Each line is an event: the ${number.format(kept.length)} articles are too many to draw.` : "Each line is an article, copies left out; shading changes from event to event.";
  return el("div", null, box, el("p", { class: "note" },
    `${note} Articles join to events at their average distance: 0 for the same words, 1 for no similarity above the background. Events join by similarities relative to those of their nearest neighbours, and are drawn from the event distance on.`));
}

function grow(merges, n) {
  const nodes = Array.from({ length: n }, (_, k) => ({ k, first: k, height: 0, size: 1 }));
  for (let m = 0; m < merges.length; m += 3) {
    const parts = [nodes[merges[m]], nodes[merges[m + 1]]].sort((x, y) => x.first - y.first);
    nodes.push({ parts, first: parts[0].first, height: merges[m + 2] / 1000, size: parts[0].size + parts[1].size });
  }
  return nodes[nodes.length - 1];
}

const leavesOf = (node) => (node.parts ? node.parts.flatMap(leavesOf) : [node]);

function sayTree(thread, kept, n, root) {
  const what = n < kept.length ? count(n, "event") : `${count(n, "article")} in ${count(thread.events.length, "event")}`;
  const nearest = Math.min(...(function heights(node) { return node.parts ? [node.height, ...node.parts.flatMap(heights)] : []; })(root));
  return `Tree of ${what}: the nearest join at distance ${nearest.toFixed(2)}, all at ${root.height.toFixed(2)}. One event is what joins below ${index.distances[0]}, one thread below ${index.distances[1]}.`;
}

function drawTree(svg, root, n, width, shaded) {
  const bottom = TREE_HEAD + n * LEAF;
  const x = (distance) => 1 + distance * (width - 2);
  svg.setAttribute("viewBox", `0 0 ${width} ${bottom + TREE_FOOT}`);
  const bands = shaded.map((odd, row) => (odd ? svgEl("rect", { class: "odd", x: 0, y: TREE_HEAD + row * LEAF, width, height: LEAF }) : null));
  const lines = svgEl("g", { class: "grid" });
  ["one event", "one thread"].forEach((name, k) => { // the label of threads is above, where no line crosses it
    const at = index.distances[k];
    lines.append(svgEl("line", { class: "cut", x1: x(at), x2: x(at), y1: 19 - 15 * k, y2: bottom }),
      svgEl("text", { x: x(at) - 4, y: 28 - 15 * k, "text-anchor": "end" }, `${name}: below ${at}`));
  });
  for (const [at, anchor] of [[0, "start"], [0.5, "middle"], [1, "end"]]) {
    lines.append(svgEl("line", { x1: x(at), x2: x(at), y1: bottom, y2: bottom + 4 }),
      svgEl("text", { x: x(at), y: bottom + 16, "text-anchor": anchor }, at === 0 ? "distance 0" : String(at)));
  }
  const branches = { inside: "", between: "" };
  let row = 0;
  const place = (node) => { // returns its vertical position after drawing its parts
    if (!node.parts) return TREE_HEAD + (row++ + 0.5) * LEAF;
    const [one, other] = node.parts.map(place);
    const to = x(node.height);
    branches[node.height < index.distances[0] ? "inside" : "between"] +=
      `M${x(node.parts[0].height)} ${one}H${to}V${other}H${x(node.parts[1].height)}`;
    return (one + other) / 2;
  };
  place(root);
  svg.replaceChildren(...bands.filter(Boolean), lines,
    svgEl("path", { class: "between", d: branches.between }), svgEl("path", { class: "inside", d: branches.inside }));
}

// Links: two articles side by side, with shared text marked.

const RELATIONS = [
  () => "The same words",
  (share) => `Near copies: ${share}% of their five-word shingles are shared`,
  (share) => `Excerpt: ${share}% of the five-word shingles of the shorter text are in the other`,
  (share, similarity) => `Independent reports: similarity ${similarity} above the background`,
];

function linkList(kept, links) {
  return el("div", null, ...links.map((link, k) => linkItem(kept, link, k)),
    el("p", { class: "note" }, el("mark", { class: "passage" }, "Shaded"), ": passages in both excerpts; ",
      el("mark", { class: "term" }, "underlined"), ": words in both articles. The strongest links between independent articles are shown."));
}

function linkItem(kept, [a, b, relation, thousandths, passages, terms, why, marksA, marksB], k) {
  const parts = [RELATIONS[relation](Math.round(thousandths / 10), (thousandths / 1000).toFixed(2)), passages ? `${count(passages, "passage")} in common` : "no passage in common"];
  const item = el("div", { class: "link", role: "group", "aria-label": `Link ${k + 1}` }, el("p", { class: "facts" }, `${parts.join(" · ")}.`));
  if (terms.length) {
    item.append(el("p", { class: "facts" }, "Both: ", ...terms.flatMap((term, n) => [n ? " · " : "", said(term, languageOf(kept[a]))])));
  }
  item.append(el("p", { class: "facts" }, why));
  item.append(el("div", { class: "sides" }, ...[[kept[a], marksA], [kept[b], marksB]].map(([article, marks]) =>
    el("div", null, articleLine(article), marked(textOf(article) || index.title[article], marks, languageOf(article))))));
  return item;
}

const KINDS = [null, "term", "passage", "furniture"], FURNITURE = 3;

// Positions count code points, not the UTF-16 units of a JavaScript string.
function marked(text, marks, language) {
  const letters = [...text];
  const whole = el("p", { class: "marked", dir: "auto", lang: language || null });
  let at = 0;
  for (let k = 0; k < marks.length; k += 3) {
    const [begin, end, kind] = marks.slice(k, k + 3);
    whole.append(letters.slice(at, begin).join(""), el("mark", { class: KINDS[kind] }, letters.slice(begin, end).join("")));
    at = end;
  }
  whole.append(letters.slice(at).join(""));
  return whole;
}

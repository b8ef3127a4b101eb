// Suggestions for words of a search that occur in no thread: the nearest words that do.

const MOST_EDITS = 2; // one for words of up to five letters
const LONGEST_WORD = 40;
let vocabulary = null; // folded words of all threads, with their number of threads

function knownWords() {
  if (vocabulary === null) {
    vocabulary = new Map();
    for (const thread of threads) {
      for (const word of new Set(foldedOf(thread).match(/[\p{L}\p{N}]+/gu) || [])) {
        if (word.length > 2 && word.length <= LONGEST_WORD) vocabulary.set(word, (vocabulary.get(word) || 0) + 1);
      }
    }
  }
  return vocabulary;
}

// Edits between two words (letters inserted, deleted, replaced, or two exchanged), `most` + 1 if there are more.
function editsBetween(one, other, most) {
  if (Math.abs(one.length - other.length) > most) return most + 1;
  let before = [], last = [...Array(other.length + 1).keys()];
  for (let i = 1; i <= one.length; i++) {
    const now = [i];
    for (let j = 1; j <= other.length; j++) {
      const replaced = last[j - 1] + (one[i - 1] === other[j - 1] ? 0 : 1);
      now[j] = Math.min(last[j] + 1, now[j - 1] + 1, replaced);
      if (i > 1 && j > 1 && one[i - 1] === other[j - 2] && one[i - 2] === other[j - 1]) now[j] = Math.min(now[j], before[j - 2] + 1);
    }
    if (Math.min(...now) > most) return most + 1;
    [before, last] = [last, now];
  }
  return last[other.length];
}

function nearestWord(word) {
  const most = word.length > 5 ? MOST_EDITS : 1;
  let best = null, least = most + 1, often = 0;
  for (const [known, n] of knownWords()) {
    const edits = editsBetween(word, known, Math.min(least, most));
    if (edits < least || (edits === least && best !== null && n > often)) [best, least, often] = [known, edits, n];
  }
  return best;
}

// The query with each unknown word replaced by the nearest known one; null if one has none or all are known.
function suggestion(words) {
  const repaired = words.map((word) => {
    if (threads.some((thread) => foldedOf(thread).includes(word))) return word;
    return word.length > 2 && !word.includes(" ") ? nearestWord(word) : null;
  });
  if (repaired.includes(null) || repaired.every((word, k) => word === words[k])) return null;
  return repaired.map((word) => (word.includes(" ") ? `"${word}"` : word)).join(" ");
}

function showSuggestion(words) {
  const better = found.length || !words.length ? null : suggestion(words);
  byId("suggestion").hidden = better === null;
  if (better === null) return;
  byId("suggestion").replaceChildren("Did you mean ", el("button", { type: "button", class: "plain", onclick: () => filterBy({ q: better }) }, said(better)), "?");
}

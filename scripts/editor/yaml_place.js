// Where in a YAML text the cursor stands: the keys that lead there, and what is written of the word so far.
// It reads the lines above by their indentation, and the braces of its own line; a text need not be whole for that.

const KEY = /^("[^"]*"|'[^']*'|[^\s#:{}[\],&*!|>'"%@`-][^#:{}[\],]*?)\s*:(\s|$)/;

// What a line begins: its items and its first key, each with the column at which it stands; and where its value begins.
function opened(line) {
  const parts = [];
  let at = line.length - line.trimStart().length;
  while (line.startsWith("- ", at) || line.slice(at) === "-") {
    parts.push({ at, item: true });
    at += 2;
    while (line[at] === " ") at += 1;
  }
  const key = KEY.exec(line.slice(at));
  if (key) parts.push({ at, key: key[1].replace(/^["']|["']$/g, "") });
  return { parts, value: key ? at + key[0].length : at, indent: parts.length ? parts[0].at : at };
}

// Braces that are open before the cursor: the keys that lead into them, and whether a key or a value is written there.
function flow(text) {
  const open = [];
  let word = "", key = null, quote = "";
  for (const char of text) {
    if (quote) { if (char === quote) quote = ""; word += char; continue; }
    if (char === '"' || char === "'") { quote = char; word += char; continue; }
    if (char === "{" || char === "[") { open.push({ list: char === "[", before: key }); word = ""; key = null; continue; }
    if (char === "}" || char === "]") { open.pop(); word = ""; key = null; continue; }
    if (char === ",") { word = ""; key = null; continue; }
    if (char === ":" && open.length && !open.at(-1).list) { key = word.trim(); word = ""; continue; }
    word += char;
  }
  return { open, key, word: word.trimStart() };
}

// The place of a position: `path` (keys, and null for an item of a list), `word` as written so far, and whether it is a
// `value` or a key that is written there.
export function placeAt(doc, position) {
  const line = doc.lineAt(position);
  const before = line.text.slice(0, position - line.from);
  if (/(^|\s)#/.test(before)) return null;
  const here = opened(before);
  const path = here.parts.map((one) => (one.item ? null : one.key));
  let least = here.indent;
  let item = Boolean(here.parts.length && here.parts[0].item);
  for (let number = line.number - 1; number > 0 && least >= 0; number -= 1) {
    const text = doc.line(number).text;
    if (!text.trim() || text.trimStart().startsWith("#")) continue;
    for (const one of opened(text).parts.reverse()) {
      if (one.at < least || (item && !one.item && one.at === least)) {
        path.unshift(one.item ? null : one.key);
        least = one.at;
        item = Boolean(one.item);
      }
    }
    if (least === 0 && !item) break;
  }
  const inside = flow(before.slice(here.value));
  for (const one of inside.open) {
    if (one.before !== null) path.push(one.before);
    if (one.list) path.push(null);
  }
  if (inside.open.length) {
    const value = inside.key !== null || inside.open.at(-1).list;
    if (inside.key !== null) path.push(inside.key);
    return { path, word: inside.word, value };
  }
  const named = here.parts.length > 0 && !here.parts.at(-1).item;
  return { path, word: before.slice(here.value).trimStart(), value: named };
}

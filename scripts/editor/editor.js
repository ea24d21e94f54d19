// The text of a journey in CodeMirror, over the plain field that the page has without it: problems on their lines,
// completion and hover by the language's schema. It stands in a shadow root, where its style needs no inline one.
// The field stays the truth: whatever is typed is put into it, and htmx asks the server as it would without this.
import { autocompletion, closeBrackets, closeBracketsKeymap, completionKeymap } from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap } from "@codemirror/commands";
import { yaml } from "@codemirror/lang-yaml";
import { bracketMatching, HighlightStyle, indentOnInput, indentUnit, syntaxHighlighting } from "@codemirror/language";
import { lintGutter, lintKeymap, setDiagnostics } from "@codemirror/lint";
import { highlightSelectionMatches, search, searchKeymap } from "@codemirror/search";
import { EditorState } from "@codemirror/state";
import { drawSelection, EditorView, highlightActiveLine, hoverTooltip, keymap, lineNumbers } from "@codemirror/view";
import { tags } from "@lezer/highlight";
import { keysAt, valuesAt } from "./schema_words.js";
import { placeAt } from "./yaml_place.js";

const KNOWN = { send: "templates", template: "templates", on: "events", event: "events", of: "events",
  segment: "segments", enroll: "journeys" };
const STAGES = new Set(["to", "go", "start"]);

const look = EditorView.theme({
  "&": { color: "var(--ink)", backgroundColor: "var(--box)", fontSize: "13px", maxHeight: "72vh" },
  "&.cm-focused": { outline: "2px solid var(--focus)", outlineOffset: "-2px" },
  ".cm-scroller": { fontFamily: "ui-monospace, 'SF Mono', SFMono-Regular, Menlo, Consolas, monospace", lineHeight: "1.55", minHeight: "420px" },
  ".cm-content": { caretColor: "var(--ink)", padding: "10px 0" },
  ".cm-cursor": { borderLeftColor: "var(--ink)" },
  ".cm-gutters": { backgroundColor: "var(--box)", color: "var(--faint)", border: "0" },
  ".cm-activeLine, .cm-activeLineGutter": { backgroundColor: "color-mix(in srgb, var(--wash) 60%, transparent)" },
  "&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground": { backgroundColor: "color-mix(in srgb, var(--accent) 26%, transparent)" },
  ".cm-matchingBracket, &.cm-focused .cm-matchingBracket": { backgroundColor: "var(--soft)", outline: "1px solid var(--accent)" },
  ".cm-tooltip": { backgroundColor: "var(--box)", color: "var(--ink)", border: "1px solid var(--line)", borderRadius: "8px", boxShadow: "0 8px 24px rgb(0 0 0 / .12)", maxWidth: "420px" },
  ".cm-tooltip.cm-tooltip-autocomplete > ul > li[aria-selected]": { backgroundColor: "var(--soft)", color: "var(--accent)" },
  ".cm-completionDetail": { color: "var(--faint)", fontStyle: "normal" },
  ".cm-diagnostic": { padding: "6px 10px", font: "13px/1.45 system-ui, sans-serif" },
  ".told": { padding: "6px 10px", font: "13px/1.45 system-ui, sans-serif" },
  ".cm-panels": { backgroundColor: "var(--wash)", color: "var(--ink)" },
});
const colours = HighlightStyle.define([
  { tag: [tags.propertyName, tags.definition(tags.propertyName)], color: "var(--accent)", fontWeight: "600" },
  { tag: tags.comment, color: "var(--faint)", fontStyle: "italic" },
  { tag: [tags.string, tags.special(tags.string)], color: "var(--here)" },
  { tag: [tags.separator, tags.punctuation, tags.squareBracket, tags.brace], color: "var(--faint)" },
]);

function stagesOf(text) {
  const after = text.split(/^stages:[^\S\n]*$/m)[1] ?? "";
  const first = /^([^\S\n]+)[A-Za-z]/m.exec(after)?.[1];
  return first ? [...after.matchAll(new RegExp(`^${first}([A-Za-z][\\w-]*):`, "gm"))].map((one) => one[1]) : [];
}

const known = (name) => [...document.querySelectorAll(`#known-${name} option`)].map((one) => one.value);

function completing(schema) {
  return (context) => {
    const place = placeAt(context.state.doc, context.pos);
    if (!place || (!context.explicit && !place.word && !place.value)) return null;
    const from = context.pos - place.word.length;
    if (!place.value) {
      const keys = [...keysAt(place.path, schema)];
      return keys.length ? { from, options: keys.map(([label, info]) => ({ label, apply: `${label}: `, type: "property", info: info || undefined })), validFor: /^[\w-]*$/ } : null;
    }
    const key = place.path.filter((one) => one !== null).at(-1);
    const names = STAGES.has(key) ? stagesOf(context.state.doc.toString()) : KNOWN[key] ? known(KNOWN[key]) : [];
    const options = [...valuesAt(place.path, schema), ...names].map((label) => ({ label, type: "constant" }));
    return options.length ? { from, options, validFor: /^[^,}\]#]*$/ } : null;
  };
}

function telling(schema) {
  return hoverTooltip((view, position) => {
    const line = view.state.doc.lineAt(position);
    const word = [...line.text.matchAll(/[A-Za-z_]\w*(?=\s*:)/g)].find((one) => line.from + one.index <= position && position <= line.from + one.index + one[0].length);
    if (!word) return null;
    const from = line.from + word.index;
    const place = placeAt(view.state.doc, from);
    const meaning = place && keysAt(place.path, schema).get(word[0]);
    if (!meaning) return null;
    return { pos: from, end: from + word[0].length, create() {
      const dom = document.createElement("div");
      dom.className = "told";
      dom.textContent = meaning;
      return { dom };
    } };
  });
}

function problemsIn(doc) {
  const found = JSON.parse(document.querySelector("#found")?.dataset.problems ?? "[]");
  return found.map((one) => {
    const line = doc.line(Math.min(one.line, doc.lines));
    const from = Math.min(line.from + one.column - 1, line.to);
    return { from, to: Math.max(from, line.from + line.text.trimEnd().length), severity: one.severity, message: one.message };
  });
}

function open(host, schema) {
  const field = host.querySelector("textarea");
  const place = document.createElement("div");
  const root = place.attachShadow({ mode: "open" });
  host.append(place);
  host.classList.add("written");
  const view = new EditorView({
    root, parent: root,
    state: EditorState.create({
      doc: field.value,
      extensions: [
        lineNumbers(), history(), drawSelection(), indentOnInput(), indentUnit.of("  "), bracketMatching(), closeBrackets(),
        highlightActiveLine(), highlightSelectionMatches(), search({ top: true }), lintGutter(), yaml(),
        syntaxHighlighting(colours), look, telling(schema), autocompletion({ override: [completing(schema)], icons: false }),
        keymap.of([...closeBracketsKeymap, ...defaultKeymap, ...searchKeymap, ...historyKeymap, ...completionKeymap, ...lintKeymap]),
        EditorView.contentAttributes.of({ "aria-label": "The journey as text", spellcheck: "false" }),
        EditorView.updateListener.of((update) => {
          if (!update.docChanged) return;
          field.value = update.state.doc.toString();
          field.dispatchEvent(new Event("input", { bubbles: true }));
        }),
      ],
    }),
  });
  const show = () => view.dispatch(setDiagnostics(view.state, problemsIn(view.state.doc)));
  new MutationObserver(show).observe(document.querySelector("#checked"), { childList: true });
  show();
  document.addEventListener("click", (event) => {
    const told = event.target.closest("[data-line]");
    if (!told && !event.target.closest("label[for=text]")) return;
    event.preventDefault();
    const line = view.state.doc.line(Math.min(Number(told?.dataset.line ?? 1), view.state.doc.lines));
    view.dispatch({ selection: { anchor: line.from }, scrollIntoView: true });
    view.focus();
  });
}

const host = document.querySelector("[data-editor]");
if (host) {
  fetch(host.dataset.schema).then((answer) => answer.json()).then((schema) => open(host, schema));
}

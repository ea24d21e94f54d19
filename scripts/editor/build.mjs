// Bundles the editor into the one file that is committed: `make editor`. Its first line names what it was made of.
import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { build } from "esbuild";

const here = new URL(".", import.meta.url);
const sources = ["editor.js", "schema_words.js", "yaml_place.js", "build.mjs", "package-lock.json"];
const made = createHash("sha256");
for (const name of sources) made.update(readFileSync(new URL(name, here)));
const bundle = await build({
  entryPoints: [new URL("editor.js", here).pathname],
  bundle: true, minify: true, format: "iife", target: "es2022", legalComments: "none", write: false,
});
const head = `// CodeMirror 6 (MIT, (c) Marijn Haverbeke and others) and scripts/editor, bundled: ${made.digest("hex")}\n`;
writeFileSync(new URL("../../templates/pages/static/editor.js", here), head + bundle.outputFiles[0].text);

// Regenerates expected.json from cases.json with the npm package `handlebars`, in which our helpers are written once more:
//
//     d=$(mktemp -d) && (cd $d && npm install handlebars@4.7) && NODE_PATH=$d/node_modules node tests/templates/oracle.js
//
// All templates are given the same data; the answers of each are the text with HTML escaping and without, missing variables
// being empty.
const fs = require("fs"), path = require("path"), H = require("handlebars");
const here = (f) => path.join(__dirname, f);
const text = (v) => (v === null || v === undefined ? "" : String(v));
const variable = (f) => function (...args) { return args.length === 1 ? this[args[0].name] : f.apply(this, args); };

H.registerHelper("truncate", variable((s, length, o) => {
  if (o === undefined) [o, length] = [length, undefined];
  const n = o.hash.length ?? length ?? 100, t = text(s);
  return t.length <= n ? t : t.slice(0, n) + (o.hash.suffix ?? "...");
}));
H.registerHelper("json", variable((v, o) => JSON.stringify(v, null, o.hash.pretty ? 2 : 0)));
H.registerHelper("length", variable((v) => (v === null || v === undefined ? 0 : v.length ?? Object.keys(v).length)));
H.registerHelper("join", variable((v, sep, o) => {
  if (o === undefined) [o, sep] = [sep, undefined];
  return (v || []).map(text).join(o.hash.separator ?? sep ?? ", ");
}));
H.registerHelper("first", variable((v) => (v && v.length ? v[0] : null)));
H.registerHelper("last", variable((v) => (v && v.length ? v[v.length - 1] : null)));
H.registerHelper("default", variable((v, fallback) => (v === null || v === undefined || v === "" ? fallback : v)));

const { data, templates } = JSON.parse(fs.readFileSync(here("cases.json"), "utf8"));
const answers = templates.map((template) => [false, true].map((noEscape) => {
  try {
    return H.compile(template, { noEscape })(data);
  } catch (e) {
    return { error: e.message.split("\n")[0] };
  }
}));
fs.writeFileSync(here("expected.json"), "[\n" + answers.map((a) => JSON.stringify(a)).join(",\n") + "\n]\n");

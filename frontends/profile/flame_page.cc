// The page is one file: its style, its script and the profile are in it, and its policy forbids requests.
// Tested by tests/unit/frontends/profile/profile_formats_test.cc.
#include <fmt/format.h>

#include "frontends/html/html.h"
#include "frontends/profile/profile_formats.h"

namespace fble {

namespace {

/// Paths with less than this part of the time are left out of the page: they would be narrower than a pixel.
constexpr uint64_t kInvisiblePart = 20'000;

constexpr std::string_view kStyle = R"css(
:root { color-scheme: light dark; --ink: #1c1e21; --soft: #62676e; --paper: #fff; --panel: #f4f5f7; --line: #dcdfe3;
        --link: #0b57a4; --light: 78%; --text: #1c1e21; --found: #c026d3; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e4e6e9; --soft: #9aa0a8; --paper: #16181b; --panel: #202327; --line: #34383e; --link: #7db7f0;
          --light: 36%; --text: #f1f2f4; --found: #e879f9; } }
* { box-sizing: border-box; }
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); margin: 0; padding: 1rem; }
h1 { font: 600 1.2rem ui-monospace, monospace; margin: 0; overflow-wrap: anywhere; }
p { margin: .2rem 0 .8rem; color: var(--soft); }
nav { display: flex; flex-wrap: wrap; gap: .4rem; margin-bottom: .8rem; }
button, input { font: inherit; color: inherit; background: var(--panel); border: 1px solid var(--line);
                border-radius: 6px; padding: .25rem .7rem; }
button { cursor: pointer; }
button[aria-pressed="true"] { border-color: var(--link); color: var(--link); }
input { flex: 1; min-width: 12rem; }
#flame { position: relative; overflow: hidden; }
#flame button { position: absolute; height: 19px; padding: 0 3px; border: 0; border-radius: 2px; overflow: hidden;
                white-space: nowrap; text-align: left; font: 12px/19px ui-monospace, monospace; color: var(--text);
                outline-offset: -2px; }
#flame button.before { opacity: .55; }
#flame button.found { box-shadow: inset 0 0 0 2px var(--found); }
#tip { min-height: 3.2em; font: 13px/1.5 ui-monospace, monospace; color: var(--soft); overflow-wrap: anywhere; }
table { border-collapse: collapse; width: 100%; font: 13px/1.6 ui-monospace, monospace; }
th { text-align: left; font-weight: 600; border-bottom: 1px solid var(--line); }
th button { border: 0; background: none; padding: 0; font: inherit; }
td { padding: 0 .8rem 0 0; vertical-align: top; overflow-wrap: anywhere; }
td.number { text-align: right; white-space: nowrap; width: 6.5rem; }
tr.found td { color: var(--found); }
#tree button.toggle { border: 0; background: none; padding: 0 .3rem; width: 1.6em; }
.where { color: var(--soft); }
[hidden] { display: none !important; }
@media print { nav, #tip { display: none; } }
)css";

constexpr std::string_view kScript = R"js(
'use strict';
const data = JSON.parse(document.getElementById('data').textContent);
const names = data.functions.map(f => f[0]);
const paths = data.paths.map(p => ({parent: p[0], f: p[1], line: p[2], self: p[3], total: p[4], children: [], depth: 0}));
paths.forEach((p, i) => {
  if (i === 0) return;
  paths[p.parent].children.push(i);
  p.depth = paths[p.parent].depth + 1;
});
const all = Math.max(paths[0].total, 1);
const percent = ns => (100 * ns / all).toFixed(1) + ' %';
const seconds = ns => data.memory ? (ns / 1048576).toFixed(1) + ' MB' : (ns / 1e9).toFixed(3) + ' s';
const place = f => data.functions[f][2] ? data.functions[f][1] + ':' + data.functions[f][2] : '';
const $ = id => document.getElementById(id);
function element(tag, text, kind) {
  const made = document.createElement(tag);
  if (text !== undefined) made.textContent = text;
  if (kind) made.className = kind;
  return made;
}
let zoom = 0, view = 'flame', pattern = null, order = 1;

function color(f) {
  const name = names[f];
  if (name.startsWith('[native')) return 'hsl(205 55% var(--light))';
  if (name.startsWith('[')) return 'hsl(0 0% var(--light))';
  let hash = 0;
  for (const c of name.split('.')[0]) hash = (hash * 31 + c.codePointAt(0)) >>> 0;
  return 'hsl(' + (15 + hash % 120) + ' 70% var(--light))';
}
const isFound = f => pattern !== null && pattern.test(names[f]);

// ---- flame graph ----
function drawFlame() {
  const box = $('flame'), width = box.clientWidth || 1000;
  box.replaceChildren();
  const before = [];
  for (let at = zoom; at !== 0; at = paths[at].parent) before.unshift(paths[at].parent);
  let deepest = 0;
  function put(index, left, size, row, kind) {
    const p = paths[index], button = element('button', size > 24 ? names[p.f] : '', kind);
    button.style.cssText = 'left:' + left + 'px;width:' + Math.max(size - 1, 1) + 'px;top:' + row * 20 + 'px;background:' + color(p.f);
    if (isFound(p.f)) button.classList.add('found');
    button.dataset.path = index;
    button.setAttribute('aria-label', names[p.f] + ', ' + percent(p.total));
    box.append(button);
    deepest = Math.max(deepest, row);
  }
  before.forEach((index, row) => put(index, 0, width, row, 'before'));
  const scale = width / Math.max(paths[zoom].total, 1);
  const open = [[zoom, 0, before.length]];
  while (open.length) {
    const [index, left, row] = open.pop();
    put(index, left, paths[index].total * scale, row);
    let at = left;
    for (const child of paths[index].children) {
      const size = paths[child].total * scale;
      if (size >= 0.7) open.push([child, at, row + 1]);
      at += size;
    }
  }
  box.style.height = (deepest + 1) * 20 + 'px';
}
function show(index) {
  const p = paths[index];
  $('tip').textContent = names[p.f] + '  ' + place(p.f) + '\n' + percent(p.total) + ' with what it calls (' +
      seconds(p.total) + '), ' + percent(p.self) + ' of its own' + (p.line ? '; called at line ' + p.line : '');
}
function zoomTo(index) {
  zoom = index;
  location.hash = index === 0 ? '' : 'p' + index;
  draw();
}
$('flame').addEventListener('click', e => { if (e.target.dataset.path) zoomTo(+e.target.dataset.path); });
for (const kind of ['mouseover', 'focusin']) {
  $('flame').addEventListener(kind, e => { if (e.target.dataset.path) show(+e.target.dataset.path); });
}

// ---- functions ----
function drawFunctions() {
  const rows = data.table.slice().sort((a, b) => b[order] - a[order] || b[1] - a[1]);
  const body = $('rows');
  body.replaceChildren();
  for (const [f, self, total] of rows) {
    const row = element('tr', undefined, isFound(f) ? 'found' : '');
    row.append(element('td', percent(self), 'number'), element('td', percent(total), 'number'));
    const name = element('td', names[f] + ' ');
    name.append(element('span', place(f), 'where'));
    row.append(name);
    body.append(row);
  }
}
$('by-self').addEventListener('click', () => { order = 1; draw(); });
$('by-total').addEventListener('click', () => { order = 2; draw(); });

// ---- call tree ----
const opened = new Set([0]);
for (let at = 0; paths[at].children.length;) {
  at = paths[at].children[0];
  opened.add(at);
}
function drawTree() {
  const body = $('branches');
  body.replaceChildren();
  const open = [0];
  while (open.length) {
    const index = open.pop(), p = paths[index], row = element('tr', undefined, isFound(p.f) ? 'found' : '');
    row.append(element('td', percent(p.total), 'number'), element('td', percent(p.self), 'number'));
    const name = element('td');
    name.style.paddingLeft = p.depth * 12 + 'px';
    const toggle = element('button', p.children.length === 0 ? '' : opened.has(index) ? '−' : '+', 'toggle');
    toggle.disabled = p.children.length === 0;
    toggle.setAttribute('aria-expanded', opened.has(index));
    toggle.dataset.path = index;
    name.append(toggle, element('span', names[p.f] + ' '));
    name.append(element('span', (p.line ? 'called at line ' + p.line : place(p.f)), 'where'));
    row.append(name);
    body.append(row);
    if (opened.has(index)) open.push(...p.children.slice().reverse());
  }
}
$('tree').addEventListener('click', e => {
  if (!e.target.dataset.path) return;
  const index = +e.target.dataset.path;
  if (!opened.delete(index)) opened.add(index);
  drawTree();
});

// ---- the page ----
function draw() {
  for (const name of ['flame', 'functions', 'tree']) $(name).hidden = view !== name;
  document.querySelectorAll('nav button[data-view]').forEach(b => b.setAttribute('aria-pressed', b.dataset.view === view));
  $('whole').hidden = zoom === 0 || view !== 'flame';
  ({flame: drawFlame, functions: drawFunctions, tree: drawTree})[view]();
}
document.querySelectorAll('nav button[data-view]').forEach(b => b.addEventListener('click', () => {
  view = b.dataset.view;
  draw();
}));
$('whole').addEventListener('click', () => zoomTo(0));
$('search').addEventListener('input', e => {
  try {
    pattern = e.target.value === '' ? null : new RegExp(e.target.value, 'i');
  } catch {
    pattern = null;
  }
  let found = 0;
  if (pattern !== null) {
    // Topmost matches only, so that nothing counts twice.
    const open = [0];
    while (open.length) {
      const index = open.pop();
      if (isFound(paths[index].f)) found += paths[index].total;
      else open.push(...paths[index].children);
    }
  }
  $('tip').textContent = pattern === null ? '' : percent(found) + ' in functions that match, with what they call';
  draw();
});
document.addEventListener('keydown', e => {
  if (e.key === 'Escape') {
    $('search').value = '';
    pattern = null;
    zoomTo(0);
  } else if (e.key === '/' && document.activeElement !== $('search')) {
    e.preventDefault();
    $('search').focus();
  }
});
function follow() {
  const wanted = /^#p(\d+)$/.exec(location.hash);
  zoom = wanted && +wanted[1] < paths.length ? +wanted[1] : 0;
  draw();
}
addEventListener('hashchange', follow);
addEventListener('resize', () => { if (view === 'flame') drawFlame(); });
follow();
)js";

constexpr std::string_view kBody = R"html(<nav>
<button data-view="flame" aria-pressed="true">Flame graph</button>
<button data-view="functions" aria-pressed="false">Functions</button>
<button data-view="tree" aria-pressed="false">Call tree</button>
<input id="search" type="search" placeholder="Search functions ( / )" aria-label="Search functions">
<button id="whole" hidden>Whole run (Escape)</button>
</nav>
<main>
<div id="tip" role="status" style="white-space: pre-wrap"></div>
<section id="flame"></section>
<section id="functions" hidden><table><thead><tr><th><button id="by-self">self</button></th>
<th><button id="by-total">total</button></th><th>function</th></tr></thead><tbody id="rows"></tbody></table></section>
<section id="tree" hidden><table><thead><tr><th>total</th><th>self</th><th>function</th></tr></thead>
<tbody id="branches"></tbody></table></section>
</main>
)html";

/// Returns the profile as JSON: functions [name, file, line], paths [parent, function, line of the call, own ns, total
/// ns] and a table [function, own ns, total ns].
std::string page_data(const CallTree& tree) {
  std::string functions;
  for (const ProfiledFunction& function : tree.functions) {
    functions += fmt::format("{}[{},{},{}]", functions.empty() ? "" : ",", json_string(function.name),
                             json_string(function.start.file), function.start.line);
  }
  std::string paths;
  std::vector<uint32_t> numbers(tree.paths.size());  // 1 more than in the page; 0: left out
  uint32_t count = 0;
  const auto enter = [&](uint32_t index) {
    const ProfiledPath& path = tree.paths[index];
    const bool is_left_out = index != 0 && (numbers[path.parent] == 0 || path.total_ns < tree.ns() / kInvisiblePart);
    if (is_left_out) return;
    numbers[index] = ++count;
    paths += fmt::format("{}[{},{},{},{},{}]", paths.empty() ? "" : ",", index == 0 ? 0 : numbers[path.parent] - 1,
                         path.function, path.site.line, path.self_ns, path.total_ns);
  };
  for_each_path(tree, enter, [](uint32_t) {});
  std::string table;
  for (const FunctionTime& time : function_times(tree)) {
    table += fmt::format("{}[{},{},{}]", table.empty() ? "" : ",", time.function, time.self_ns, time.total_ns);
  }
  return fmt::format("{{\"memory\":{},\"functions\":[{}],\n\"paths\":[{}],\n\"table\":[{}]}}", tree.is_of_memory,
                     functions, paths, table);
}

}  // namespace

std::string flame_page(const CallTree& tree, std::string_view title) {
  std::string page =
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; "
      "script-src 'unsafe-inline'\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n";
  page += fmt::format("<title>{0}</title>\n<style>{1}</style>\n</head>\n<body>\n<h1>{0}</h1>\n", escape_html(title),
                      kStyle);
  page += fmt::format("<p>{}</p>\n", measured_text(tree));
  page += kBody;
  page +=
      fmt::format("<script type=\"application/json\" id=\"data\">{}</script>\n<script>{}</script>\n</body>\n</html>\n",
                  page_data(tree), kScript);
  return page;
}

}  // namespace fble

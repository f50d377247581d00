"use strict";
// The script of the trace viewer's page. frontends/view/collect.h describes the data.
//
// The address says what is shown: "#t12/e3" is exit 3 of trace 12, "#graph" a view. Whatever the user chooses changes
// the address, and `show` draws what it says. All text gets into the page as text, never as HTML.

/** The data of this run, and of an earlier one, if there is one to compare with. */
let run = null;
let before = null;

/** What is chosen: indices into the data; -1 for none. */
const chosen = { view: "traces", trace: -1, exit: -1, stage: -1 };

// ---- building elements ----------------------------------------------------------------------------------------------

const byId = (id) => document.getElementById(id);

function build(made, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (value !== null && value !== undefined && value !== false) made.setAttribute(name, value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

const element = (tag, attributes = {}, ...children) => build(document.createElement(tag), attributes, children);
const shape = (tag, attributes = {}, ...children) =>
  build(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);

const fill = (parent, ...children) => parent.replaceChildren(...children.filter((child) => child !== null));
const format = (number) => number.toLocaleString("en-US");
const milliseconds = (micros) => `${(micros / 1000).toFixed(micros < 10000 ? 2 : 1)} ms`;
const counted = (number, one, many = one + "s") => `${format(number)} ${number === 1 ? one : many}`;
const sum = (numbers) => numbers.reduce((total, number) => total + number, 0);

// ---- reading the data -----------------------------------------------------------------------------------------------

async function unpack(text) {
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return prepare(await new Response(stream).json());
}

async function unpackElement(id) {
  const data = byId(id);
  return data === null ? null : unpack(data.textContent);
}

/** Adds to each trace what is asked for often. */
function prepare(data) {
  data.traces.forEach((trace, index) => {
    trace.index = index;
    trace.taken = sum(trace.exits.map((exit) => exit.taken));
    trace.ir = trace.stages.at(-1).rows;
    trace.exits.forEach((exit, number) => { exit.number = number; });
  });
  data.byName = new Map(data.traces.map((trace) => [trace.name, trace]));
  return data;
}

/** Returns the function's name without the folders of its module: "Index%.Drop". */
function shortName(data, code) {
  if (code < 0) return "?";
  const name = data.codes[code].name;
  const module = name.indexOf("%") < 0 ? name.length : name.indexOf("%");
  return name.slice(name.lastIndexOf("/", module) + 1);
}

/** Returns where an instruction of the bytecode comes from. Line 0: it is not known. */
function place(data, code, offset) {
  if (code < 0) return { source: -1, line: 0, column: 0 };
  const of = data.codes[code];
  const row = of.rows.find(([at]) => at === offset);
  if (row === undefined || row[3] === 0) return { source: of.source, line: of.line, column: of.column };
  return { source: row[2], line: row[3], column: row[4] };
}

const placeText = (data, code, offset) => {
  const { line, column } = place(data, code, offset);
  return `${line}:${column}`;
};

/** Returns the text of an IR instruction with names of functions instead of c0, c1... */
const irText = (data, trace, text) =>
  text.replace(/(^|[ &(])c(\d+)\b/g, (all, start, code) => start + shortName(data, trace.codes[code] ?? -1));

const pointKey = (code, offset) => `${code}:${offset}`;

// ---- what belongs together ------------------------------------------------------------------------------------------
//
// A row belongs to instructions of the IR (`ins`), positions of the bytecode (`points`), lines of the source (`lines`)
// and exits. The rows of the other panes that share one of these are highlighted with it. `callers` has the positions
// and lines of the calls that are inlined around it.

const nothing = () => ({ ins: new Set(), points: new Set(), lines: new Set(), exits: new Set(), callers: new Set() });

const lineKey = (source, line) => `line ${source}:${line}`;

function addPoint(related, code, offset) {
  if (code < 0) return;
  related.points.add(pointKey(code, offset));
  const { source, line } = place(run, code, offset);
  if (line !== 0) related.lines.add(lineKey(source, line));
}

/** Returns the calls that are inlined around an activation of the trace, as [code, offset], the innermost first. */
function callersOf(trace, site) {
  const calls = [];
  for (let at = site; at >= 0 && trace.sites[at][2] >= 0; at = trace.sites[at][2]) {
    const [, returnOffset, parent] = trace.sites[at];
    const code = trace.sites[parent][0];
    const call = run.codes[code].rows.findLast(([offset]) => offset < returnOffset);
    if (call !== undefined) calls.push([code, call[0]]);
  }
  return calls;
}

function addCallers(related, trace, site) {
  for (const [code, offset] of callersOf(trace, site)) {
    related.callers.add(pointKey(code, offset));
    const { source, line } = place(run, code, offset);
    related.callers.add(lineKey(source, line));
  }
}

function addIns(related, trace, ins) {
  if (ins < 0) return;
  const [, code, offset, site] = trace.ir[ins];
  related.ins.add(ins);
  addPoint(related, code, offset);
  addCallers(related, trace, site);
  trace.exits.filter((exit) => exit.ins === ins).forEach((exit) => related.exits.add(exit.number));
}

function addPoints(related, trace, matches) {
  trace.ir.forEach(([, code, offset], ins) => {
    if (matches(code, offset)) addIns(related, trace, ins);
  });
}

function relatedToPoint(trace, code, offset) {
  const related = nothing();
  addPoint(related, code, offset);
  addPoints(related, trace, (otherCode, otherOffset) => otherCode === code && otherOffset === offset);
  return related;
}

function relatedToLine(trace, source, line) {
  const related = nothing();
  related.lines.add(lineKey(source, line));
  const isThere = (code, offset) => {
    const other = place(run, code, offset);
    return other.source === source && other.line === line;
  };
  for (const code of codesOf(trace)) {
    for (const [offset] of run.codes[code].rows) {
      if (isThere(code, offset)) related.points.add(pointKey(code, offset));
    }
  }
  addPoints(related, trace, (code, offset) => code >= 0 && isThere(code, offset));
  return related;
}

function relatedToIns(trace, ins) {
  const related = nothing();
  addIns(related, trace, ins);
  return related;
}

function relatedToExit(trace, number) {
  const exit = trace.exits[number];
  const related = relatedToIns(trace, exit.ins);
  related.exits.clear();
  related.exits.add(number);
  addPoint(related, exit.code, exit.offset);
  return related;
}

/** The rows on the page: `node`, the `pane` it is in, its `key` in `callers`, and `isRelated`, which tells whether it
 * belongs to `related`. */
let rows = [];

function markRows(className, related) {
  for (const { node, key, isRelated } of rows) {
    node.classList.toggle(className, related !== null && isRelated(related));
    node.classList.toggle(`${className}-caller`, related !== null && related.callers.has(key));
  }
}

/** Adds a row to those that are highlighted. `related` returns what it belongs to. */
function addRow(pane, node, isRelated, related, key = "") {
  rows.push({ node, pane, isRelated, key });
  node.addEventListener("mouseenter", () => markRows("marked", related()));
  node.addEventListener("mouseleave", () => markRows("marked", null));
  node.addEventListener("click", () => choose(related(), pane));
}

/** Marks what belongs to a choice for good, and scrolls the other panes there. */
function choose(related, fromPane) {
  markRows("chosen", related);
  for (const pane of ["source", "bytecode", "ir", "machine", "exits"]) {
    const first = rows.find((row) => row.pane === pane && row.isRelated(related));
    if (first !== undefined && pane !== fromPane) scrollTo(first.node);
  }
}

function scrollTo(node) {
  const area = node.closest(".rows, .scroll");
  const top = node.getBoundingClientRect().top - area.getBoundingClientRect().top;
  if (top < 20 || top > area.clientHeight - 30) area.scrollTop += top - area.clientHeight / 3;
}

// ---- the list of traces ---------------------------------------------------------------------------------------------

/** Returns whether the filters let the trace pass. */
function passes(trace) {
  const text = byId("filter-text").value.toLowerCase();
  const kinds = [...document.querySelectorAll("#filters input[name=kind]:checked")].map((box) => box.value);
  const names = codesOf(trace).map((code) => run.codes[code].name.toLowerCase());
  return kinds.includes(trace.kind) &&
    (text === "" || names.some((name) => name.includes(text))) &&
    trace.taken >= Number(byId("filter-exits").value) &&
    (!byId("filter-kept").checked || trace.kept > 0);
}

function filteredTraces() {
  const order = byId("order").value;
  const key = { taken: (t) => -t.taken, bytes: (t) => -t.bytes, kept: (t) => -t.kept }[order] ?? ((t) => t.index);
  return run.traces.filter(passes).sort((a, b) => key(a) - key(b) || a.index - b.index);
}

/** Returns the functions that the trace passes through, that of its root first. */
function codesOf(trace) {
  const all = new Set([trace.code]);
  for (const [, code] of trace.ir) all.add(code);
  for (const exit of trace.exits) exit.frames.forEach((frame) => all.add(frame.code));
  all.delete(-1);
  return [...all];
}

const traceAddress = (trace, exit = -1) => `#t${trace.name}` + (exit < 0 ? "" : `/e${exit}`);
const traceLink = (trace) =>
  element("a", { href: traceAddress(trace), class: `trace-number ${trace.kind}` }, `trace ${trace.name}`);

function listItem(trace) {
  const [code, offset] = trace.at;
  const notes = [`${trace.kind} \u2192 ${trace.link}`, `${trace.ir.length} IR`, `${trace.bytes} B`];
  if (trace.kept > 0) notes.push(`${trace.kept} new`);
  return element("li", {
    class: `${trace.kind}${trace.evicted >= 0 ? " evicted" : ""}`,
    title: run.codes[code]?.name,
    "data-trace": trace.index,
    onclick: () => { location.hash = traceAddress(trace); },
  },
  element("span", { class: "trace-number" }, trace.name),
  element("span", { class: "name" }, `${shortName(run, code)} ${placeText(run, code, offset)}`),
  element("span", { class: "count", title: "exits taken" }, trace.taken === 0 ? "" : format(trace.taken)),
  element("span", { class: "more" }, notes.join(" \u00b7 ")));
}

function drawList() {
  const traces = filteredTraces();
  const none = run.traces.length === 0 ? "The program ran without machine code." : "No trace passes the filters.";
  fill(byId("list"), ...(traces.length === 0 ? [element("li", { class: "none" }, none)] : traces.map(listItem)));
  markInList();
}

function markInList() {
  for (const item of byId("list").children) {
    const isCurrent = item.dataset.trace === String(chosen.trace);
    item.setAttribute("aria-current", isCurrent);
    if (isCurrent) item.scrollIntoView({ block: "nearest" });
  }
}

// ---- one trace ------------------------------------------------------------------------------------------------------

function drawTrace(trace) {
  rows = [];
  drawHead(trace);
  drawSource(trace);
  drawBytecode(trace);
  drawIr(trace);
  drawMachine(trace);
  drawExits(trace);
  markInList();
}

function drawHead(trace) {
  const [code, offset] = trace.at;
  const facts = [
    `${trace.ir.length} IR instructions`, counted(trace.bytes, "byte"), `side table ${counted(trace.table, "byte")}`,
    trace.kept === 0 ? "no allocation left" : `${counted(trace.kept, "allocation")} left`,
    `${counted(trace.taken, "exit")} taken`,
  ];
  if (trace.evicted >= 0) facts.push(`evicted after ${milliseconds(trace.evicted)}`);
  fill(byId("head"),
    element("span", { class: `chip ${trace.kind}` }, trace.kind),
    element("span", { class: "title", title: run.codes[code]?.name },
      `${trace.name}  ${shortName(run, code)} ${placeText(run, code, offset)}`),
    origin(trace),
    element("span", {}, `\u2192 ${trace.link}`),
    element("span", { class: "facts" }, facts.join(" \u00b7 ")));
}

/** Returns a link to the exit that a bridge or continuation begins at. */
function origin(trace) {
  if (trace.parent < 0) return null;
  const parent = run.traces[trace.parent];
  return element("span", {}, "from ",
    element("a", { href: traceAddress(parent, trace.exit) }, `exit ${trace.exit} of trace ${parent.name}`));
}

/** Returns a row with a gutter. */
const rowNode = (gutter, className, ...children) =>
  element("div", { class: `row ${className}` }, element("span", { class: "gutter" }, gutter), ...children);

const textNode = (...children) => element("span", { class: "text" }, ...children);

// source

/** Returns the ranges of lines, by source, of the functions that the trace passes through. */
function excerpts(trace) {
  const ranges = new Map();
  for (const code of codesOf(trace)) {
    const lines = linesOf(code);
    for (const [source, [first, last]] of lines) {
      if (!ranges.has(source)) ranges.set(source, []);
      ranges.get(source).push([Math.max(1, first - 1), last + 1]);
    }
  }
  for (const [source, list] of ranges) ranges.set(source, joinRanges(list));
  return ranges;
}

/** Returns the first and the last line of a function in each source. */
function linesOf(code) {
  const lines = new Map();
  const add = (source, line) => {
    if (source < 0 || line === 0) return;
    const [first, last] = lines.get(source) ?? [line, line];
    lines.set(source, [Math.min(first, line), Math.max(last, line)]);
  };
  const of = run.codes[code];
  add(of.source, of.line);
  for (const [, , source, line] of of.rows) add(source, line);
  return lines;
}

function joinRanges(ranges) {
  const joined = [];
  for (const [first, last] of ranges.sort((a, b) => a[0] - b[0])) {
    const previous = joined.at(-1);
    if (previous !== undefined && first <= previous[1] + 2) previous[1] = Math.max(previous[1], last);
    else joined.push([first, last]);
  }
  return joined;
}

/** Returns the exits taken by line (lineKey) of these traces. */
function exitsByLine(traces) {
  const heat = new Map();
  for (const trace of traces) {
    for (const exit of trace.exits) {
      const { source, line } = place(run, exit.code, exit.offset);
      const key = lineKey(source, line);
      heat.set(key, (heat.get(key) ?? 0) + exit.taken);
    }
  }
  return heat;
}

function drawSource(trace) {
  const here = exitsByLine([trace]);
  const nodes = [];
  for (const [source, ranges] of excerpts(trace)) {
    const { name, text } = run.sources[source];
    const lines = text.split("\n");
    nodes.push(element("div", { class: "file" }, name));
    if (text === "") nodes.push(element("div", { class: "gap" }, "the file could not be read"));
    ranges.forEach(([first, last], index) => {
      if (index > 0) nodes.push(element("div", { class: "gap" }, "\u22ee"));
      for (let line = first; line <= Math.min(last, lines.length); ++line) {
        nodes.push(sourceRow(trace, source, line, lines[line - 1], here.get(lineKey(source, line)) ?? 0));
      }
    });
  }
  fill(byId("source").querySelector(".rows"), ...nodes);
}

function sourceRow(trace, source, line, text, here) {
  const key = lineKey(source, line);
  const all = run.heatByLine.get(key) ?? 0;
  const heat = element("span", { class: "heat", title: `exits taken here: ${format(here)} in this trace, ${format(all)} in all` },
    all === 0 ? "" : format(all));
  warm(heat, all, run.mostHeat);
  const comment = text.indexOf("#");
  const parts = comment < 0 || text.includes("'") ? [text] :
    [text.slice(0, comment), element("span", { class: "comment" }, text.slice(comment))];
  const node = rowNode(line, "", heat, textNode(...parts));
  addRow("source", node, (related) => related.lines.has(key), () => relatedToLine(trace, source, line), key);
  return node;
}

/** Colours a node's background by a count, on a logarithmic scale. */
function warm(node, count, most) {
  if (count === 0) return;
  const share = 8 + 32 * Math.log1p(count) / Math.log1p(most);
  node.style.background = `color-mix(in srgb, var(--heat) ${share.toFixed(0)}%, transparent)`;
}

// bytecode

function drawBytecode(trace) {
  const nodes = [];
  for (const code of codesOf(trace)) {
    const { name, line, column, arity } = run.codes[code];
    nodes.push(element("div", { class: "file" }, `${name} ${line}:${column}, ${counted(arity, "argument")}`));
    for (const [offset, text] of run.codes[code].rows) nodes.push(bytecodeRow(trace, code, offset, text));
  }
  fill(byId("bytecode").querySelector(".rows"), ...nodes);
}

function bytecodeRow(trace, code, offset, text) {
  const key = pointKey(code, offset);
  const isUsed = trace.ir.some(([, otherCode, otherOffset]) => otherCode === code && otherOffset === offset);
  const space = text.indexOf(" ");
  const op = space < 0 ? text : text.slice(0, space);
  const node = rowNode(offset, isUsed ? "" : "quiet",
    textNode(element("span", { class: "op" }, op), text.slice(op.length)));
  addRow("bytecode", node, (related) => related.points.has(key), () => relatedToPoint(trace, code, offset), key);
  return node;
}

// IR

function drawIr(trace) {
  const last = trace.stages.length - 1;
  if (chosen.stage < 0 || chosen.stage > last) chosen.stage = last;
  fill(byId("stages"), ...trace.stages.map((stage, index) => element("button", {
    type: "button",
    "aria-pressed": index === chosen.stage,
    title: index === 0 ? "as recorded; folding and forwarding have been done" : `after the pass ${stage.pass}`,
    onclick: () => setStage(trace, index),
  }, stage.pass)));
  rows = rows.filter((row) => row.pane !== "ir");
  const isLast = chosen.stage === last;
  const nodes = trace.stages[chosen.stage].rows.map((row, index) =>
    isLast ? lastIrRow(trace, row, index) : earlierIrRow(trace, row, index));
  fill(byId("ir").querySelector(".rows"), ...nodes);
}

function setStage(trace, index) {
  chosen.stage = Math.max(0, Math.min(trace.stages.length - 1, index));
  drawIr(trace);
}

/** Returns the text of an instruction with its name in bold. */
function irParts(trace, text) {
  const [, start, op, rest] = /^(%\d+ = )?(\S+)(.*)$/.exec(irText(run, trace, text));
  return [start ?? "", element("span", { class: "op" }, op), rest];
}

function lastIrRow(trace, [text, , , site], ins) {
  const exit = trace.exits.find((candidate) => candidate.ins === ins);
  const isNever = exit !== undefined && exit.taken === 0 && exit.links.length === 0;
  const isNew = /= new /.test(text);
  const className = [isNever ? "never" : "", / sunk\b/.test(text) ? "virtual" : isNew ? "kept" : ""].join(" ");
  const note = exit === undefined ? null : exitNote(trace, exit);
  const node = rowNode(ins, className, textNode(...irParts(trace, text)), note);
  const notes = callersOf(trace, site).map(([code, offset]) => `inlined into ${shortName(run, code)} ${placeText(run, code, offset)}`);
  if (isNew) notes.unshift(className.includes("virtual") ? "virtual: made only at exits" : "this object is allocated");
  node.title = notes.join("\n");
  addRow("ir", node, (related) => related.ins.has(ins), () => relatedToIns(trace, ins));
  return node;
}

function earlierIrRow(trace, [text, code, offset], index) {
  const key = pointKey(code, offset);
  const node = rowNode(index, "", textNode(...irParts(trace, text)));
  addRow("ir", node, (related) => related.points.has(key), () => relatedToPoint(trace, code, offset));
  return node;
}

function exitNote(trace, exit) {
  const taken = exit.taken === 0 ? "" : ` \u00b7 ${format(exit.taken)}`;
  return element("a", { class: "exit-link", href: traceAddress(trace, exit.number) }, `exit ${exit.number}${taken}`);
}

// machine code

function drawMachine(trace) {
  let previous = null;
  const nodes = trace.machine.map((row) => {
    const node = machineRow(trace, row, previous);
    previous = row;
    return node;
  });
  fill(byId("machine").querySelector(".rows"), ...nodes);
}

function machineRow(trace, [offset, bytes, text, ins, exit], previous) {
  const isGroup = previous !== null && (previous[3] !== ins || previous[4] !== exit);
  const className = [isGroup ? "group" : "", ins < 0 ? "quiet" : ""].join(" ");
  const note = exit < 0 || (previous !== null && previous[4] === exit) ? null :
    element("a", { class: "exit-link", href: traceAddress(trace, exit) }, `exit ${exit}`);
  const op = text.split(" ", 1)[0];
  const node = rowNode(`+${offset.toString(16)}`, className,
    textNode(element("span", { class: "op" }, op), text.slice(op.length)), note);
  node.title = counted(bytes, "byte");
  const isRelated = (related) => (exit >= 0 ? related.exits.has(exit) : related.ins.has(ins));
  addRow("machine", node, isRelated, () => (exit >= 0 ? relatedToExit(trace, exit) : relatedToIns(trace, ins)));
  return node;
}

// exits

function drawExits(trace) {
  const most = Math.max(1, ...trace.exits.map((exit) => exit.taken));
  const head = element("tr", {}, ...["exit", "condition", "where", "taken", "leads to"].map((text, column) =>
    element("th", { class: column === 3 ? "number" : null }, text)));
  const body = trace.exits.map((exit) => exitRow(trace, exit, most));
  fill(byId("exits").querySelector("table"), element("thead", {}, head), element("tbody", {}, ...body));
}

function exitRow(trace, exit, most) {
  const isNever = exit.taken === 0 && exit.links.length === 0;
  const bar = element("span", { class: "bar" });
  bar.style.width = `${3 * exit.taken / most}rem`;
  const forced = exit.forced === 0 ? "" : `, forced ${format(exit.forced)}\u00d7`;
  const node = element("tr", { class: isNever ? "never" : "", title: isNever ? "never taken" : "" },
    element("td", { class: "mono" }, `e${exit.number}`),
    element("td", { class: "mono condition", title: trace.ir[exit.ins][0] }, irText(run, trace, trace.ir[exit.ins][0])),
    element("td", {}, `${shortName(run, exit.code)} ${placeText(run, exit.code, exit.offset)}`,
      exit.kind === "guard" ? null : element("span", { class: "soft" }, ` ${exit.kind}`)),
    element("td", { class: "number" }, exit.taken === 0 ? null : bar, format(exit.taken) + forced),
    element("td", {}, ...linksOf(exit)));
  addRow("exits", node, (related) => related.exits.has(exit.number), () => relatedToExit(trace, exit.number));
  node.addEventListener("click", (event) => {
    if (event.target.tagName !== "A") location.hash = traceAddress(trace, exit.number);
  });
  return node;
}

/** Returns links to the traces that the exit leads to. */
function linksOf(exit) {
  if (exit.links.length === 0) return ["interpreter"];
  return exit.links.flatMap(([to, first, end], index) => {
    const tags = first === end ? "" : ` for tag ${first === end - 1 ? first : `${first} to ${end - 1}`}`;
    return [index === 0 ? "" : ", ", traceLink(run.traces[to]), tags];
  });
}

// ---- what an exit rebuilds ------------------------------------------------------------------------------------------

function drawRebuilt(trace, number) {
  const area = byId("drawing");
  if (number < 0) return fill(area, element("p", { class: "soft" }, "Choose an exit to see the frames and objects that it rebuilds."));
  const exit = trace.exits[number];
  const frames = element("div", { class: "column" }, ...exit.frames.map((frame, index) => frameBox(exit, frame, index)));
  const objects = element("div", { class: "column" }, ...exit.virtuals.map(objectBox));
  const board = element("div", { class: "board" }, frames, objects);
  fill(area, element("p", { class: "key" }, rebuiltText(exit)), board);
  board.append(arrows(board));
}

function rebuiltText(exit) {
  const what = `${counted(exit.frames.length, "call frame")}` +
    (exit.virtuals.length === 0 ? "" : ` and ${counted(exit.virtuals.length, "virtual value")}`);
  const when = { return: "when the call returns to the interpreter", "yield point": "when the program must yield",
    "deopt point": "at this deopt point" }[exit.kind] ?? "when this guard fails";
  return `Exit ${exit.number} rebuilds ${what} ${when}. Values in memory are left as they are.`;
}

function frameBox(exit, frame, index) {
  const isInnermost = index === exit.frames.length - 1;
  const does = isInnermost && exit.kind !== "return" ? "continues at" : "waits for its call at";
  const arity = frame.code < 0 ? 0 : run.codes[frame.code].arity;
  return element("div", { class: "frame" },
    element("h3", { title: run.codes[frame.code]?.name }, shortName(run, frame.code),
      element("small", {}, `${does} ${placeText(run, frame.code, frame.offset)}`)),
    cell("closure", frame.closure, ""),
    ...frame.slots.map(([slot, where, facts]) => cell(`s${slot}${slot < arity ? " arg" : ""}`, where, facts)));
}

function objectBox(value, index) {
  const details = [value.kind];
  if (value.tag !== undefined) details.push(`tag ${value.tag}`);
  if (value.code !== undefined) details.push(shortName(run, value.code));
  return element("div", { class: "object", "data-object": index },
    element("h3", {}, `v${index}`, element("small", {}, `${details.join(", ")}: made here`)),
    ...value.fields.map((field, number) => cell(`${number}`, field, "")));
}

const cell = (label, where, facts) =>
  element("div", { class: "cell" }, element("span", { class: "label" }, label), placeNode(where),
    facts === "" ? null : element("span", { class: "facts" }, facts));

function placeNode([kind, value]) {
  const node = (className, text, title) => element("span", { class: `place ${className}`, title }, text);
  switch (kind) {
    case "memory": return node("memory", "in memory", "already in its place");
    case "register": return node("register", value, "in this register");
    case "spill": return node("spill", `spill ${value}`, "in this spill slot");
    case "slot": return node("slot", `slot ${value}`, "in another slot of the frames");
    case "packed": return node("packed", packedText(value), "a constant");
    case "function": return node("function-value", shortName(run, value), "a constant: this function");
    case "object": return node("object-word", "object", `a constant: the object at ${value}`);
    case "virtual": {
      const made = node("virtual", `v${value}`, "made at the exit");
      made.dataset.to = value;
      return made;
    }
    default: return node("nowhere", kind, "");
  }
}

/** Returns a packed word with the natural number that it may stand for. */
function packedText(hexadecimal) {
  const word = BigInt(hexadecimal);
  return word % 4n === 3n ? `${hexadecimal} = ${word / 4n}` : hexadecimal;
}

/** Returns curves from each mention of a virtual value to its box. */
function arrows(board) {
  const origin = board.getBoundingClientRect();
  const paths = [...board.querySelectorAll("[data-to]")].map((mention) => {
    const box = mention.closest(".frame, .object").getBoundingClientRect();
    const { top: fromTop, height } = mention.getBoundingClientRect();
    const to = board.querySelector(`[data-object="${mention.dataset.to}"]`).getBoundingClientRect();
    const [x1, y1] = [box.right - origin.left, fromTop + height / 2 - origin.top];
    const isInside = box.left >= to.left - 1;
    const [x2, y2] = [(isInside ? to.right : to.left) - origin.left, to.top + 12 - origin.top];
    const bend = isInside ? 60 : -40;
    return shape("path", { d: `M${x1} ${y1} C${x1 + 40} ${y1} ${x2 + bend} ${y2} ${x2} ${y2}` });
  });
  return shape("svg", {}, ...paths);
}

// ---- graph ----------------------------------------------------------------------------------------------------------

const kNodeWidth = 190;
const kColumnWidth = 250;
const kRowHeight = 44;
const kNodeHeight = 34;
/** With more traces, calls between them are not drawn at first. */
const kManyTraces = 100;

/** Returns the forest of traces: nodes {trace, children, label}, and nodes {dispatch} between them. */
function forest() {
  const nodes = run.traces.map((trace) => ({ trace, children: [], label: "" }));
  const roots = [];
  const dispatches = new Map();
  for (const node of nodes) {
    const { parent, exit } = node.trace;
    if (parent < 0) {
      roots.push(node);
      continue;
    }
    node.label = `exit ${exit}`;
    const link = run.traces[parent].exits[exit].links.find(([to]) => to === node.trace.index);
    const isTagged = link !== undefined && link[1] !== link[2];
    let above = nodes[parent];
    if (isTagged) {
      const key = `${parent}/${exit}`;
      if (!dispatches.has(key)) {
        dispatches.set(key, { dispatch: run.traces[parent], exit, children: [], label: `exit ${exit}` });
        above.children.push(dispatches.get(key));
      }
      above = dispatches.get(key);
      node.label = link[1] === link[2] - 1 ? `tag ${link[1]}` : `tags ${link[1]}-${link[2] - 1}`;
    }
    above.children.push(node);
  }
  return { roots, nodes };
}

/** Gives each node a column, its distance from the root, and a row: a node is beside its first child. */
function layOut(roots) {
  let nextRow = 0;
  const placed = [];
  const place = (node, column) => {
    node.column = column;
    placed.push(node);
    if (node.children.length === 0) node.row = nextRow++;
    for (const child of node.children) place(child, column + 1);
    if (node.children.length > 0) node.row = node.children[0].row;
  };
  for (const root of roots) {
    place(root, 0);
    nextRow += 0.35;
  }
  return placed;
}

const nodeX = (node) => 48 + node.column * kColumnWidth;
const nodeY = (node) => 10 + node.row * kRowHeight;

function drawGraph() {
  const { roots, nodes } = forest();
  const placed = layOut(roots);
  const width = Math.max(400, ...placed.map((node) => nodeX(node) + kColumnWidth));
  const height = Math.max(200, ...placed.map((node) => nodeY(node) + 2 * kRowHeight));
  const edges = placed.flatMap((node) => node.children.map((child) => treeEdge(node, child)));
  const calls = byId("graph-calls").checked ? crossEdges(nodes) : [];
  fill(byId("graph-area"), shape("svg", { width, height, role: "img", "aria-label": "graph of traces" },
    ...calls, ...edges, ...placed.map(graphNode)));
  byId("graph-area").querySelector(".current")?.scrollIntoView({ block: "center", inline: "center" });
}

function treeEdge(parent, child) {
  const [x1, y1] = [nodeX(parent) + (parent.dispatch ? 84 : kNodeWidth), nodeY(parent) + kNodeHeight / 2];
  const [x2, y2] = [nodeX(child), nodeY(child) + kNodeHeight / 2];
  const kind = child.dispatch ? "dispatch" : child.trace.kind;
  return shape("g", {},
    shape("path", { class: `edge ${kind}`, d: `M${x1} ${y1} C${x1 + 26} ${y1} ${x1 + 8} ${y2} ${x2} ${y2}` }),
    shape("text", { class: "label", x: x2 - 5, y: y2 - 4, "text-anchor": "end" }, child.label));
}

/** Returns edges for what is no part of the tree: calls of functions, and returns to shared continuations. */
function crossEdges(nodes) {
  const byCode = new Map();
  for (const node of nodes) {
    if (node.trace.kind === "function" && node.trace.evicted < 0) byCode.set(node.trace.code, node);
  }
  const edges = [];
  for (const node of nodes) {
    const called = calledCode(node.trace);
    if (byCode.has(called)) edges.push(crossEdge(node, byCode.get(called)));
    for (const exit of node.trace.exits) {
      for (const [to] of exit.links) {
        const target = nodes[to];
        if (target.trace.parent !== node.trace.index || target.trace.exit !== exit.number) edges.push(crossEdge(node, target));
      }
    }
  }
  return edges;
}

/** Returns the function that the trace's last instruction calls, if it is known. */
function calledCode(trace) {
  const match = /^(?:%\d+ = )?(?:tail_call|call) \S+ (?:\d+ )?c(\d+)/.exec(trace.ir.at(-1)[0]);
  return match === null ? -1 : trace.codes[match[1]];
}

/** Returns a curve from the lower right of a node to the left of another. */
function crossEdge(from, to) {
  const [x1, y1] = [nodeX(from) + kNodeWidth - 20, nodeY(from) + kNodeHeight];
  const [x2, y2] = [nodeX(to), nodeY(to) + kNodeHeight - 8];
  return shape("path", { class: "edge call", d: `M${x1} ${y1} C${x1} ${y1 + 28} ${x2 - 42} ${y1 + 18} ${x2 - 26} ${(y1 + y2) / 2} S${x2 - 22} ${y2} ${x2} ${y2}` });
}

function graphNode(node) {
  const [x, y] = [nodeX(node), nodeY(node)];
  if (node.dispatch) {
    const to = traceAddress(node.dispatch, node.exit);
    return shape("g", { class: "node dispatch", transform: `translate(${x} ${y})`, tabindex: 0, onclick: () => { location.hash = to; } },
      shape("rect", { width: 84, height: kNodeHeight, rx: 17 }), shape("text", { x: 14, y: 21 }, "dispatch"));
  }
  const { trace } = node;
  const classes = ["node", trace.kind, trace.index === chosen.trace ? "current" : "", passes(trace) ? "" : "dim"];
  const go = () => { location.hash = traceAddress(trace); };
  return shape("g", {
    class: classes.join(" "), transform: `translate(${x} ${y})`, tabindex: 0, onclick: go,
    onkeydown: (event) => { if (event.key === "Enter") go(); },
  },
  shape("title", {}, `${run.codes[trace.at[0]]?.name} ${placeText(run, ...trace.at)}`),
  shape("rect", { width: kNodeWidth, height: kNodeHeight, rx: 6 }),
  shape("text", { x: 8, y: 14 }, shorten(`${trace.name} ${shortName(run, trace.at[0])}`, 27)),
  shape("text", { x: 8, y: 27, class: "second" }, `\u2192 ${trace.link}, ${trace.ir.length} IR${trace.evicted < 0 ? "" : ", evicted"}`),
  trace.taken === 0 ? null : shape("text", { x: kNodeWidth - 7, y: 27, "text-anchor": "end", class: "taken" }, format(trace.taken)));
}

const shorten = (text, most) => (text.length <= most ? text : text.slice(0, most - 1) + "\u2026");

// ---- timeline -------------------------------------------------------------------------------------------------------

const kTimelineLeft = 110;
let zoom = 1;

function drawTimeline() {
  const area = byId("timeline-area");
  const width = Math.max(500, area.clientWidth - kTimelineLeft - 60) * zoom;
  const scale = (time) => kTimelineLeft + time / Math.max(run.ran, 1) * width;
  const height = 352;
  fill(area, shape("svg", { width: width + kTimelineLeft + 30, height, role: "img", "aria-label": "timeline" },
    ...axis(scale, height), ...recordingBars(scale), ...traceCurve(scale),
    ...intervalBars(scale, "exits", "exits", run.heat.exits, 220, (n) => counted(n, "exit")),
    ...intervalBars(scale, "collections", "pauses", run.heat.pause, 300, (n) => `${milliseconds(n)} of pauses`),
    ...lostLines(scale, height)));
}

function lane(text, y) {
  return shape("text", { x: kTimelineLeft - 10, y, "text-anchor": "end" }, text);
}

function axis(scale, height) {
  const step = niceStep(run.ran / (8 * zoom));
  const marks = [];
  for (let time = 0; time <= run.ran; time += step) {
    const x = scale(time);
    marks.push(shape("line", { class: "grid", x1: x, x2: x, y1: 18, y2: height - 22 }),
      shape("text", { x, y: height - 8, "text-anchor": "middle" }, milliseconds(time)));
  }
  return marks;
}

/** Returns a round number that is not below the least. */
function niceStep(least) {
  const power = 10 ** Math.floor(Math.log10(Math.max(least, 1)));
  return [1, 2, 5, 10].map((factor) => factor * power).find((step) => step >= least) ?? 10 * power;
}

function recordingBars(scale) {
  const bars = run.recordings.flatMap((recording) => {
    const { start, end, done, trace, kind, reason } = recording;
    const to = trace >= 0 ? traceAddress(run.traces[trace]) : "#aborts";
    const go = () => { location.hash = to; };
    const name = trace >= 0 ? `trace ${run.traces[trace].name}` : reason;
    const title = `${name}: ${kind}, ${shortName(run, recording.at[0])}; ${milliseconds(end - start)} recording, ` +
      `${milliseconds(done - end)} compiling`;
    const bar = (className, from, to, y) => shape("rect", {
      class: className, x: scale(from), y, width: Math.max(1.5, scale(to) - scale(from)), height: 26, onclick: go,
    }, shape("title", {}, title));
    return [bar(`recording ${kind}${trace >= 0 ? "" : " aborted"}`, start, end, 30), bar("compiling", end, done, 64)];
  });
  return [lane("recording", 48), lane("compiling", 82), ...bars];
}

/** Returns a curve of the number of traces. */
function traceCurve(scale) {
  const most = Math.max(1, run.traces.length);
  const y = (count) => 160 - 50 * count / most;
  let count = 0;
  let path = `M${scale(0)} ${y(0)}`;
  for (const { done, trace } of run.recordings) {
    if (trace < 0) continue;
    path += ` H${scale(done).toFixed(1)} V${y(++count).toFixed(1)}`;
  }
  path += ` H${scale(run.ran)}`;
  return [lane(`${format(count)} traces`, 140), shape("path", { class: "count-line", d: path })];
}

function intervalBars(scale, label, className, values, bottom, text) {
  const most = Math.max(1, ...values);
  const bars = values.map((value, index) => {
    if (value === 0) return null;
    const [x1, x2] = [scale(index * run.heat.width), scale((index + 1) * run.heat.width)];
    const height = 2 + 46 * Math.sqrt(value / most);
    return shape("rect", { class: className, x: x1, y: bottom - height, width: Math.max(1, x2 - x1), height },
      shape("title", {}, `${text(value)} in ${milliseconds(run.heat.width)}`));
  });
  return [lane(label, bottom - 16), ...bars];
}

function lostLines(scale, height) {
  return run.lost.map(({ time, what, traces }) =>
    shape("line", { class: "lost", x1: scale(time), x2: scale(time), y1: 18, y2: height - 22 },
      shape("title", {}, `${what} of ${counted(traces, "trace")} after ${milliseconds(time)}`)));
}

function setZoom(factor) {
  const area = byId("timeline-area");
  const middle = (area.scrollLeft + area.clientWidth / 2) * factor;
  zoom = Math.max(1, Math.min(256, zoom * factor));
  drawTimeline();
  area.scrollLeft = middle - area.clientWidth / 2;
}

// ---- aborts ---------------------------------------------------------------------------------------------------------

const hiddenReasons = new Set();

function drawAborts() {
  const aborts = run.recordings.filter((recording) => recording.trace < 0);
  const byReason = Map.groupBy ? Map.groupBy(aborts, ({ reason }) => reason) : groups(aborts);
  const buttons = [...byReason].map(([reason, list]) => element("button", {
    type: "button", "aria-pressed": !hiddenReasons.has(reason),
    onclick: () => {
      if (!hiddenReasons.delete(reason)) hiddenReasons.add(reason);
      drawAborts();
    },
  }, `${reason}: ${format(list.length)}`));
  fill(byId("reasons"), ...(aborts.length === 0 ? ["No recording was given up."] : buttons));
  const head = element("tr", {}, ...["after", "reason", "kind", "where", "from"].map((text) => element("th", {}, text)));
  const body = aborts.filter(({ reason }) => !hiddenReasons.has(reason)).map(abortRow);
  fill(byId("abort-table"), aborts.length === 0 ? null : element("thead", {}, head), element("tbody", {}, ...body));
}

function groups(aborts) {
  const map = new Map();
  for (const abort of aborts) map.set(abort.reason, [...(map.get(abort.reason) ?? []), abort]);
  return map;
}

function abortRow({ start, reason, kind, at, parent, exit }) {
  const from = parent < 0 ? null :
    element("a", { href: traceAddress(run.traces[parent], exit) }, `exit ${exit} of trace ${run.traces[parent].name}`);
  return element("tr", {},
    element("td", { class: "number" }, milliseconds(start)), element("td", {}, reason), element("td", {}, kind),
    element("td", { class: "mono" }, `${run.codes[at[0]]?.name ?? "?"} ${placeText(run, ...at)}`), element("td", {}, from));
}

// ---- comparing two runs ---------------------------------------------------------------------------------------------

/** Returns the traces of a run by a name that they keep from run to run: what they begin at, not their number. */
function bySignature(data) {
  const signatures = [];
  const result = new Map();
  data.traces.forEach((trace, index) => {
    const name = data.codes[trace.code]?.name ?? "?";
    let signature = `function ${name}`;
    if (trace.parent >= 0) {
      const parent = data.traces[trace.parent];
      const exit = parent.exits[trace.exit];
      const where = `${shortName(data, exit.code)} ${placeText(data, exit.code, exit.offset)}`;
      const stem = trace.kind === "bridge" ? signatures[trace.parent] : `continuation ${name}`;
      signature = `${stem} / ${exit.guard} ${where}`;
    }
    let unique = signature;
    for (let k = 2; result.has(unique); ++k) unique = `${signature} (${k})`;
    signatures[index] = unique;
    result.set(unique, trace);
  });
  return result;
}

const kMeasures = [
  { title: "IR", of: (trace) => trace.ir.length },
  { title: "bytes", of: (trace) => trace.bytes },
  { title: "side table", of: (trace) => trace.table },
  { title: "allocations", of: (trace) => trace.kept },
  { title: "exits taken", of: (trace) => trace.taken },
];

/** Returns pairs of traces: {signature, old, now}, one of which may be missing. */
function pairs() {
  const old = bySignature(before);
  const now = bySignature(run);
  const all = [...now].map(([signature, trace]) => ({ signature, now: trace, old: old.get(signature) }));
  for (const [signature, trace] of old) {
    if (!now.has(signature)) all.push({ signature, old: trace });
  }
  return all;
}

const isChanged = ({ old, now }) => old === undefined || now === undefined ||
  kMeasures.some(({ of }) => of(old) !== of(now)) || irTexts(before, old).join("\n") !== irTexts(run, now).join("\n");

function drawCompare() {
  if (before === null) {
    byId("compare-note").textContent = "Or make the page with --before OLD.html.";
    return fill(byId("compare-table"));
  }
  const all = pairs();
  const changed = all.filter(isChanged);
  byId("compare-note").textContent =
    `${counted(before.traces.length, "trace")} before, ${counted(run.traces.length, "trace")} now; ${format(changed.length)} differ.`;
  const shown = byId("only-changed").checked ? changed : all;
  const titles = ["before", "now", "where", ...kMeasures.map(({ title }) => title)];
  const head = element("tr", {}, ...titles.map((text, column) => element("th", { class: column > 2 ? "number" : null }, text)));
  fill(byId("compare-table"), element("thead", {}, head), element("tbody", {}, totalsRow(), ...shown.map(pairRow)));
}

function totalsRow() {
  const total = (data, of) => sum(data.traces.map(of));
  return element("tr", {}, element("td", {}, "all"), element("td", {}, "all"), element("td", {}),
    ...kMeasures.map(({ of }) => changeCell(total(before, of), total(run, of))));
}

function pairRow(pair) {
  const { old, now, signature } = pair;
  const node = element("tr", { title: signature },
    element("td", { class: "mono" }, old === undefined ? "" : `${old.name}`),
    element("td", { class: "mono" }, now === undefined ? "" : element("a", { href: traceAddress(now) }, now.name)),
    element("td", {}, signature),
    ...kMeasures.map(({ of }) => changeCell(old && of(old), now && of(now))));
  node.addEventListener("click", () => {
    for (const row of byId("compare-table").querySelectorAll("tr")) row.classList.toggle("chosen", row === node);
    drawPairIr(pair);
  });
  return node;
}

/** Returns a cell that says how a number has changed. */
function changeCell(old, now) {
  if (old === undefined || now === undefined) return element("td", { class: "number" }, format(old ?? now));
  const className = old === now ? "" : now < old ? " better" : " worse";
  const text = old === now ? format(now) : `${format(old)} \u2192 ${format(now)}`;
  return element("td", { class: `number${className}` }, text);
}

const irTexts = (data, trace) => trace.ir.map(([text]) => irText(data, trace, text));

function drawPairIr({ old, now }) {
  const [a, b] = [old ? irTexts(before, old) : [], now ? irTexts(run, now) : []];
  const lines = difference(a, b).map(([sign, text]) =>
    element("div", { class: { "+": "added", "-": "removed" }[sign] ?? "" }, `${sign} ${text}`));
  fill(byId("compare-ir"), element("h3", {}, "IR after all passes"), ...lines);
}

/** Returns the lines of two texts as [" ", "-" or "+", line]: those of a longest common subsequence are common. Names of
 * results do not count, as they are numbers. */
function difference(a, b) {
  const plain = (line) => line.replace(/%\d+/g, "%");
  const [x, y] = [a.map(plain), b.map(plain)];
  const common = Array.from({ length: a.length + 1 }, () => new Uint32Array(b.length + 1));
  for (let i = a.length - 1; i >= 0; --i) {
    for (let j = b.length - 1; j >= 0; --j) {
      common[i][j] = x[i] === y[j] ? common[i + 1][j + 1] + 1 : Math.max(common[i + 1][j], common[i][j + 1]);
    }
  }
  const lines = [];
  let [i, j] = [0, 0];
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && x[i] === y[j]) lines.push([" ", b[(++i, j++)]]);
    else if (j === b.length || (i < a.length && common[i + 1][j] >= common[i][j + 1])) lines.push(["-", a[i++]]);
    else lines.push(["+", b[j++]]);
  }
  return lines;
}

async function loadOther(file) {
  const match = /<script type="application\/octet-stream" id="run">([^<]*)<\/script>/.exec(await file.text());
  if (match === null) {
    byId("compare-note").textContent = `${file.name} is no page of fble-jit view.`;
    return;
  }
  before = await unpack(match[1]);
  drawCompare();
}

// ---- the address ----------------------------------------------------------------------------------------------------

/** Reads the address into `chosen`. */
function readAddress() {
  const match = /^#t([\d.]+)(?:\/e(\d+))?$/.exec(location.hash);
  const trace = match === null ? undefined : run.byName.get(match[1]);
  if (trace !== undefined) {
    const exit = match[2] === undefined ? -1 : Number(match[2]);
    Object.assign(chosen, { view: "traces", trace: trace.index, exit: exit < trace.exits.length ? exit : -1 });
    return;
  }
  const view = location.hash.slice(1);
  chosen.view = kDraw[view] === undefined ? "traces" : view;
  if (chosen.trace < 0 && run.traces.length > 0) chosen.trace = 0;
}

const kDraw = {
  traces: () => {},
  graph: () => drawGraph(),
  timeline: () => drawTimeline(),
  aborts: () => drawAborts(),
  compare: () => drawCompare(),
};

let drawnTrace = -1;

/** Draws what the address says. */
function show() {
  readAddress();
  for (const view of document.querySelectorAll(".view")) view.hidden = view.id !== chosen.view;
  for (const tab of byId("tabs").children) tab.setAttribute("aria-selected", tab.dataset.view === chosen.view);
  kDraw[chosen.view]();
  if (chosen.view !== "traces" || chosen.trace < 0) return;
  const trace = run.traces[chosen.trace];
  if (drawnTrace !== chosen.trace) {
    drawnTrace = chosen.trace;
    chosen.stage = -1;
    drawTrace(trace);
  }
  drawRebuilt(trace, chosen.exit);
  if (chosen.exit >= 0) choose(relatedToExit(trace, chosen.exit), "");
  else markRows("chosen", null);
}

// ---- keys -----------------------------------------------------------------------------------------------------------

/** Chooses the trace that is some steps further in the list. */
function stepTrace(steps) {
  const traces = filteredTraces();
  const at = traces.findIndex((trace) => trace.index === chosen.trace);
  const next = traces[Math.max(0, Math.min(traces.length - 1, at + steps))];
  if (next !== undefined) location.hash = traceAddress(next);
}

function stepExit(steps) {
  const trace = run.traces[chosen.trace];
  const next = Math.max(0, Math.min(trace.exits.length - 1, chosen.exit + steps));
  if (trace.exits.length > 0) location.hash = traceAddress(trace, next);
}

function hottestExit() {
  const trace = run.traces[chosen.trace];
  if (trace.exits.length === 0) return;
  const hottest = trace.exits.reduce((best, exit) => (exit.taken > best.taken ? exit : best));
  location.hash = traceAddress(trace, hottest.number);
}

function followExit() {
  const link = run.traces[chosen.trace].exits[chosen.exit]?.links[0];
  if (link !== undefined) location.hash = traceAddress(run.traces[link[0]]);
}

function goUp() {
  const trace = run.traces[chosen.trace];
  if (trace.parent >= 0) location.hash = traceAddress(run.traces[trace.parent], trace.exit);
}

const kTraceKeys = {
  j: () => stepTrace(1),
  k: () => stepTrace(-1),
  n: () => stepExit(1),
  p: () => stepExit(-1),
  h: hottestExit,
  b: followExit,
  u: goUp,
  "[": () => setStage(run.traces[chosen.trace], chosen.stage - 1),
  "]": () => setStage(run.traces[chosen.trace], chosen.stage + 1),
  Escape: () => { location.hash = traceAddress(run.traces[chosen.trace]); },
};

function onKey(event) {
  const isTyping = /^(INPUT|SELECT)$/.test(event.target.tagName) && event.target.type !== "checkbox";
  if (event.key === "Escape" && isTyping) event.target.blur();
  if (isTyping || event.ctrlKey || event.metaKey || event.altKey || byId("help").open) return;
  const views = Object.keys(kDraw);
  if (event.key === "?") byId("help").showModal();
  else if (event.key === "/") {
    location.hash = chosen.view === "traces" ? location.hash : "#traces";
    byId("filter-text").focus();
  } else if (views[Number(event.key) - 1] !== undefined) location.hash = `#${views[Number(event.key) - 1]}`;
  else if (chosen.view === "traces" && chosen.trace >= 0 && kTraceKeys[event.key] !== undefined) kTraceKeys[event.key]();
  else return;
  event.preventDefault();
}

// ---- start ----------------------------------------------------------------------------------------------------------

/** Writes the sums into the header. */
function drawSummary() {
  const taken = { guard: 0, "yield point": 0, return: 0, "deopt point": 0 };
  for (const trace of run.traces) trace.exits.forEach((exit) => { taken[exit.kind] += exit.taken; });
  byId("summary").textContent = [
    counted(run.traces.length, "trace"),
    `${counted(sum(Object.values(taken)), "exit")} taken`,
    counted(sum(run.heat.collections), "collection"),
    milliseconds(run.ran),
  ].join(" \u00b7 ");
  byId("summary").title = `Machine code was left by guards ${format(taken.guard)} times, at yield points ` +
    `${format(taken["yield point"])}, at deopt points ${format(taken["deopt point"])}; ` +
    `${counted(taken.return, "call")} returned to the interpreter.`;
}

function nextTheme() {
  const root = document.documentElement;
  const order = ["light dark", "light", "dark"];
  root.style.colorScheme = order[(order.indexOf(root.style.colorScheme || order[0]) + 1) % order.length];
}

function listen() {
  addEventListener("hashchange", show);
  addEventListener("keydown", onKey);
  byId("filters").addEventListener("input", drawList);
  byId("filters").addEventListener("submit", (event) => event.preventDefault());
  byId("theme").addEventListener("click", nextTheme);
  byId("keys").addEventListener("click", () => byId("help").showModal());
  byId("graph-calls").addEventListener("change", drawGraph);
  byId("zoom-in").addEventListener("click", () => setZoom(2));
  byId("zoom-out").addEventListener("click", () => setZoom(0.5));
  byId("only-changed").addEventListener("change", drawCompare);
  byId("other").addEventListener("change", (event) => loadOther(event.target.files[0]));
}

async function start() {
  [run, before] = await Promise.all([unpackElement("run"), unpackElement("before")]);
  run.heatByLine = exitsByLine(run.traces);
  run.mostHeat = Math.max(1, ...run.heatByLine.values());
  byId("program").textContent = run.program;
  drawSummary();
  byId("graph-calls").checked = run.traces.length <= kManyTraces;
  listen();
  drawList();
  show();
  document.documentElement.dataset.ready = "true";
}

start().catch((problem) => {
  document.body.prepend(element("p", { class: "failure" },
    `This page needs a browser with DecompressionStream, such as Chromium 80, Firefox 113 or Safari 16.4. (${problem})`));
});

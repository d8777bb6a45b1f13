/* SPDX-License-Identifier: MIT */
/*
 * report_flame.js - the flame graph.
 *
 * A box is a list of ways with one function in common, and those below it are
 * made when it is drawn: the same for the graph from the root, in which a way
 * goes on to the children of a node, and for the inverted one, where it goes on
 * to the callers.  Boxes of less than a thousandth of the width are not drawn.
 * After Gregg, "The Flame Graph", CACM 2016; the root is at the top.
 */
const NARROWEST = 1 / 1000;
const graph = { inverted: false, zoom: null, boxes: [], tip: null,
	found: null, host: null, focused: null };

function rootBox()
{
	const box = { name: -1, node: 0, above: null, ways: null, depth: 0,
		sum: all.sum[0], variance: all.variance[0],
		weight: all.weight[0], own: own.sum[0] };

	if (graph.inverted) {
		box.ways = [];
		for (let node = 1; node < nodeCount; node++)
			if (own.weight[node])
				box.ways.push([node, node]);
	}
	return box;
}

function nodeBoxes(box)
{
	return childrenOf(box.node).filter(n => all.weight[n]).map(n => ({
		name: nameAt[n], node: n, above: box, ways: null,
		depth: box.depth + 1, sum: all.sum[n],
		variance: all.variance[n], weight: all.weight[n],
		own: own.sum[n] }));
}

/* A way is [where it has come to, where it began]. */
function callerBoxes(box)
{
	const boxes = new Map();

	for (const [at, start] of box.ways) {
		const node = box.above ? parentOf[at] : at;

		if (!node)
			continue;
		let made = boxes.get(nameAt[node]);
		if (!made)
			boxes.set(nameAt[node], made = {
				name: nameAt[node], node, above: box,
				ways: [], depth: box.depth + 1, sum: 0,
				variance: 0, weight: 0, own: 0 });
		made.ways.push([node, start]);
		made.sum += own.sum[start];
		made.variance += own.variance[start];
		made.weight += own.weight[start];
		made.own += node === start ? own.sum[start] : 0;
	}
	return [...boxes.values()].sort((a, b) => a.name - b.name);
}

function boxesBelow(box)
{
	box.below = box.below || (box.ways ? callerBoxes(box) : nodeBoxes(box));
	return box.below;
}

const boxName = box => box.above ? data.functions[box.name] : "all";

function boxLines(box)
{
	const nodes = box.ways ? box.ways.slice(0, 1000).map(way => way[0]) :
		[box.node];

	return shortened([...new Set(nodes.flatMap(linesOf))]);
}

/* Warm colours, one for each name; differences: red grew, blue shrank. */
function paint(style, box)
{
	if (data.diff) {
		const change = box.weight ? box.sum / box.weight : 0;

		style.setProperty("--hue", change >= 0 ? 0 : 220);
		style.setProperty("--strength", Math.abs(change) * 90 + "%");
		return;
	}
	let hash = 7;
	for (const c of boxName(box))
		hash = (hash * 31 + c.codePointAt(0)) >>> 0;
	style.setProperty("--hue", 12 + hash % 40);
	style.setProperty("--strength", 60 + (hash >>> 8) % 30 + "%");
}

function boxText(box)
{
	const share = data.diff ? "" : `, ${percent(box.sum)} %`;

	return `${boxName(box)} - ${valueText(box.sum)}${errorText(box.variance)}${share}`;
}

function draw(box, left, width, level)
{
	const made = element("div", { class: "box", role: "treeitem",
		tabindex: "-1", "aria-level": level + 1, "aria-label": boxText(box) });

	made.style.left = left * 100 + "%";
	made.style.width = width * 100 + "%";
	made.style.setProperty("--level", level);
	paint(made.style, box);
	if (width > 0.008)
		made.textContent = boxName(box);
	if (graph.found && box.above && graph.found[box.name])
		made.classList.add("found");
	made.box = box;
	box.made = made;
	graph.boxes.push(made);
	graph.levels = Math.max(graph.levels, level + 1);
	return made;
}

function drawBelow(parts, box, left, width)
{
	const stack = [[box, left, width]];

	while (stack.length) {
		const [above, start, room] = stack.pop();
		let at = start;

		for (const below of boxesBelow(above)) {
			const part = room * below.weight / above.weight;

			if (part >= NARROWEST) {
				parts.push(draw(below, at, part, below.depth));
				stack.push([below, at, part]);
			}
			at += part;
		}
	}
}

/* What is above the box that was enlarged is as wide as the window. */
function drawGraph()
{
	const parts = [], ways = [];

	graph.boxes = [];
	graph.levels = 0;
	for (let box = graph.zoom; box; box = box.above)
		ways.unshift(box);
	for (const box of ways) {
		parts.push(draw(box, 0, 1, box.depth));
		if (box !== graph.zoom)
			box.made.classList.add("above");
	}
	if (graph.zoom.weight)
		drawBelow(parts, graph.zoom, 0, 1);
	else
		parts.push(element("p", { class: "none" },
			data.diff ? "Nothing changed." : all.sum[0] === 0 &&
			!sites.node.length ?
			"Nothing was sampled; mpool run --sample=4k looks more closely." :
			"None of what was sampled; the other views show more."));
	graph.host.style.setProperty("--levels", Math.max(graph.levels, 3));
	graph.host.replaceChildren(...parts);
	graph.zoom.made.tabIndex = 0;
}

function newGraph()
{
	hideTip();
	graph.zoom = rootBox();
	drawGraph();
}

function enlarge(box, focus)
{
	hideTip();
	graph.zoom = box;
	drawGraph();
	if (focus)
		box.made.focus();
}

/* --- the tooltip --- */

function hideTip()
{
	graph.tip.hidden = true;
}

function showTip(box, x, y)
{
	const lines = [element("b", null, boxName(box)),
		...boxLines(box).map(p => element("div", { class: "place" }, p)),
		element("div", null, `${valueText(box.sum)}${errorText(box.variance)} ` +
			whatText() + (data.diff ? ", the difference" :
				`, ${percent(box.sum)} %`))];

	if (!graph.inverted && box.above)
		lines.push(element("div", null, `${valueText(box.own)} by itself`));
	graph.tip.replaceChildren(...lines);
	placeTip(x, y);
}

function placeTip(x, y)
{
	graph.tip.hidden = false;
	const room = document.documentElement.clientWidth - graph.tip.offsetWidth - 8;
	const below = y + 18 + graph.tip.offsetHeight <= window.innerHeight;
	graph.tip.style.left = Math.max(4, Math.min(x + 12, room)) + "px";
	graph.tip.style.top = (below ? y + 18 :
		Math.max(4, y - graph.tip.offsetHeight - 8)) + "px";
}

/* --- keys: arrows go along, Enter enlarges, Escape goes back --- */

function neighbour(box, key)
{
	const beside = box.above ? boxesBelow(box.above).filter(b => graph.boxes.includes(b.made)) : [box];
	const at = beside.indexOf(box);

	if (key === "ArrowUp")
		return box.above;
	if (key === "ArrowDown")
		return boxesBelow(box).filter(b => graph.boxes.includes(b.made))
			.sort((a, b) => b.weight - a.weight)[0];
	return beside[at + (key === "ArrowLeft" ? -1 : 1)];
}

function graphKey(event)
{
	const box = event.target.box;

	if (!box || event.ctrlKey || event.metaKey || event.altKey)
		return;
	if (event.key.startsWith("Arrow")) {
		const next = neighbour(box, event.key);

		if (next) {
			event.target.tabIndex = -1;
			next.made.tabIndex = 0;
			next.made.focus();
		}
	} else if (event.key === "Enter" || event.key === " ") {
		enlarge(box, true);
	} else if (event.key === "Escape" || event.key === "Backspace") {
		enlarge(graph.zoom.above || graph.zoom, true);
	} else {
		return;
	}
	event.preventDefault();
}

function makeGraph()
{
	graph.tip = element("div", { id: "tip", role: "tooltip", hidden: "" });
	graph.host = element("div", { id: "graph", role: "tree",
		"aria-label": "flame graph",
		onclick: e => e.target.box && enlarge(e.target.box, true),
		onkeydown: graphKey,
		onmousemove: e => e.target.box ?
			showTip(e.target.box, e.clientX, e.clientY) : hideTip(),
		onmouseleave: hideTip,
		onfocusin: e => {
			if (!e.target.box || !e.target.matches(":focus-visible"))
				return;
			const at = e.target.getBoundingClientRect();
			showTip(e.target.box, at.left, at.bottom - 12);
		},
		onfocusout: hideTip });
	return graph.host;
}

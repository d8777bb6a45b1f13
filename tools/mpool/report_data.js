/* SPDX-License-Identifier: MIT */
/*
 * report_data.js - the page's data as a tree of functions, and sums over it.
 *
 * Stacks come sorted by functions, so nodes are numbered as they come: what
 * lies below a node are the numbers from the next one to its end.  Node 0 is
 * the root.
 */
const packed = Uint8Array.from(
	atob(document.getElementById("data").textContent), c => c.charCodeAt(0));
const data = await new Response(new Blob([packed]).stream()
	.pipeThrough(new DecompressionStream("deflate"))).json();
const VIEWS = ["live", "peak", "total", "short-lived"];
const BRIEF = 3;

/* The value shown: of which view, and whether objects are counted. */
const shown = { view: data.value >> 1, count: !!(data.value & 1) };

const frames = data.frames ? data.frames.split(";").map(f => {
	const [name, file, line] = f.split(",");
	return { name: +name, where: line === undefined ? "" :
		data.files[file] + (+line ? ":" + line : "") };
}) : [];

/* Numbers that grow; `push` of arrays holds more than a browser likes. */
class Column {
	constructor(type)
	{
		this.length = 0;
		this.all = new type(1024);
	}
	push(n)
	{
		if (this.length === this.all.length) {
			const more = new this.all.constructor(2 * this.length);

			more.set(this.all);
			this.all = more;
		}
		this.all[this.length++] = n;
	}
}

/* more: the frames of those nodes that were seen at several lines. */
const tree = { name: new Column(Int32Array), parent: new Column(Int32Array),
	frame: new Column(Int32Array), end: null, more: new Map() };
const SITE = ["size", "weight", "live", "peak", "total", "brief", "ages"];
const sites = { node: new Column(Int32Array) };

/* Leaks, and by the number of their stack its frames with their own lines. */
const leaks = data.leaks ? data.leaks.split(";").map(l => l.split(",").map(Number)) : [];
const leakWays = new Map(leaks.map(([stack]) => [stack, null]));

function addFrame(node, frame)
{
	const first = tree.frame.all[node];

	if (frame === first || !frames[frame].where)
		return;
	if (!frames[first].where) {
		tree.frame.all[node] = frame;
		return;
	}
	const seen = tree.more.get(node);
	if (!seen)
		tree.more.set(node, [first, frame]);
	else if (!seen.includes(frame))
		seen.push(frame);
}

(function readStacks() {
	const text = data.stacks, end = text.length;
	const way = [], nodes = [0]; /* of the stack before: frames, and theirs */
	let at = 0, stack = 0, depth, shared;

	for (const name of SITE)
		sites[name] = new Column(Float64Array);
	for (const name of ["name", "parent", "frame"])
		tree[name].push(-1);

	function number()
	{
		let n = 0, c;

		while ((c = text.charCodeAt(at) - 48) >= 0 && c < 10) {
			n = n * 10 + c;
			at++;
		}
		return n;
	}

	/* The node before is used again as long as functions are the same. */
	function step(frame)
	{
		const name = frames[frame].name;
		let node = nodes[depth + 1];

		if (!shared || node === undefined || tree.name.all[node] !== name) {
			node = tree.name.length;
			tree.name.push(name);
			tree.parent.push(nodes[depth]);
			tree.frame.push(frame);
			shared = false;
			nodes.length = depth + 1;
			nodes.push(node);
		} else {
			addFrame(node, frame);
		}
		way[depth++] = frame;
	}

	while (at < end) {
		depth = number();
		shared = true;
		while (text[at] === ",") {
			at++;
			step(number());
		}
		nodes.length = depth + 1;
		while (at < end && text[at] !== ";") {
			at++; /* the colon, or | */
			if (at === end || text[at] === ";")
				break;
			sites.node.push(nodes[depth]);
			for (const name of SITE) {
				sites[name].push(number());
				if (text[at] === ",")
					at++;
			}
		}
		if (leakWays.has(stack))
			leakWays.set(stack, way.slice(0, depth).reverse());
		stack++;
		at++;
	}
	tree.end = new Int32Array(tree.name.length);
	for (let node = tree.name.length - 1; node >= 0; node--) {
		tree.end[node] = Math.max(tree.end[node], node + 1);
		if (node && tree.end[node] > tree.end[tree.parent.all[node]])
			tree.end[tree.parent.all[node]] = tree.end[node];
	}
})();

const nodeCount = tree.name.length;
const nameAt = tree.name.all, parentOf = tree.parent.all;
const childrenOf = node => {
	const children = [];

	for (let child = node + 1; child < tree.end[node]; child = tree.end[child])
		children.push(child);
	return children;
};

/* --- sums --- */

/*
 * Of the value shown, for each node, in itself and with what it calls: the
 * sum, its variance, and `weight`, which is how wide it is drawn: for a
 * difference the sum of what grew and what shrank.
 */
const own = { sum: null, variance: null, weight: null };
const all = { sum: null, variance: null, weight: null };
const brief = { calls: null, ages: null }; /* of the node itself */

/* Each sample was taken with probability 1 / weight. */
function addSites()
{
	const counts = sites[["live", "peak", "total", "brief"][shown.view]].all;

	for (let i = 0; i < sites.node.length; i++) {
		const node = sites.node.all[i];
		const weight = data.weights[sites.weight.all[i]];
		const each = weight * (shown.count ? 1 : sites.size.all[i]);

		own.sum[node] += counts[i] * each;
		own.variance[node] += counts[i] * each * each *
			(1 - 1 / Math.abs(weight));
		brief.calls[node] += sites.brief.all[i] * weight;
		brief.ages[node] += sites.ages.all[i] * weight;
	}
}

function sumUp()
{
	for (const part of [own, all])
		for (const key in part)
			part[key] = new Float64Array(nodeCount);
	brief.calls = new Float64Array(nodeCount);
	brief.ages = new Float64Array(nodeCount);
	addSites();
	own.weight.set(own.sum.map(Math.abs));
	for (const key in all) {
		const sums = all[key];

		sums.set(own[key]);
		for (let node = nodeCount - 1; node > 0; node--)
			sums[parentOf[node]] += sums[node];
	}
}

/* --- numbers for people, as the tables of mpool have them --- */

function human(n, count, plus)
{
	const step = count ? 1000 : 1024;
	const units = count ? ["", "k", "M", "G", "T"] :
		["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
	let value = Math.floor(Math.abs(n) + 0.5), unit = 0;

	const sign = n <= -0.5 ? "-" : plus && value ? "+" : "";
	for (; value >= step - 0.5 && unit + 1 < units.length; unit++)
		value /= step;
	return sign + value.toFixed(unit && value < 99.95 ? 1 : 0) +
		(units[unit] ? " " + units[unit] : "");
}

const valueText = n => human(n, shown.count, data.diff);

function errorText(variance)
{
	const error = 2 * Math.sqrt(variance);

	return error >= 0.5 ? " \u00b1 " + human(error, shown.count) : "";
}

function percent(part)
{
	const whole = all.sum[0];

	return whole ? (100 * part / Math.abs(whole)).toFixed(1) : "0.0";
}

const whatText = () => {
	const of = ["live", "live at the peak", "allocated", "short-lived"];
	const objects = ["live objects", "live objects at the peak",
		"allocations", "short-lived objects"];

	return (shown.count ? objects : of)[shown.view];
};

/* Where a node's code is: the lines that were seen in it. */
function linesOf(node)
{
	const seen = tree.more.get(node) || (node ? [tree.frame.all[node]] : []);

	return seen.map(f => frames[f].where).filter(where => where);
}

const lineOf = node => linesOf(node)[0] || "";

function shortened(lines)
{
	return lines.length > 4 ?
		[...lines.slice(0, 4), `and ${lines.length - 4} more`] : lines;
}

/* --- elements --- */

function element(tag, attributes, ...children)
{
	const made = document.createElement(tag);

	for (const name in attributes || {})
		if (name.startsWith("on"))
			made.addEventListener(name.slice(2), attributes[name]);
		else if (attributes[name] !== false)
			made.setAttribute(name, attributes[name]);
	made.append(...children);
	return made;
}

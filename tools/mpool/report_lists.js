/* SPDX-License-Identifier: MIT */
/*
 * report_lists.js - what stands below the graph: functions, leaks, sizes, and
 * what the pools did.
 */
const ROWS = 100; /* of a table, at first */

/* A table that sorts: columns are { title, text(row), key(row), left }. */
function sortable(id, columns, rows, by)
{
	const state = { by, down: true, most: ROWS };
	const body = element("tbody"), foot = element("div");
	const heads = columns.map((column, i) => element("th", { scope: "col",
		class: column.left ? "left" : false },
		element("button", { type: "button", onclick: () => {
			state.down = state.by === i ? !state.down : !column.left;
			state.by = i;
			fill();
		} }, column.title)));

	function compare(a, b)
	{
		const key = columns[state.by].key, x = key(a), y = key(b);
		const order = x < y ? -1 : x > y ? 1 : 0;

		return state.down ? -order : order;
	}

	function fill()
	{
		const sorted = rows().sort(compare);

		heads.forEach((h, i) => h.setAttribute("aria-sort", i !== state.by ?
			"none" : state.down ? "descending" : "ascending"));
		body.replaceChildren(...sorted.slice(0, state.most).map(row =>
			element("tr", null, ...columns.map(c => element("td",
				{ class: c.left ? "left" : false }, c.text(row))))));
		foot.replaceChildren(...sorted.length > state.most ? [element("button",
			{ type: "button", onclick: () => {
				state.most = Infinity;
				fill();
			} }, `${sorted.length - state.most} more`)] : []);
	}

	const made = element("div", { id, class: "wide" }, element("table", null,
		element("thead", null, element("tr", null, ...heads)), body), foot);
	made.fill = fill;
	return made;
}

/* --- functions --- */

/* A function that calls itself counts once: `until` ends the outermost. */
function functionRows()
{
	const rows = data.functions.map((_, name) => ({ name, node: 0, own: 0,
		variance: 0, all: 0, calls: 0, ages: 0, until: 0 }));

	for (let node = 1; node < nodeCount; node++) {
		const row = rows[nameAt[node]];

		if (node >= row.until) {
			row.all += all.sum[node];
			row.until = tree.end[node];
		}
		if (!row.node || own.weight[node] > own.weight[row.node])
			row.node = node;
		row.own += own.sum[node];
		row.variance += own.variance[node];
		row.calls += brief.calls[node];
		row.ages += brief.ages[node];
	}
	return rows.filter(r =>
		(Math.abs(r.own) >= 0.5 || Math.abs(r.all) >= 0.5) &&
		(!graph.found || graph.found[r.name]));
}

function functionTable()
{
	const name = row => data.functions[row.name];
	const columns = [
		{ title: "itself", key: r => Math.abs(r.own),
			text: r => valueText(r.own) + errorText(r.variance) },
		{ title: "%", key: r => Math.abs(r.own), text: r => percent(r.own) },
		{ title: "with callees", key: r => Math.abs(r.all),
			text: r => valueText(r.all) },
		{ title: "% ", key: r => Math.abs(r.all), text: r => percent(r.all) },
		...data.hasPeak && !data.diff ? [
			{ title: "short-lived", key: r => r.calls,
				text: r => r.calls >= 0.5 ? human(r.calls, true) : "-" },
			{ title: "mean age", key: r => r.calls >= 0.5 ? r.ages / r.calls : -1,
				text: r => r.calls >= 0.5 ?
					(r.ages / r.calls).toFixed(2) + " ms" : "-" }] : [],
		{ title: "function", left: true, key: name, text: r => element("a",
			{ tabindex: "0", role: "button", onclick: () => searchFor(name(r)),
				onkeydown: e => e.key === "Enter" && searchFor(name(r)) },
			name(r)) },
		{ title: "line", left: true, key: r => lineOf(r.node),
			text: r => lineOf(r.node) },
	];
	return sortable("functions", columns, functionRows, 0);
}

/* --- leaks --- */

const LOST = 1, INDIRECT = 3; /* states of objects */

const nameIn = frame => data.functions[frames[frame].name];

/* Stacks that read the same are one, what was lost indirectly apart. */
function leakRows()
{
	const rows = new Map();

	for (const [stack, state, count, bytes, variance, oldest] of leaks) {
		const way = leakWays.get(stack), key = [state, ...way].join();

		if (state !== LOST && state !== INDIRECT)
			continue;
		if (!rows.has(key))
			rows.set(key, { way, how: state === LOST ? "directly" : "indirectly",
				count: 0, bytes: 0, variance: 0, oldest: 0 });
		const row = rows.get(key);
		row.count += count;
		row.bytes += bytes;
		row.variance += variance;
		row.oldest = Math.max(row.oldest, oldest);
	}
	return [...rows.values()];
}

function leakList()
{
	const rows = leakRows();
	const sum = list => list.reduce((n, r) => n + r.bytes, 0);
	const indirect = sum(rows.filter(r => r.how === "indirectly"));
	const error = variance => variance >= 0.0625 ?
		" \u00b1 " + human(2 * Math.sqrt(variance)) : "";
	const table = sortable("leaks", [
		{ title: "lost", key: r => r.bytes,
			text: r => human(r.bytes) + error(r.variance) },
		{ title: "objects", key: r => r.count, text: r => human(r.count, true) },
		{ title: "how", left: true, key: r => r.how, text: r => r.how },
		{ title: "oldest", key: r => r.oldest,
			text: r => (r.oldest / 1000).toFixed(1) + " s" },
		{ title: "stack", left: true, key: r => nameIn(r.way[0]), text: r =>
			element("details", null, element("summary", null, nameIn(r.way[0])),
				element("pre", null, r.way.map(f =>
					`${nameIn(f)}  ${frames[f].where}`).join("\n"))) },
	], () => rows, 0);
	table.fill();
	return [element("p", null, rows.length ?
		`${human(sum(rows))} lost: nothing pointed to it any more` +
			(indirect ? `, to ${human(indirect)} of it only what was lost.` : ".") :
		"Nothing was lost."), ...rows.length ? [table] : []];
}

/* --- sizes --- */

/* What the pools serve: at first, or as their statistics have it. */
const SMALL = data.pools && data.pools.classes.length ?
	Math.max(...data.pools.classes.map(c => c.size)) : 128;

/* Classes of sizes: what lies below a border, of all that was allocated. */
function sizeRows()
{
	const borders = [16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384];
	const rows = [...borders, Infinity].map((to, i) => ({ to,
		from: i ? borders[i - 1] + 1 : 0, count: 0, bytes: 0, live: 0 }));

	for (let i = 0; i < sites.node.length; i++) {
		const size = sites.size.all[i];
		const weight = data.weights[sites.weight.all[i]];
		const row = rows.find(r => size <= r.to);

		row.count += sites.total.all[i] * weight;
		row.bytes += sites.total.all[i] * weight * size;
		row.live += sites.live.all[i] * weight * size;
	}
	return rows;
}

function sizeTable()
{
	const rows = sizeRows(), calls = rows.reduce((n, r) => n + r.count, 0);
	let below = 0;

	for (const row of rows)
		row.below = below += row.count;
	const cells = row => [
		row.to === Infinity ? `over ${human(row.from - 1)}` :
			`${row.from} to ${row.to}`,
		human(row.count, true), human(row.bytes), human(row.live),
		row.to === Infinity ? "" : calls ?
			(100 * row.below / calls).toFixed(1) + " %" : ""];
	const served = rows.filter(r => r.to <= SMALL).pop().below;

	return [element("p", null, calls ? `Of ${human(calls, true)} allocations ` +
		`the pools serve ${(100 * served / calls).toFixed(1)} % as they are ` +
		`(up to ${SMALL} bytes); the last column says what they would serve ` +
		"with the border at the end of the row (MPOOL_SMALL_MAX)." :
		"Nothing was sampled."),
	plainTable("sizes", ["bytes", "allocations", "allocated", "live",
		"served up to here"], rows.filter(r => r.count >= 0.5).map(cells))];
}

/* --- the pools --- */

function plainTable(id, heads, rows)
{
	return element("div", { id, class: "wide" }, element("table", null,
		element("thead", null, element("tr", null, ...heads.map(t =>
			element("th", { scope: "col" }, t)))),
		element("tbody", null, ...rows.map(cells => element("tr", null,
			...cells.map(c => element("td", null, c)))))));
}

function poolTable()
{
	const of = { size: c => c.size || "all", live: c => human(c.live_bytes),
		peak: c => human(c.peak_bytes), held: c => human(c.committed_bytes),
		allocations: c => human(c.allocs, true),
		"reserve used": c => human(c.reserve.used, true),
		waits: c => human(c.waits, true),
		failures: c => human(c.failures, true) };
	const rows = [...data.pools.classes, data.pools.totals];

	return plainTable("pools", Object.keys(of),
		rows.map(c => Object.values(of).map(f => f(c))));
}

/* These are counted, not sampled. */
function forwardedTable()
{
	const kinds = Object.entries(data.pools.forwarded || {})
		.filter(([kind]) => kind !== "free").map(([, f]) => f);
	const calls = kinds.reduce((n, f) => n + f.calls, 0);
	const bytes = kinds.reduce((n, f) => n + f.bytes, 0);
	const served = data.pools.totals.allocs;
	let below = served;

	if (!calls)
		return [];
	const rows = (data.pools.forwarded_sizes || []).map(f => {
		below += f.calls;
		return [f.max ? `${f.min} to ${f.max}` : `over ${f.min - 1}`,
			human(f.calls, true),
			f.max ? (100 * below / (served + calls)).toFixed(1) + " %" : "",
			f.calls];
	}).filter(row => row[3]).map(row => row.slice(0, 3));
	return [element("p", { id: "forwarded" },
		`The pools have served ${human(served, true)} calls; ` +
		`${human(calls, true)} calls for ${human(bytes)} went to the next ` +
		"allocator, by size:"),
	plainTable("forwarded-sizes", ["bytes", "calls",
		"served with the border here"], rows)];
}

function poolParts()
{
	return [poolTable(), ...forwardedTable()];
}

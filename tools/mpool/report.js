/* SPDX-License-Identifier: MIT */
/*
 * report.js - puts the page together: the switches, the search, the parts.
 */
const page = { head: null, search: null, matches: null, functions: null };

/* --- search --- */

/* What lies below a function that was found is not looked at again. */
function foundSum()
{
	const sum = { n: 0, variance: 0, weight: 0 };
	const inside = new Uint8Array(nodeCount);

	for (let node = 1; node < nodeCount; node++) {
		const above = inside[parentOf[node]];

		inside[node] = above || graph.found[nameAt[node]];
		if (!above && inside[node]) {
			sum.n += all.sum[node];
			sum.variance += all.variance[node];
		}
	}
	return sum;
}

function tellFound(wrong)
{
	page.search.setAttribute("aria-invalid", wrong ? "true" : "false");
	if (wrong || !graph.found) {
		page.matches.textContent = wrong || "";
		return;
	}
	const count = graph.found.reduce((n, f) => n + f, 0), sum = foundSum();
	page.matches.textContent = `${count} function${count === 1 ? "" : "s"}: ` +
		valueText(sum.n) + errorText(sum.variance) +
		(data.diff ? "" : `, ${percent(sum.n)} %`);
}

function search()
{
	const text = page.search.value;
	let wrong = "";

	graph.found = null;
	try {
		const pattern = text && new RegExp(text, /[A-Z]/.test(text) ? "u" : "iu");

		if (text)
			graph.found = Uint8Array.from(data.functions,
				name => pattern.test(name));
	} catch (error) {
		wrong = "not a regular expression";
	}
	for (const made of graph.boxes)
		made.classList.toggle("found", !!graph.found && !!made.box.above &&
			!!graph.found[made.box.name]);
	tellFound(wrong);
	if (page.functions)
		page.functions.fill();
}

/* This function alone. */
function searchFor(name)
{
	page.search.value = `^${name.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&")}$`;
	search();
	page.search.scrollIntoView({ block: "nearest" });
}

/* --- switches --- */

function tellSum()
{
	const first = shown.view === data.value >> 1 &&
		shown.count === !!(data.value & 1);

	page.head.textContent = valueText(all.sum[0]) + errorText(all.variance[0]) +
		` ${whatText()}` + (data.diff ?
			", the difference: red grew, blue shrank" : "") +
		(first ? data.about : shown.view === BRIEF ?
			`: freed within ${data.briefMs} ms` : "");
}

function show()
{
	sumUp();
	tellSum();
	newGraph();
	search();
}

function switchOf(name, words, chosen, choose)
{
	return element("fieldset", { "aria-label": name }, ...words.map((word, i) => {
		const input = element("input", { type: "radio", name, id: word.replaceAll(" ", "-"),
			onchange: () => choose(i) });

		input.checked = i === chosen;
		return element("label", null, input, word);
	}));
}

function switches()
{
	const views = data.hasPeak ? [0, 1, 2, 3] : [0, 2];

	page.search = element("input", { type: "search", id: "search",
		placeholder: "search: a regular expression ( / )",
		"aria-label": "search functions", spellcheck: "false",
		oninput: search });
	page.matches = element("output", { id: "matches" });
	return element("div", { id: "switches" },
		switchOf("view", views.map(v => VIEWS[v]), views.indexOf(shown.view),
			i => { shown.view = views[i]; show(); }),
		switchOf("unit", ["bytes", "calls"], +shown.count,
			i => { shown.count = !!i; show(); }),
		switchOf("direction", ["from the root", "inverted"], 0,
			i => { graph.inverted = !!i; newGraph(); }),
		page.search, page.matches);
}

/* --- the page --- */

function part(title, ...children)
{
	return element("section", null, element("h2", null, title), ...children);
}

function facts()
{
	return element("dl", { id: "facts" }, ...data.facts.slice(0, -1).map(([name, text]) =>
		element("div", null, element("dt", null, name),
			element("dd", null, text))));
}

function parts()
{
	page.functions = functionTable();
	return [part("Functions", page.functions),
		...data.hasLeaks ? [part("Leaks", ...leakList())] : [],
		...data.diff ? [] : [part("Sizes", ...sizeTable())],
		...data.pools ? [part("Pools", ...poolParts())] : []];
}

(function makePage() {
	page.head = element("p", { id: "sum" });
	const host = makeGraph();
	document.body.append(
		element("h1", null, data.title),
		...data.graphAlone ? [] : [facts(), ...timeParts()],
		page.head, switches(), host,
		element("p", { class: "hint" }, "Click a box to enlarge it, one above " +
			"to go back. Keys: arrows, Enter, Escape; / searches."),
		graph.tip, ...data.graphAlone ? [] : parts());
	document.addEventListener("keydown", event => {
		if (event.key === "/" && event.target !== page.search) {
			event.preventDefault();
			page.search.focus();
			page.search.select();
		} else if (event.key === "Escape" && event.target === page.search) {
			page.search.value = "";
			search();
		} else if (event.key === "Escape" && !event.target.box && graph.zoom.above) {
			enlarge(graph.zoom.above, true);
		}
	});
	show();
})();

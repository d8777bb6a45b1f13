/* SPDX-License-Identifier: MIT */
/*
 * report_time.js - the program's memory over time: two charts over one axis.
 *
 * What was live in the pools and what was resident have one scale; what was
 * forwarded is a rate, for its frees are not known, and has its own.
 */
const history = data.history.map(([age, live, resident, forwarded, requests]) =>
	({ age, live, resident, forwarded, requests, rate: 0, calls: 0 }));
const time = { from: 0, span: 0, at: 0, host: null, cursor: null };

(function readHistory() {
	for (let i = 1; i < history.length; i++) {
		const now = history[i], before = history[i - 1];
		const seconds = (now.age - before.age) / 1000;

		now.rate = seconds ? (now.forwarded - before.forwarded) / seconds : 0;
		now.calls = seconds ? (now.requests - before.requests) / seconds : 0;
	}
	if (history.length) {
		time.from = history[0].age;
		time.span = history.at(-1).age - time.from;
	}
})();

function timeText(ms)
{
	const units = [["h", 3600000], ["min", 60000], ["s", 1000]];
	const [name, unit] = units.find(u => time.span >= 2 * u[1]) || units[2];
	const value = ms / unit;

	return value.toFixed(time.span < 10 * unit && value ? 1 : 0) + " " + name;
}

const shareOf = age => (age - time.from) / time.span;

/* The lines `names` of the moments, up to the most of all of them. */
function chart(names, unit)
{
	const most = Math.max(1, ...history.flatMap(m => names.map(n => m[n])));
	const lines = names.map(name => {
		const points = history.map(m => (1000 * shareOf(m.age)).toFixed(1) +
			"," + (100 - 100 * m[name] / most).toFixed(1));

		return `<polyline class="${name}" points="${points.join(" ")}"/>`;
	});
	const made = element("div", { class: "chart" });

	made.innerHTML = '<svg viewBox="0 0 1000 100" preserveAspectRatio="none">' +
		lines.join("") + "</svg>"; /* of numbers alone */
	made.append(element("span", { class: "most" }, human(most, false) + unit));
	return made;
}

function axis()
{
	return element("div", { class: "axis" }, ...[0, 1, 2, 3, 4].map(i =>
		element("span", null, timeText(time.from + time.span * i / 4))));
}

function key(name, text)
{
	return element("span", { class: "key " + name }, text);
}

/* --- the moment under the pointer, or that of the keys --- */

function showMoment(at, x, y)
{
	const m = history[at];

	time.at = at;
	time.cursor.hidden = false;
	time.cursor.style.left = 100 * shareOf(m.age) + "%";
	graph.tip.replaceChildren(element("b", null, timeText(m.age) + " after the start"),
		element("div", null, `${human(m.live, false)} live in the pools`),
		element("div", null, m.resident ? `${human(m.resident, false)} resident` :
			"resident: not known"),
		element("div", null, `${human(m.rate, false)} forwarded a second`),
		element("div", null, `${human(m.calls, true)} requests a second`));
	placeTip(x, y);
}

function hideMoment()
{
	time.cursor.hidden = true;
	hideTip();
}

function pointAt(event)
{
	const box = time.host.getBoundingClientRect();
	const age = time.from + time.span * (event.clientX - box.left) / box.width;
	const after = history.findIndex(m => m.age >= age);
	let at = after < 0 ? history.length - 1 : after;

	if (at && age - history[at - 1].age < history[at].age - age)
		at--;
	showMoment(at, event.clientX, event.clientY);
}

function momentKey(event)
{
	const last = history.length - 1;
	const to = { ArrowLeft: time.at - 1, ArrowRight: time.at + 1, Home: 0, End: last };

	if (event.key === "Escape")
		hideMoment();
	if (!(event.key in to))
		return;
	event.preventDefault();
	focusMoment(Math.max(0, Math.min(last, to[event.key])));
}

function focusMoment(at)
{
	const box = time.host.getBoundingClientRect();

	showMoment(at, box.left + box.width * shareOf(history[at].age), box.top);
}

/* Nothing, when the program was over before there was a second moment. */
function timeParts()
{
	if (!time.span)
		return [];
	time.cursor = element("div", { class: "cursor", hidden: "" });
	time.host = element("div", { id: "time", tabindex: "0", role: "group",
		"aria-label": "memory over time; arrow keys go along",
		onmousemove: pointAt, onmouseleave: hideMoment, onkeydown: momentKey,
		onfocusin: () => time.host.matches(":focus-visible") && focusMoment(time.at),
		onfocusout: hideMoment },
		chart(["live", "resident"], ""), chart(["rate"], "/s"), time.cursor);
	return [element("p", { class: "keys" }, key("live", "live in the pools"),
		key("resident", "resident"), key("rate", "forwarded a second")),
		time.host, axis()];
}

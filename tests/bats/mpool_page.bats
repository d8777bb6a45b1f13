# SPDX-License-Identifier: MIT
# mpool report of profiles: the page, as one uses it in a browser.

load browser

peak_page()
{
	"$MPOOL" run -q --sample=1 -o p.mprof -- "$PROGRAMS/peak"
	run -0 "$MPOOL" report p.mprof
	assert_output 'written: p.html'
}

@test "the page of a program that has freed all shows its peak, and what ran" {
	peak_page
	run -0 in_browser p.html '
		say(document.title);
		say(id("facts").textContent);
		say(id("sum").textContent);
		say(label(box("hold_most")));
		say(label(box("hold_some")));
		say(box("come_and_go") ? "more" : "no more");'
	assert_line --index 0 --regexp '^peak \([0-9]+\)$'
	assert_line --index 1 --regexp '^ProgrampeakProcess[0-9]+Started20.*Sampledevery allocation$'
	assert_line --index 2 --regexp '^488 KiB live at the peak, [0-9.]+ s after the start; 0 B at the end$'
	assert_line --index 3 'hold_most - 391 KiB, 80.0 %'
	assert_line --index 4 'hold_some - 97.7 KiB, 20.0 %'
	assert_line --index 5 'no more'
	# Nothing is fetched from elsewhere.
	run ! grep -E '(src|href)=|https?:' p.html
}

@test "the switches show the sums that mpool prof shows" {
	peak_page
	local view
	for view in live total short-lived peak; do
		"$MPOOL" prof "--$view" p.mprof | awk 'NR == 1 { print $1, $2 }'
		"$MPOOL" prof --count "--$view" p.mprof | awk 'NR == 1 { print $1, "" }'
	done | sed 's/ $//' >sums
	run -0 in_browser p.html '
		for (const view of ["live", "total", "short-lived", "peak"]) {
			id(view).click();
			id("bytes").click();
			say(id("sum").textContent.split(" ").slice(0, 2).join(" "));
			id("calls").click();
			say(id("sum").textContent.split(" ")[0]);
		}'
	assert_output "$(cat sums)"
	run -0 in_browser p.html '
		id("total").click();
		id("calls").click();
		say(label(box("come_and_go")));
		id("live").click();
		say(id("graph").textContent);'
	assert_line --index 0 --regexp '^come_and_go - 300, [0-9.]+ %$'
	assert_line --index 1 --partial 'None of what was sampled; the other views show more.'
}

@test "the search marks functions, sums them up, and tells what it does not understand" {
	peak_page
	run -0 in_browser p.html '
		search("hold_(most|some)");
		say(id("matches").textContent);
		say(boxes().filter(b => b.matches(".found")).map(b => b.textContent).sort());
		search("^main$");
		say(id("matches").textContent);
		say(cells("#functions").length);
		search("(");
		say(id("matches").textContent);
		press("Escape", id("search"));
		say(id("search").value + id("matches").textContent + ".");
		press("/", document.body);
		say(document.activeElement.id);'
	assert_line --index 0 '2 functions: 488 KiB, 100.0 %'
	assert_line --index 1 'hold_most,hold_some'
	assert_line --index 2 '1 function: 488 KiB, 100.0 %'
	assert_line --index 3 '1'
	assert_line --index 4 'not a regular expression'
	assert_line --index 5 '.'
	assert_line --index 6 'search'
}

@test "a box is enlarged by a click, and keys go along" {
	peak_page
	run -0 in_browser p.html '
		const widths = () => say(boxes().map(b =>
			b.textContent + "=" + parseFloat(b.style.width).toFixed(0)).slice(-2));
		widths();
		box("hold_some").click();
		widths();
		press("Escape");
		say(document.activeElement.textContent);
		press("ArrowDown");
		say(document.activeElement.textContent);
		press("ArrowRight");
		say(document.activeElement.textContent);
		press("Enter");
		widths();
		boxes()[0].click();
		widths();'
	assert_line --index 0 'hold_most=80,hold_some=20'
	assert_line --index 1 'main=100,hold_some=100'
	assert_line --index 2 'main'
	assert_line --index 3 'hold_most'
	assert_line --index 4 'hold_some'
	assert_line --index 5 'main=100,hold_some=100'
	assert_line --index 6 'hold_most=80,hold_some=20'
}

@test "the inverted graph begins with who allocates, and goes on to the callers" {
	peak_page
	run -0 in_browser p.html '
		id("inverted").click();
		say(boxes().slice(0, 3).map(b => b.getAttribute("aria-level") + label(b)).join("; "));
		box("hold_some").click();
		say(boxes().map(b => b.textContent).slice(0, 3));
		id("from-the-root").click();
		say(boxes().map(b => b.textContent).slice(-2));'
	assert_line --index 0 --partial '2hold_some - 97.7 KiB, 20.0 %'
	assert_line --index 1 'all,hold_some,main'
	assert_line --index 2 'hold_most,hold_some'
}

@test "the tooltip has file, line and error" {
	"$MPOOL" run -q --sample=4k -o p.mprof -- "$PROGRAMS/peak"
	"$MPOOL" report p.mprof
	run -0 in_browser p.html '
		box("main").dispatchEvent(new MouseEvent("mousemove",
			{ bubbles: true, clientX: 50, clientY: 50 }));
		say([...id("tip").children].map(c => c.textContent).join("|"));
		say(id("tip").hidden);
		id("graph").dispatchEvent(new MouseEvent("mouseleave"));
		say(id("tip").hidden);'
	assert_line --index 0 --regexp '^main\|.*tests/programs/peak\.c:[0-9]+\|.*[0-9.]+ KiB ± [0-9.]+ KiB live at the peak, 100\.0 %\|0 B by itself$'
	assert_line --index 1 false
	assert_line --index 2 true
}

@test "the table of functions has the figures of mpool prof, and sorts" {
	peak_page
	run -0 in_browser p.html '
		const heads = [...document.querySelectorAll("#functions th")];
		const names = () => say(cells("#functions").map(r => r[6]).slice(0, 2));
		say(cells("#functions")[0].join("|"));
		names();
		heads[6].firstChild.click();
		names();
		say(heads[6].getAttribute("aria-sort"));
		heads[6].firstChild.click();
		say(heads[6].getAttribute("aria-sort"));
		[...document.querySelectorAll("#functions a")].find(
			a => a.textContent === "hold_some").click();
		say(id("search").value, cells("#functions").length);'
	assert_line --index 0 --regexp '^391 KiB\|80\.0\|391 KiB\|80\.0\|[^|]*\|[^|]*\|hold_most\|.*peak\.c:[0-9]+$'
	assert_line --index 1 'hold_most,hold_some'
	assert_line --index 2 '__libc_start_call_main,__libc_start_main'
	assert_line --index 3 'ascending'
	assert_line --index 4 'descending'
	assert_line --index 5 '^hold_some$ 1'
}

@test "leaks that a program itself knows of are none on the page" {
	"$MPOOL" run -q --leaks -o l.mprof -- "$PROGRAMS/leaky" || :
	sed 's/^leaks 1$/&\nsuppressions "leak:lose_big"/' l.mprof >known.mprof
	"$MPOOL" report -o known.html known.mprof
	run -0 in_browser known.html 'say(cells("#leaks").map(r => r[0]).join("; "));'
	assert_output '432 B; 120 B; 48 B'
}

@test "leaks, sizes and what the pools did are below" {
	"$MPOOL" run -q --leaks -o l.mprof -- "$PROGRAMS/leaky" || :
	"$MPOOL" report -o l.html l.mprof
	"$MPOOL" leaks l.mprof >leaks
	local line
	line=$(sed -n '/ lose_big /{n;s/.*leaky\.c:\([0-9]*\)$/\1/p}' leaks)
	run -0 in_browser l.html '
		say(cells("#leaks").map(r => r[0] + " in " + r[1]).join("; "));
		say(document.querySelector("#leaks pre").textContent.split("\n").slice(0, 2).join("; "));
		say(cells("#sizes").map(r => r[0] + "=" + r[1]).join("; "));'
	assert_line --index 0 '4.9 KiB in 1; 432 B in 9; 120 B in 5; 48 B in 1'
	# The line is that stack's own: main calls others, too.
	assert_line --index 1 --regexp "^lose_big  .*leaky\.c:[0-9]+; main  .*leaky\.c:$line\$"
	assert_line --index 2 --regexp '17 to 32=[0-9]+; 33 to 64='
	busy 60 --sample
	"$MPOOL" report -o b.html "$pid"
	run -0 in_browser b.html '
		say(cells("#pools").find(r => r[0] === "112").length);
		say(id("forwarded").textContent);
		say(cells("#forwarded-sizes").some(r => r[0] === "129 to 256"));'
	assert_line --index 0 8
	assert_line --index 1 --regexp '^The pools have served [0-9.]+( [kM])? calls; [0-9.]+( [kM])? calls for [0-9.]+ [KM]iB went to the next allocator, by size:$'
	assert_line --index 2 true
}

@test "what the pools did is shown of a program that has ended, and took its page along" {
	"$MPOOL" run -q --sample -o ended.mprof -- "$PROGRAMS/sizes"
	"$MPOOL" report -o ended.html ended.mprof
	run -0 in_browser ended.html '
		say(cells("#pools").map(r => r[0]).join(" "));
		say(cells("#pools").find(r => r[0] === "all")[4]);
		say(id("forwarded").textContent);'
	assert_line --index 0 '16 32 48 64 80 96 112 128 all'
	# As the statistics that the program itself leaves have it.
	MPOOL_STATS=stats.json MPOOL_PAGE=$PWD/page MPOOL_SAMPLE=512k MPOOL_PROFILE=p.mprof preloaded "$PROGRAMS/sizes"
	local key
	for key in allocs frees live peak committed_bytes refills; do
		assert_equal "$(awk -v key="$key" '$1 == "class" { for (i = 4; i < NF; i += 2) if ($i == key) n += $(i + 1) } END { print n + 0 }' p.mprof)" \
			"$(jq ".totals.$key" stats.json)"
	done
	# jq would round it.
	run -0 grep -o '"malloc":{[^}]*' stats.json
	assert_output --regexp ":$(awk '$1 == "forwarded" && $2 == "malloc" { print $3 }' p.mprof)\$"
}

@test "rows of the pools that cannot be are told with their line" {
	"$MPOOL" run -q --sample -o p.mprof -- "$PROGRAMS/peak"
	zcat -f p.mprof >t.mprof
	local row
	for row in 'class 0 0' 'class 16' 'class 16 0 allocs' 'class 16 0 allocs -1'; do
		sed "s/^class 16 .*/$row/" t.mprof >bad.mprof
		run -1 "$MPOOL" report bad.mprof
		assert_output --regexp '^mpool report: bad.mprof:[0-9]+: a class row is SIZE HARDENED KEY N ...$'
	done
	sed 's/^forwarded malloc .*/forwarded malloc 1 2/' t.mprof >bad.mprof
	run -1 "$MPOOL" report bad.mprof
	assert_output --regexp '^mpool report: bad.mprof:[0-9]+: a forwarded row is KIND BYTES CALLS ...$'
	sed 's/^class 16 .*/&\n&/' t.mprof >more.mprof
	yes "class 16 0" | head -n 200 | sed -i '/^class 16 /r /dev/stdin' more.mprof
	run -1 "$MPOOL" report more.mprof
	assert_output --partial 'there are more class rows than classes'
	# What a later version says of them is left out.
	sed 's/^class 16 .*/& later 7/; s/^forwarded free .*/&\nforwarded gladly 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1/' t.mprof >later.mprof
	run -0 "$MPOOL" report later.mprof
}

@test "of several programs the names are the outermost functions" {
	peak_page
	"$MPOOL" run -q --sample=1 -o l.mprof -- "$PROGRAMS/leaky"
	run -0 "$MPOOL" report -o both.html p.mprof l.mprof
	run -0 in_browser both.html '
		say(document.title);
		id("total").click();
		say(boxes().filter(b => b.getAttribute("aria-level") === "2").map(b => b.textContent));
		say(id("facts").textContent);'
	assert_line --index 0 --regexp '^peak \([0-9]+\) and 1 more$'
	assert_line --index 1 'leaky,peak'
	assert_line --index 2 'Programpeakandleaky'
}

@test "mpool prof --flame is the graph alone" {
	peak_page
	run -0 "$MPOOL" prof --flame --total -o f.html p.mprof
	assert_output 'written: f.html'
	run -0 in_browser f.html '
		say(label(box("come_and_go")));
		say(document.querySelectorAll("section, #facts").length);'
	assert_line --index 0 --regexp '^come_and_go - [0-9.]+ MiB, [0-9.]+ %$'
	assert_line --index 1 0
}

@test "a difference shows what grew and what shrank, also when a box is enlarged" {
	printf 'mpool-profile 1\nperiod 1\nstack 1 0x20\nsite 1 1000 1000 1 1\nname 0x20 0 "shrunk" ""\nend\n' >old.mprof
	printf 'mpool-profile 1\nperiod 1\nstack 1 0x30\nsite 1 1000 1000 3 3\nname 0x30 0 "grown" ""\nend\n' >new.mprof
	"$MPOOL" prof --flame -o d.html new.mprof old.mprof
	run -0 in_browser d.html '
		say(id("sum").textContent);
		boxes()[0].click();
		say(boxes().map(label).join("; "));
		say(["grown", "shrunk"].map(n => box(n).style.getPropertyValue("--hue")));'
	assert_line --index 0 '+2.0 KiB live, the difference: red grew, blue shrank'
	assert_line --index 1 'all - +2.0 KiB; grown - +2.9 KiB; shrunk - -1000 B'
	assert_line --index 2 '0,220'
	run -0 "$MPOOL" report --base old.mprof -o r.html new.mprof
	run -0 in_browser r.html '
		say(id("sum").textContent);
		say(cells("#functions").map(r => r[0] + " " + r[4]).join("; "));'
	assert_line --index 0 '+2.0 KiB live, the difference: red grew, blue shrank'
	assert_line --index 1 '+2.9 KiB grown; -1000 B shrunk'
	"$MPOOL" prof --flame -o d.html new.mprof new.mprof
	run -0 in_browser d.html 'say(id("graph").textContent);'
	assert_output 'allNothing changed.'
}

@test "names of functions are text, whatever is in them" {
	local name='</script><script>document.title=1</script><b id=x>&amp;'

	printf 'mpool-profile 1\nprogram "<b id=y>"\nperiod 1\nstack 1 0x20\nsite 1 7 16 1 1\nname 0x20 3 "%s" "a&b.c"\nend\n' "$name" >h.mprof
	"$MPOOL" report h.mprof
	run -0 in_browser h.html 'say(document.title, !id("x"), !id("y")); say(boxes()[1].textContent);'
	assert_line --index 0 '<b id=y> (0) true true'
	assert_line --index 1 "$name"
}

# A profile with a history: ages of 0, 1, 2 and 4 seconds.
timed_page()
{
	"$MPOOL" run -q --sample=1 -o p.mprof -- "$PROGRAMS/peak"
	zcat -f p.mprof | sed '/^moment /d; s/^brief .*/&\
moment 0 0 1048576 0 0\
moment 1000 1048576 2097152 4194304 1000\
moment 2000 524288 3145728 4194304 3000\
moment 4000 262144 2097152 5242880 3000/' >t.mprof
	run -0 "$MPOOL" report t.mprof
}

@test "the chart over time shows what was live, resident and forwarded" {
	timed_page
	run -0 in_browser t.html '
		const texts = what => [...document.querySelectorAll(what)]
			.map(e => e.textContent).join("|");
		for (const line of document.querySelectorAll("#time polyline"))
			say(line.getAttribute("class"), line.getAttribute("points"));
		say(texts("#time .most"));
		say(texts(".axis span"));
		say(texts(".key"));
		const at = id("time").getBoundingClientRect();
		id("time").dispatchEvent(new MouseEvent("mousemove",
			{ clientX: at.left + at.width * .3, clientY: at.top + 9 }));
		say(id("tip").hidden, [...id("tip").children].map(e => e.textContent).join("|"));
		press("ArrowRight", id("time"));
		say(id("tip").firstChild.textContent);
		press("End", id("time"));
		press("ArrowRight", id("time"));
		say(id("tip").firstChild.textContent);
		press("Escape", id("time"));
		say(id("tip").hidden);'
	assert_line --index 0 'live 0.0,100.0 250.0,66.7 500.0,83.3 1000.0,91.7'
	assert_line --index 1 'resident 0.0,66.7 250.0,33.3 500.0,0.0 1000.0,33.3'
	assert_line --index 2 'rate 0.0,100.0 250.0,0.0 500.0,100.0 1000.0,87.5'
	assert_line --index 3 '3.0 MiB|4.0 MiB/s'
	assert_line --index 4 '0 s|1.0 s|2.0 s|3.0 s|4.0 s'
	assert_line --index 5 'live in the pools|resident|forwarded a second'
	assert_line --index 6 'false 1.0 s after the start|1.0 MiB live in the pools|2.0 MiB resident|4.0 MiB forwarded a second|1.0 k requests a second'
	assert_line --index 7 '2.0 s after the start'
	assert_line --index 8 '4.0 s after the start'
	assert_line --index 9 'true'
}

@test "a program that lived for seconds has its chart, several have none" {
	"$MPOOL" run -q --sample -o b.mprof -- "$PROGRAMS/busy" 3 >said
	peak_page
	run -0 "$MPOOL" report b.mprof
	run -0 in_browser b.html '
		const line = document.querySelector("#time polyline.resident");
		say(line.getAttribute("points").split(" ").length > 1);'
	assert_output true
	run -0 "$MPOOL" report -o two.html b.mprof p.mprof
	run -0 in_browser two.html 'say(!!id("time"));'
	assert_output false
}

@test "moments that cannot be are told with their line" {
	timed_page
	sed 's/^moment 4000 /moment 3 /' t.mprof >bad.mprof
	run -1 "$MPOOL" report bad.mprof
	assert_output --regexp '^mpool report: bad.mprof:[0-9]+: moments are sorted by age$'
	sed 's/^moment 4000 .*/moment 4000 1/' t.mprof >bad.mprof
	run -1 "$MPOOL" report bad.mprof
	assert_output --regexp 'a moment row is AGE_MS LIVE RESIDENT FORWARDED REQUESTS$'
}

@test "from 400 to 2000 pixels nothing is cut off, by day and by night" {
	timed_page
	cp t.html p.html
	local width
	for width in 500 2000; do
		WIDTH=$width run -0 in_browser p.html '
			say(document.documentElement.scrollWidth <= innerWidth);
			say(innerWidth - id("graph").offsetWidth < 40);'
		assert_output $'true\ntrue'
	done
	# Chromium's own window has 500 at least.
	run -0 in_browser p.html '
		document.body.style.width = "400px";
		document.body.style.margin = "0";
		say(document.body.scrollWidth);'
	assert_output 400
	grep -q 'prefers-color-scheme: dark' p.html
}

@test "a page of 40,000 stacks has at most 4 MiB, and all of them" {
	"$PYTHON" "$FIXTURES/many_stacks.py" 40000 >m.mprof
	"$MPOOL" report m.mprof
	(($(stat -c %s m.html) <= 4 << 20))
	run -0 in_browser m.html '
		id("total").click();
		id("calls").click();
		say(id("sum").textContent, boxes().length > 100);'
	assert_output '40.0 k allocations true'
}

@test "profiles and other files do not go together, and a pipe is read" {
	peak_page
	echo text >t
	run -2 "$MPOOL" report p.mprof t
	assert_line --index 0 'mpool report: profiles and other files do not go together'
	run -1 "$MPOOL" report t
	assert_output 'mpool report: t: no report of libmpool is in it'
	run -1 "$MPOOL" report -o p.mprof p.mprof
	assert_output 'mpool report: p.mprof is what is read; write to another file'
	run -1 "$MPOOL" report -o /dev/full p.mprof
	assert_output 'mpool report: /dev/full: No space left on device'
	head -c 900 p.mprof >cut.mprof
	run -1 "$MPOOL" report cut.mprof
	assert_output --regexp '^mpool report: cut\.mprof:[0-9]+: '
	run -0 bash -c "cat p.mprof | '$MPOOL' report -"
	assert_line --index 0 '<!DOCTYPE html>'
}

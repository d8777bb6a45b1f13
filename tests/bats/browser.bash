# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# browser.bash - pages of mpool in a browser without a screen; that which has
# none at all starts in a fifth of the time.
load cli

setup_file()
{
	packages "chromium-headless-shell|chromium" ||
		skip "no chromium can be installed"
	CHROMIUM=$(type -P chromium-headless-shell || echo chromium)
	export CHROMIUM
	echo '<p id="runs">' >"$BATS_FILE_TMPDIR/runs.html"
	chromium_dom "$BATS_FILE_TMPDIR/runs.html" | grep -q 'id="runs"' ||
		skip "chromium does not run here"
}

chromium_dom()
{
	timeout 120 "$CHROMIUM" --headless --no-sandbox --disable-gpu \
		--window-size="${WIDTH:-1200}",800 --virtual-time-budget=20000 \
		--dump-dom "file://$(realpath "$1")" 2>/dev/null
}

# in_browser PAGE SCRIPT - runs SCRIPT in the page, and prints what it says.
in_browser()
{
	sed 's|</body></html>$||' "$1" >in_browser.html
	cat >>in_browser.html <<-END
		<script type="module">
		const said = [], say = (...words) => said.push(words.join(" "));
		const id = name => document.getElementById(name);
		const boxes = () => [...document.querySelectorAll(".box")];
		const label = box => box.getAttribute("aria-label");
		const box = name => boxes().find(b => label(b).startsWith(name + " - "));
		const press = (key, on) => (on || document.activeElement).dispatchEvent(
			new KeyboardEvent("keydown", { key, bubbles: true }));
		const search = text => {
			id("search").value = text;
			id("search").dispatchEvent(new Event("input"));
		};
		const cells = table => [...document.querySelectorAll(table + " tbody tr")]
			.map(row => [...row.cells].map(c => c.textContent));
		while (!document.querySelector("#graph > *"))
			await new Promise(go => setTimeout(go, 5));
		try { $2
		} catch (error) {
			say("error:", error, error.stack);
		}
		const pre = document.createElement("pre");
		pre.id = "said";
		pre.textContent = said.join("\n");
		document.body.replaceChildren(pre);
		</script></body></html>
	END
	chromium_dom in_browser.html |
		sed -n '/<pre id="said">/,/<\/pre>/{s/.*<pre id="said">//;s|</pre>.*||;p}' |
		sed 's/&lt;/</g; s/&gt;/>/g; s/&nbsp;/ /g; s/&amp;/\&/g'
}

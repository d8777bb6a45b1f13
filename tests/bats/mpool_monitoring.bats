# SPDX-License-Identifier: MIT
# The dashboard and the alert rules ask for what mpool export serves.

load cli
load pools

ALERTS=$ROOT/tools/mpool/alerts.yml
DASHBOARD=$ROOT/tools/mpool/grafana.json

setup_file()
{
	packages prometheus jq
}

# The expressions of the dashboard as rules: promtool knows these.
dashboard_rules()
{
	jq '{ groups: [ { name: "dashboard", rules: [ .panels[].targets[].expr
		| gsub("\\$__rate_interval"; "5m")
		| { record: "x", expr: . } ] } ] }' "$DASHBOARD"
}

@test "every metric that the dashboard and the alerts name is served" {
	busy 60
	"$MPOOL" export --prom >served
	# Those of pools: a program that has some writes them itself.
	with_libmempool so acts "$FIXTURES/pools_acts.c"
	MPOOL_STATS=$PWD/pools.prom timeout 60 ./acts cache twin 1 64
	cat pools.prom >>served
	for metric in $(grep -ohE '\b(mpool|mempool)_[a-z_]+' "$ALERTS" "$DASHBOARD" | sort -u); do
		grep -q "^# HELP $metric\b" served || fail "$metric is not served"
	done
	for metric in mpool_live_bytes mpool_rss_bytes mpool_allocs_total \
		mpool_reserve_used_total mpool_waits_total mpool_failures_total; do
		grep -q "$metric" "$DASHBOARD" || fail "no $metric in the dashboard"
	done
}

@test "the rules are valid, and so are the dashboard's expressions" {
	run -0 promtool check rules "$ALERTS"
	assert_line --regexp 'SUCCESS: [0-9]+ rules found'
	dashboard_rules >dashboard.yml
	run -0 promtool check rules --lint=none dashboard.yml
	assert_line --regexp 'SUCCESS: 1[0-9] rules found'
}

@test "alerts are raised when they should be, and not before" {
	cat >alerts_test.yml <<-END
		rule_files: [ "$ALERTS" ]
		tests:
		  - interval: 1m
		    input_series:
		      - series: 'mpool_failures_total{pid="1",program="a",class="16",instance="h"}'
		        values: '0x9 1x10'
		      - series: 'mpool_reserve_objects{pid="1",program="a",class="16",instance="h"}'
		        values: '64x9 3x20'
		      - series: 'mpool_reserve_min_objects{pid="1",program="a",class="16",instance="h"}'
		        values: '64x30'
		      - series: 'mpool_waits_total{pid="1",program="a",class="16",instance="h"}'
		        values: '0x30'
		      - series: 'mpool_live_bytes{pid="2",program="b",class="16",instance="h"}'
		        values: '0+100000x800'
		      - series: 'mpool_live_bytes{pid="1",program="a",class="16",instance="h"}'
		        values: '5000000x800'
		    alert_rule_test:
		      - { eval_time: 9m, alertname: MpoolFailures }
		      - eval_time: 11m
		        alertname: MpoolFailures
		        exp_alerts:
		          - exp_labels: { severity: critical, pid: "1", program: a, instance: h }
		            exp_annotations:
		              summary: a (1) got NULL from malloc
		              description: "Memory and the reserve have run out: a larger MPOOL_RESERVE, or more memory."
		      - { eval_time: 12m, alertname: MpoolReserveLow }
		      - eval_time: 20m
		        alertname: MpoolReserveLow
		        exp_alerts:
		          - exp_labels: { severity: warning, pid: "1", program: a, instance: h, class: "16" }
		            exp_annotations:
		              summary: "the reserve of a (1) is not full: class 16"
		              description: It is filled by frees, and by memory that is to be had again.
		      - { eval_time: 20m, alertname: MpoolWaits }
		      - eval_time: 12h30m
		        alertname: MpoolGrows
		        exp_alerts:
		          - exp_labels: { severity: info, pid: "2", program: b, instance: h }
		            exp_annotations:
		              summary: b (2) grows by 5.722MiB an hour
		              description: mpool report 2 shows what lives, if it is sampled.
	END
	run -0 promtool test rules alerts_test.yml
	assert_line --partial SUCCESS
}

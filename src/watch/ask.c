/* SPDX-License-Identifier: MIT */
/*
 * ask.c - sampling, switched on and off from outside, through the page.
 */
#include "watch/ask.h"

#include "base/config.h"
#include "watch/dump.h"
#include "watch/page.h"
#include "watch/profile.h"
#include "watch/record.h"

static void (*switch_on)(size_t period);

static void write_profile(struct page_answer *answer)
{
	const char *why;
	int error = dump_profile_now(&why);

	page_say(answer, error ? PAGE_NO_PROFILE : PAGE_DONE,
		 error ? why : NULL);
}

/* What cannot be written need not be sampled. */
static void sample(size_t period, struct page_answer *answer)
{
	const char *why;

	if (record_period) {
		page_say(answer, PAGE_IS_SAMPLED, NULL);
	} else if (dump_profile_start(profile_write, &why)) {
		page_say(answer, PAGE_NO_PROFILE, why);
	} else {
		page_profile_at(dump_profile());
		switch_on(period);
		dump_keep_start();
		write_profile(answer);
		if (answer->outcome != PAGE_DONE)
			record_stop();
	}
}

static void stop(struct page_answer *answer)
{
	if (!record_period) {
		page_say(answer, PAGE_IS_NOT, NULL);
	} else if (config.leaks) {
		page_say(answer, PAGE_SEEKS_LEAKS, NULL);
	} else {
		record_stop();
		write_profile(answer);
	}
}

static void answer(const struct page_request *request,
		   struct page_answer *answer)
{
	if (request->want == PAGE_SAMPLE && request->period)
		sample(request->period, answer);
	else if (request->want == PAGE_NO_SAMPLES)
		stop(answer);
	else if (request->want == PAGE_PROFILE && record_is_on())
		write_profile(answer);
	else if (request->want == PAGE_PROFILE)
		page_say(answer, PAGE_IS_NOT, NULL);
	else
		page_say(answer, PAGE_NOT_UNDERSTOOD, NULL);
}

void ask_start(void (*sample_every)(size_t period))
{
	switch_on = sample_every;
	page_answer_by(answer);
}

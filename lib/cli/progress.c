#include "progress.h"

#include <stdio.h>
#include <unistd.h>

#include "clock.h"
#include "message.h"

static const double INTERVAL = .3; /* seconds between updates */

void progress_start(struct progress *p, const char *what, int64_t total)
{
	*p = (struct progress){ .what = what, .total = total, .on = message_level > 0 && isatty(STDERR_FILENO) };
	if (p->on)
		p->start = clock_seconds();
}

static void format_duration(char out[64], double seconds)
{
	const long s = (long)(seconds + .5);
	if (s < 3600)
		snprintf(out, 64, "%ld:%02ld", s / 60, s % 60);
	else
		snprintf(out, 64, "%ld:%02ld:%02ld", s / 3600, s / 60 % 60, s % 60);
}

void progress_show(struct progress *p, int64_t done, const char *more)
{
	char line[256], left[64];
	if (!p->on)
		return;
	const double now = clock_seconds(), spent = now - p->start;
	if (now - p->shown < INTERVAL)
		return;
	p->shown = now;
	const double rate = spent > 0 ? (double)done / spent : 0;
	int at = snprintf(line, sizeof line, "%s: %lld", message_tool(), (long long)done);
	if (p->total > 0)
		at += snprintf(line + at, sizeof line - (size_t)at, " of %lld", (long long)p->total);
	at += snprintf(line + at, sizeof line - (size_t)at, " %s, %.*f/s", p->what, rate < 10 ? 2 : rate < 100 ? 1 : 0, rate);
	if (p->total > 0 && rate > 0) {
		format_duration(left, (double)(p->total - done) / rate);
		at += snprintf(line + at, sizeof line - (size_t)at, ", %s left", left);
	}
	if (more)
		snprintf(line + at, sizeof line - (size_t)at, ", %s", more);
	message_line(line);
}

void progress_count(void *progress, int64_t done)
{
	progress_show(progress, done, NULL);
}

void progress_end(struct progress *p)
{
	if (p->on)
		message_line(NULL);
	p->on = 0;
}

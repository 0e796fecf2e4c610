#include "metric_open.h"

#include <stdio.h>
#include <string.h>

#include "plugin.h"

int metric_open(struct metric_device **out, const char *device)
{
	if (!strcmp(device, "auto"))
		return plugin_open_metrics(out, "cuda", "") ? metric_open_cpu(out) : 0;
	if (!strcmp(device, "cpu"))
		return metric_open_cpu(out);
	if (!strcmp(device, "cuda") || !strncmp(device, "cuda:", strlen("cuda:")))
		return plugin_open_metrics(out, "cuda", device + (device[4] ? 5 : 4));
	return error_set(ERR_USAGE, "unknown device '%s': give " METRIC_DEVICES, device);
}

void metric_close(struct metric_device *d)
{
	if (d)
		d->close(d);
}

bool metric_describe(int i, char *line, size_t size)
{
	static const char *const devices[] = { "cpu", "cuda" };
	struct metric_device *d;
	if (i < 0 || (size_t)i >= sizeof devices / sizeof *devices)
		return false;
	if (metric_open(&d, devices[i])) {
		snprintf(line, size, "%s: not usable: %s", devices[i], error_text());
		return true;
	}
	snprintf(line, size, "%s: usable", devices[i]);
	metric_close(d);
	return true;
}

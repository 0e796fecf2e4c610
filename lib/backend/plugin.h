/* Tables in shared objects, opened at run time: the same tools run on machines that lack the libraries of a device.
 *
 * The table of device NAME is in pgan-NAME.so. It is looked for in the folder $PGAN_PLUGINS when that is set; otherwise beside the running program, then in
 * ../lib/pgan from there. */
#ifndef PGAN_PLUGIN_H
#define PGAN_PLUGIN_H

#include "backend.h"
#include "metric_device.h"

#define PLUGIN_SYMBOL "pgan_plugin"

/* What a plug-in exports under the name pgan_plugin. The first two say whether it was built for this program: BACKEND_ABI, sizeof (struct backend).
 * A plug-in reports failures by error_set() of the program that loads it, and its lists grow by size_grow(). */
struct plugin {
	int abi;
	size_t table_size;
	/* options: what follows "NAME:" in the device's name, "" when nothing does. local: where they name no device, number `local` of those there are, counted
	 * around. */
	int (*open)(struct backend **, const char *options, int threads, int local);
	/* The same for the metrics; NULL and 0 when it has none. */
	size_t metrics_size;
	int (*open_metrics)(struct metric_device **, const char *options);
};

extern const struct plugin pgan_plugin __attribute__((visibility("default")));

/* A plug-in that is missing, cannot be loaded or was built for another version is ERR_FAILED; so is a device that is not there. */
int plugin_open(struct backend **, const char *name, const char *options, int threads, int local) MUST_CHECK;
int plugin_open_metrics(struct metric_device **, const char *name, const char *options) MUST_CHECK;

#endif

#include "plugin.h"

#include <dlfcn.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FOLDERS = 2 };

struct folders {
	char path[FOLDERS][PATH_MAX];
	int count;
};

/* Where to look, first to last. */
static void find_folders(struct folders *f)
{
	const char *given = getenv("PGAN_PLUGINS");
	f->count = 0;
	if (given) {
		snprintf(f->path[f->count++], PATH_MAX, "%s", given);
		return;
	}
	const ssize_t length = readlink("/proc/self/exe", f->path[0], PATH_MAX - sizeof "/../lib/pgan");
	char *slash = length > 0 ? memrchr(f->path[0], '/', (size_t)length) : NULL;
	if (!slash)
		return;
	*slash = 0;
	snprintf(f->path[1], PATH_MAX, "%.*s/../lib/pgan", (int)(slash - f->path[0]), f->path[0]);
	f->count = 2;
}

/* Sets `path` to the plug-in's file. */
static int find(const char *name, char path[PATH_MAX + 64])
{
	struct folders f;
	find_folders(&f);
	for (int i = 0; i < f.count; i++) {
		snprintf(path, PATH_MAX + 64, "%s/pgan-%s.so", f.path[i], name);
		if (!access(path, F_OK))
			return 0;
	}
	return error_set(ERR_FAILED, "device '%s' needs the plug-in 'pgan-%s.so', which is not in '%s'%s%s%s; was it built (make USE_CUDA=1)?", name, name,
	                 f.count ? f.path[0] : "", f.count > 1 ? " or '" : "", f.count > 1 ? f.path[1] : "", f.count > 1 ? "'" : "");
}

/* Sets `plugin` to what the file exports, if it was built for this program. */
static int load(const struct plugin **plugin, const char *name, char path[PATH_MAX + 64])
{
	int rc = find(name, path);
	if (rc)
		return rc;
	/* Never closed again: the libraries behind it do not expect to be. */
	void *object = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	if (!object)
		return error_set(ERR_FAILED, "device '%s' cannot be used: %s", name, dlerror());
	const struct plugin *const p = *plugin = dlsym(object, PLUGIN_SYMBOL);
	if (!p)
		return error_set(ERR_FAILED, "'%s' is not a plug-in of pgan: %s", path, dlerror());
	if (p->abi != BACKEND_ABI || p->table_size != sizeof(struct backend))
		return error_set(ERR_FAILED, "'%s' was built for another version of pgan (interface %d of %zu bytes, not %d of %zu)", path, p->abi,
		                 p->table_size, BACKEND_ABI, sizeof(struct backend));
	return 0;
}

int plugin_open(struct backend **out, const char *name, const char *options, int threads, int local)
{
	char path[PATH_MAX + 64];
	const struct plugin *plugin;
	const int rc = load(&plugin, name, path);
	return rc ? rc : plugin->open(out, options, threads, local);
}

int plugin_open_metrics(struct metric_device **out, const char *name, const char *options)
{
	char path[PATH_MAX + 64];
	const struct plugin *plugin;
	const int rc = load(&plugin, name, path);
	if (rc)
		return rc;
	if (!plugin->open_metrics || plugin->metrics_size != sizeof(struct metric_device))
		return error_set(ERR_FAILED, "'%s' has no metrics for this version of pgan", path);
	return plugin->open_metrics(out, options);
}

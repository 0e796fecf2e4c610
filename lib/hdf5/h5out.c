#include "h5out.h"

int h5out_open(struct h5out *h, const char *path)
{
	int rc = outfile_open(&h->out, path);
	h->file = NULL;
	if (rc)
		return rc;
	if (h->out.temp == h->out.path) /* a pipe, a device, what is open already */
		rc = error_set(ERR_FAILED, "cannot create '%s': HDF5 needs a regular file", path);
	if (rc || (rc = h5_create(&h->file, h->out.temp, path)))
		outfile_discard(&h->out);
	return rc;
}

int h5out_end(struct h5out *h, int rc)
{
	const int closed = h5_close(&h->file);
	if (rc || closed) {
		outfile_discard(&h->out);
		return rc ? rc : closed;
	}
	return outfile_commit(&h->out);
}

void h5out_discard(struct h5out *h)
{
	h5_release(&h->file);
	outfile_discard(&h->out);
}

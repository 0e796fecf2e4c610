#include "trainlog.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "size.h"

static const char header[] = "iteration\tscale\timages\talpha\tlr\tlossD\tlossD_real\tlossD_fake\tlossD_Grad\tlossD_Epsilon\tlossD_classif\t"
                             "lossG\tlossG_fake\tlossG_GDPP\tlossG_classif\tgradient_D\tgradient_G\tgradient_x\tnonfinite_D\tnonfinite_G\tseconds\timages_per_second\tswd\tmsssim\n";

static int failed(const struct trainlog *l, const char *verb)
{
	return error_set(ERR_FAILED, "cannot %s '%s': %s", verb, l->path, strerror(errno));
}

/* Appends to the text and the file. */
static int append(struct trainlog *l, const char *text, size_t size)
{
	char *all = size_grow(l->text, &l->room, l->size + size + 1, 1);
	if (!all)
		return ERR_FAILED;
	l->text = all;
	memcpy(all + l->size, text, size);
	l->size += size;
	all[l->size] = 0;
	return fwrite(text, 1, size, l->file) != size || fflush(l->file) ? failed(l, "write") : 0;
}

static int lock(struct trainlog *l)
{
	if (!flock(fileno(l->file), LOCK_EX | LOCK_NB)) {
		l->locked = true;
		return 0;
	}
	if (errno == EWOULDBLOCK)
		return error_set(ERR_FAILED, "'%s' is being written by another pgan-grow", l->path);
	return errno == ENOSYS || errno == EOPNOTSUPP || errno == ENOLCK ? 0 : failed(l, "lock");
}

/* Whoever had the file before may have removed it between our opening and locking it. */
static bool is_gone(const struct trainlog *l)
{
	struct stat ours, now;
	return fstat(fileno(l->file), &ours) || stat(l->path, &now) || ours.st_dev != now.st_dev || ours.st_ino != now.st_ino;
}

int trainlog_open(struct trainlog *l, const char *path)
{
	struct stat st;
	int rc, tries = 0;
	memset(l, 0, sizeof *l);
	if (!(l->path = strdup(path)))
		return error_set(ERR_FAILED, "out of memory");
	if (!stat(path, &st) && !S_ISREG(st.st_mode)) /* a named pipe would be waited for */
		return error_set(ERR_FAILED, "cannot create '%s': the log is a regular file, and this is none", path);
	do {
		if (l->file)
			fclose(l->file);
		if (!(l->file = fopen(path, "a")))
			return failed(l, "create");
		rc = lock(l);
	} while (!rc && is_gone(l) && ++tries < 10 /* or this file system's numbers of files do not last */);
	return rc;
}

void trainlog_close(struct trainlog *l)
{
	if (l->file && l->locked && fseek(l->file, 0, SEEK_END) == 0 && ftell(l->file) == 0)
		unlink(l->path);
	if (l->file)
		fclose(l->file); /* every row was flushed and checked */
	free(l->path);
	free(l->text);
	memset(l, 0, sizeof *l);
}

int trainlog_begin(struct trainlog *l, const char *text, size_t size, const double *sum)
{
	if (ftruncate(fileno(l->file), 0))
		return failed(l, "write");
	if (sum)
		memcpy(l->sum, sum, sizeof l->sum);
	return text ? append(l, text, size) : append(l, header, sizeof header - 1);
}

void trainlog_step(struct trainlog *l, const double sums[STEP_SUMS], bool penalty, double seconds)
{
	for (int i = 0; i < STEP_SUMS; i++)
		l->sum[i] += i == SUM_D_GRADIENT || i == SUM_G_GRADIENT ? sqrt(sums[i]) : sums[i];
	l->sum[LOG_STEPS]++;
	l->sum[LOG_PENALTIES] += penalty;
	l->sum[LOG_ROW_SECONDS] += seconds;
	l->sum[LOG_SECONDS] += seconds;
}

/* Not a number is `nan`, whatever its sign, which printf() shows and no processor defines. */
static double unsigned_nan(double x)
{
	return isnan(x) ? (double)NAN : x;
}

static double mean(const struct trainlog *l, enum step_sum which)
{
	return l->sum[LOG_STEPS] > 0 ? l->sum[which] / l->sum[LOG_STEPS] : 0;
}

static double loss_d(const struct trainlog *l)
{
	return l->sum[LOG_STEPS] > 0 ? step_loss_d(l->sum) / l->sum[LOG_STEPS] : 0;
}

static double loss_g(const struct trainlog *l)
{
	return l->sum[LOG_STEPS] > 0 ? step_loss_g(l->sum) / l->sum[LOG_STEPS] : 0;
}

int trainlog_row(struct trainlog *l, const struct trainer *t, const struct judgement *score)
{
	const struct settings *s = t->settings;
	const int64_t last = t->iteration - 1;
	const double penalties = l->sum[LOG_PENALTIES] * (double)s->batch, seconds = l->sum[LOG_ROW_SECONDS];
	const double number[] = {
		trainer_alpha(t, last), t->lr, loss_d(l), mean(l, SUM_D_REAL), mean(l, SUM_D_FAKE), mean(l, SUM_D_GRAD), mean(l, SUM_D_EPSILON), mean(l, SUM_D_CLASSIF),
		loss_g(l), mean(l, SUM_G_FAKE), mean(l, SUM_G_GDPP), mean(l, SUM_G_CLASSIF), mean(l, SUM_D_GRADIENT), mean(l, SUM_G_GRADIENT),
		penalties > 0 ? l->sum[SUM_GRADIENT_NORM] / penalties : 0,
	};
	char row[1024];
	size_t n = (size_t)snprintf(row, sizeof row, "%lld\t%d\t%lld", (long long)t->iteration, s->arch.scale, (long long)(t->iteration * s->batch));
	for (size_t i = 0; i < sizeof number / sizeof *number; i++)
		n += (size_t)snprintf(row + n, sizeof row - n, "\t%.7g", unsigned_nan(number[i]));
	n += (size_t)snprintf(row + n, sizeof row - n, "\t%.0f\t%.0f\t%.2f\t%.2f\t%.5g\t%.5g\n", l->sum[SUM_D_NONFINITE], l->sum[SUM_G_NONFINITE], l->sum[LOG_SECONDS],
	                      seconds > 0 ? l->sum[LOG_STEPS] * (double)s->batch / seconds : 0, score ? score->swd : 0, score ? score->msssim : 0);
	const double total = l->sum[LOG_SECONDS];
	memset(l->sum, 0, sizeof l->sum);
	l->sum[LOG_SECONDS] = total;
	return append(l, row, n);
}

int64_t trainlog_best(const struct trainlog *l, int *count, double *swd)
{
	int64_t best = -1;
	*count = 0;
	for (const char *row = l->text, *end; row && (end = memchr(row, '\n', (size_t)(l->text + l->size - row))); row = end + 1) {
		const char *msssim = memrchr(row, '\t', (size_t)(end - row)), *column = msssim ? memrchr(row, '\t', (size_t)(msssim - row)) : NULL;
		const double value = column && isdigit((unsigned char)column[1]) ? strtod(column + 1, NULL) : 0;
		if (value <= 0) /* the header; not judged */
			continue;
		if (!(*count)++ || value < *swd) {
			best = strtoll(row, NULL, 10);
			*swd = value;
		}
	}
	return best;
}

void trainlog_brief(const struct trainlog *l, char *out, size_t size)
{
	snprintf(out, size, "lossD %.3g, lossG %.3g", loss_d(l), loss_g(l));
}

/* toy-faces: drawn faces, to train on when there is nothing else. */
#include <stdbool.h>
#include <string.h>

#include "faces_write.h"
#include "message.h"
#include "options.h"
#include "outfile.h"
#include "picture.h"
#include "progress.h"
#include "threads.h"
#include "zipout.h"

static int64_t count, seed = 1;
static const char *output;

static const struct option options[] = {
	{ "count", 'n', OPTION_INT, &count, "N", "number of faces; has to be given", 1, FACES_MAX },
	{ "seed", 's', OPTION_INT, &seed, "S", "seed of the random numbers (1)", 0, OPTION_SEED_MAX },
	{ "output", 'o', OPTION_TEXT, &output, "DIR|FILE.zip", "folder, or zip archive if the name ends in .zip (an archive on stdout)", 0, 0 },
	{ 0 },
};

static const struct tool tool = {
	.name = "toy-faces",
	.summary = "drawn faces in the shape of CelebA, to train on when there is nothing else",
	.synopsis = "-n N [--seed S] [-o DIR|FILE.zip]",
	.details = "Draws N faces as PNG files 000001.png, 000002.png, ... of 178 x 218 pixels, framed as img_align_celeba frames its own: the eyes near (69,111) and "
	           "(109,111), the mouth near (89,152), each moved, turned and scaled a little, so that celeba-crop's square shows the face. Skin, hair, eyes, "
	           "brows, nose, mouth, beard, glasses, headwear, clothes and background vary independently or as they do among people.\n\n"
	           "The files go into the folder DIR, which is made if it is missing (not its parents), each whole or not at all, in place of files of the "
	           "same name; or into a zip archive, whole or not at all, that celeba-crop and pack-h5 read as it is. Without -o the archive goes to stdout. "
	           "(Image streams hold square images; these are not.) There are at most 999999.\n\n"
	           "Face k of a seed is a function of the seed and k alone: the same file whatever N and the number of threads.\n\n"
	           "EXIT STATUS\n\n"
	           "0 done, 1 failed, 2 wrong usage.\n\n"
	           "EXAMPLES\n\n"
	           "  toy-faces -n 4000 -o faces.zip && celeba-crop faces.zip | pack-h5 -o data.h5\n"
	           "  toy-faces -n 100 --seed 7 -o faces",
	.options = options,
	.library = { picture_libraries, zipout_library },
};

static int run(int argc, char **argv)
{
	const int operands = options_parse(&tool, argc, argv);
	if (operands < 0)
		return operands;
	if (operands > 0)
		return error_set(ERR_USAGE, "'%s' is not expected: toy-faces reads nothing", argv[1]);
	if (!count)
		return error_set(ERR_USAGE, "how many faces? give -n");
	const bool to_stdout = !output || !strcmp(output, "-");
	struct progress progress;
	const struct faces_plan plan = { .count = count, .seed = (uint64_t)seed, .threads = threads_available(options_threads()), .progress = progress_count,
	                                 .progress_ctx = &progress };
	int rc = to_stdout ? message_stdout_is_data() : zipout_is_named(output) ? 0 : outfile_folder_meant(output);
	if (rc)
		return rc;
	progress_start(&progress, "faces", count);
	rc = to_stdout ? faces_write_zip(&plan, stdout, "stdout") : zipout_is_named(output) ? faces_write_zip_file(&plan, output) : faces_write_folder(&plan, output);
	progress_end(&progress);
	return rc;
}

int main(int argc, char **argv)
{
	return message_exit(run(argc, argv));
}

#include "spelling.h"

#include <string.h>

int spelling_place(const char *words, const char *word)
{
	const size_t length = strlen(word);
	for (int place = 0;; place++) {
		const size_t end = strcspn(words, "|");
		if (end == length && !strncmp(words, word, length))
			return length ? place : -1;
		if (!words[end])
			return -1;
		words += end + 1;
	}
}

/* Letters to insert, delete or replace to get from a (a_length letters) to b: Levenshtein's distance. Words over 63 letters are 64 apart. */
static int distance(const char *a, size_t a_length, const char *b)
{
	const size_t b_length = strlen(b);
	int row[64];
	if (a_length > 63 || b_length > 63)
		return 64;
	for (size_t j = 0; j <= b_length; j++)
		row[j] = (int)j;
	for (size_t i = 1; i <= a_length; i++) {
		int diagonal = row[0];
		row[0] = (int)i;
		for (size_t j = 1; j <= b_length; j++) {
			const int replace = diagonal + (a[i - 1] != b[j - 1]);
			diagonal = row[j];
			const int insert = (row[j] < row[j - 1] ? row[j] : row[j - 1]) + 1;
			row[j] = replace < insert ? replace : insert;
		}
	}
	return row[b_length];
}

void spelling_guess(const char **meant, const char *written, size_t length, const char *known)
{
	const int most = length < 4 ? 1 : length < 6 ? 2 : 3; /* more differences than that are another word */
	if (distance(written, length, known) < (*meant ? distance(written, length, *meant) : most + 1))
		*meant = known;
}

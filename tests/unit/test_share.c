/* How ranks share a batch: every sample once, and the groups of the minibatch standard deviation whole. */
#include <string.h>

#include "check.h"
#include "error.h"
#include "share.h"
#include "stddev_group.h"

enum { MOST = 96 };

static struct arch arch(const char *profile, bool stddev)
{
	return (struct arch){ .profile = profile_find(profile), .stddev = stddev };
}

/* The group that each sample of a batch is in. */
static void groups_of(const struct arch *a, int64_t batch, int64_t group[])
{
	const struct stddev_groups rule = { batch, batch % 4 ? (int)batch : 4, a->profile->stddev_strided, false };
	for (int64_t g = 0; g < batch / rule.group; g++)
		for (int i = 0; i < rule.group; i++)
			group[stddev_member(stddev_group_at(rule, g), i)] = g;
}

static void check_share(const struct arch *a, int64_t batch, int ranks)
{
	int64_t whole[MOST], own[MOST];
	int seen[MOST] = { 0 };
	struct share s;
	groups_of(a, batch, whole);
	for (int rank = 0; rank < ranks; rank++) {
		REQUIRE(!share_open(&s, a, batch, rank, ranks));
		CHECK(s.batch == batch && s.size == batch / ranks);
		groups_of(a, s.size, own);
		for (int64_t i = 0; i < s.size; i++) {
			REQUIRE(share_index(&s, i) >= 0 && share_index(&s, i) < batch && (!i || share_index(&s, i) > share_index(&s, i - 1)));
			seen[share_index(&s, i)]++;
			for (int64_t j = 0; a->stddev && j < i; j++)
				CHECK_MSG((own[i] == own[j]) == (whole[share_index(&s, i)] == whole[share_index(&s, j)]), "%s, %d ranks of %d: %d and %d", a->profile->name,
				          ranks, (int)batch, (int)i, (int)j);
		}
	}
	for (int64_t i = 0; i < batch; i++)
		CHECK(seen[i] == 1);
}

TEST(every_sample_once_and_groups_whole)
{
	static const char *const profiles[] = { "zoo", "paddle", "karras" };
	for (size_t p = 0; p < 3; p++)
		for (int ranks = 1; ranks <= 8; ranks++)
			for (int64_t batch = ranks; batch <= MOST; batch++) {
				const struct arch with = arch(profiles[p], true), without = arch(profiles[p], false);
				struct share s;
				if (ranks == 1 || batch % (4 * ranks) == 0)
					check_share(&with, batch, ranks);
				else
					CHECK(share_open(&s, &with, batch, 0, ranks) == ERR_USAGE);
				if (batch % ranks == 0)
					check_share(&without, batch, ranks);
				else
					CHECK(share_open(&s, &without, batch, 0, ranks) == ERR_USAGE);
			}
}

TEST(a_refusal_names_sizes_that_do)
{
	const struct arch a = arch("zoo", true);
	struct share s;
	CHECK(share_open(&s, &a, 22, 0, 2) == ERR_USAGE && strstr(error_text(), "a batch of 22 images cannot be shared by 2 ranks") &&
	      strstr(error_text(), "give a miniBatchSize of 24 or 16"));
	CHECK(share_open(&s, &a, 4, 0, 2) == ERR_USAGE && strstr(error_text(), "give a miniBatchSize of 8") && !strstr(error_text(), "or 0"));
}

TEST(picks_its_own)
{
	const struct arch a = arch("karras", true);
	struct share s;
	float x[2 * 16];
	REQUIRE(!share_open(&s, &a, 16, 1, 2));
	for (int i = 0; i < 2 * 16; i++)
		x[i] = (float)i;
	share_pick(&s, x, 2);
	for (int64_t i = 0; i < s.size; i++)
		CHECK(x[2 * i] == (float)(2 * share_index(&s, i)) && x[2 * i + 1] == x[2 * i] + 1);
}

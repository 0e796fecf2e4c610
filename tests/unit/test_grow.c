/* What training does to the process around it. */
#include <signal.h>

#include "check.h"
#include "config.h"
#include "grow.h"

static void own_handler(int signal_number)
{
	(void)signal_number;
}

static void (*handler_of(int signal_number))(int)
{
	struct sigaction now;
	REQUIRE(!sigaction(signal_number, NULL, &now));
	return now.sa_handler;
}

/* A run without its images ends soon, but has begun. */
TEST(signals_are_afterwards_as_they_were)
{
	struct config *c;
	struct settings s;
	REQUIRE(!config_open(&c, "zoo") && !config_settings(c, 0, &s));
	const struct grow g = { .data = "/nowhere/none.h5", .out = "/nowhere/out.h5", .device = "plain", .settings = &s, .place = { .n = 1 } };
	signal(SIGHUP, SIG_IGN); /* nohup */
	signal(SIGTERM, own_handler);
	signal(SIGINT, SIG_DFL);
	CHECK(grow_scale(&g) == ERR_INPUT);
	CHECK(handler_of(SIGHUP) == SIG_IGN && handler_of(SIGTERM) == own_handler && handler_of(SIGINT) == SIG_DFL);
	settings_free(&s);
	config_close(c);
}

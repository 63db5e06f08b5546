// SPDX-License-Identifier: GPL-2.0
#include <stdbool.h>
#include <stdlib.h>

#include "cmd.h"
#include "nl.h"
#include "opt.h"
#include "stream.h"
#include "util.h"

static const char help[] =
	"Usage: kstallmon history [OPTION]...\n"
	"Print the events that the module still holds, oldest first.\n"
	"\n"
	"      --json         one JSON object per line\n"
	"      --since SEQ    only from event number SEQ on\n"
	"  -t, --time         begin each line with the local time\n"
	"  -h, --help         this text\n"
	"\n"
	"Example: the functions that stalls came back from, most frequent first:\n"
	"  kstallmon history --json | jq -r '.stack.frame[0]?' | sort | uniq -c | sort -rn\n";

int cmd_history(int argc, char **argv)
{
	static const struct option options[] = {
		{ "json", no_argument, NULL, 'j' },
		{ "since", required_argument, NULL, 's' },
		{ "time", no_argument, NULL, 't' },
		OPT_HELP,
		{ 0 },
	};
	struct stream stream = { 0 };
	bool json = false, time = false;
	uint64_t since = 0;
	struct out out;
	struct knl nl;
	int c, ret;

	while ((c = opt_next(argc, argv, ":th", options, help)) >= 0) {
		if (c == 'j')
			json = true;
		else if (c == 's')
			since = opt_number(argv[0], "--since", 1, UINT64_MAX);
		else if (c == 't')
			time = true;
	}
	opt_no_args(argc, argv);

	if (knl_open(&nl, argv[0]))
		return EXIT_FAILURE;
	out_init(&out, json, time);
	stream.nl = &nl;
	stream.out = &out;
	stream_begin(&stream, 0, since);
	ret = stream_dump(&stream);
	if (ferror(stdout)) {
		clearerr(stdout);
		ret = write_failed(-ret) ? -1 : 0;
	} else if (ret < 0) {
		knl_error(&nl, ret, "history");
	}
	stream_begin(&stream, 0, 0);
	knl_close(&nl);
	return ret < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

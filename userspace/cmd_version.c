// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <netlink/genl/genl.h>

#include "cmd.h"
#include "nl.h"
#include "opt.h"
#include "spec.h"
#include "util.h"

static const char help[] = "Usage: kstallmon version [OPTION]...\n"
			   "Print the version of this program, and of the module if it is loaded.\n"
			   "\n"
			   "  -h, --help         this text\n"
			   "\n"
			   "Example: do both come from the same release?\n"
			   "  sudo kstallmon version\n";

static int take_version(struct nlmsghdr *nlh, void *arg)
{
	struct nlattr *tb[KSTALLMON_A_STATUS_MAX + 1];

	spec_parse_message(&spec_status, nlh, tb);
	free(*(char **)arg);
	*(char **)arg = strdup(spec_string(tb[KSTALLMON_A_STATUS_VERSION]));
	return 0;
}

static void print_module(struct knl *nl)
{
	char *version = NULL;
	int ret = knl_find(nl);

	if (!ret)
		ret = knl_request(nl, knl_message(nl, KSTALLMON_CMD_STATUS_GET), take_version,
				  &version);
	if (!ret && version) {
		printf("module %s\n", version);
		if (strcmp(version, KST_VERSION))
			err("version: client and module are of different releases: install both of one, then 'modprobe -r kstallmon' and 'modprobe kstallmon'");
	} else if (ret == -ENOENT && access("/sys/module/kstallmon", F_OK))
		puts("module not loaded");
	else if (ret == -ENOENT)
		puts("module loaded, but out of reach from this network namespace");
	else if (ret == -EPERM)
		puts("module loaded (only root may ask for its version)");
	else if (ret == -EPROTO)
		knl_error(nl, ret, "version");
	else
		printf("module: %s\n", strerror(-ret));
	free(version);
}

int cmd_version(int argc, char **argv)
{
	static const struct option options[] = { OPT_HELP, { 0 } };
	struct knl nl = { 0 };

	while (opt_next(argc, argv, ":h", options, help) >= 0)
		;
	opt_no_args(argc, argv);

	puts("kstallmon " KST_VERSION);
	if (!knl_connect(&nl)) {
		print_module(&nl);
		knl_close(&nl);
	}
	return EXIT_SUCCESS;
}

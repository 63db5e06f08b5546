// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "nlt.h"

#define STALL_FILE "/sys/kernel/debug/kstallmon_inject/stall"

/**
 * nlt_inject_load() - load the injector if it is not there
 *
 * Return: 0 or a negative errno.
 */
int nlt_inject_load(void)
{
	const char *build = getenv("KST_BUILD");
	char path[4096];
	int fd, err;

	if (!access(STALL_FILE, W_OK))
		return 0;
	snprintf(path, sizeof(path), "%s/inject/kstallmon_inject.ko", build ?: "build");
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	err = syscall(SYS_finit_module, fd, "", 0) ? -errno : 0;
	close(fd);
	return err == -EEXIST ? 0 : err;
}

/**
 * nlt_inject() - cause stalls
 * @actual_ns: how long each really was, measured from within; or NULL
 * @max: room there
 * @format: "KIND CPU MS [COUNT [GAP_MS [STEAL [late]]]]"
 *
 * Return: how many stalls there were, or a negative errno.
 */
int nlt_inject(uint64_t *actual_ns, unsigned int max, const char *format, ...)
{
	unsigned long long actual;
	char request[64], line[128];
	unsigned int nr = 0;
	va_list args;
	FILE *file;
	int err = 0;

	va_start(args, format);
	vsnprintf(request, sizeof(request), format, args);
	va_end(args);

	file = fopen(STALL_FILE, "r+e");
	if (!file)
		return -errno;
	if (write(fileno(file), request, strlen(request)) < 0)
		err = -errno;
	while (!err && fgets(line, sizeof(line), file)) {
		const char *found = strstr(line, "actual_ns=");

		if (!found || sscanf(found, "actual_ns=%llu", &actual) != 1)
			err = -EBADMSG;
		else if (actual_ns && nr < max)
			actual_ns[nr] = actual;
		nr++;
	}
	fclose(file);
	return err ?: (int)nr;
}

// SPDX-License-Identifier: GPL-2.0
/*
 * Why the module does not answer, as far as the host tells: in one line what is wrong and what to do.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/utsname.h>

#include "nl.h"
#include "util.h"

/* Whether a line of a file has this text. */
static bool has_line(const char *path, const char *text)
{
	FILE *file = fopen(path, "re");
	char *line = NULL;
	bool found = false;
	size_t room = 0;

	if (!file)
		return false;
	while (!found && getline(&line, &room, file) > 0)
		found = strstr(line, text);
	free(line);
	fclose(file);
	return found;
}

/* Whether modprobe would find the module for this kernel. */
static bool installed(const char *release)
{
	char path[sizeof(((struct utsname *)NULL)->release) + 40];

	snprintf(path, sizeof(path), "/lib/modules/%s/modules.dep", release);
	return has_line(path, "/kstallmon.ko");
}

/* Whether the kernel takes only modules with a signature that it trusts. */
static bool wants_signature(void)
{
	return has_line("/sys/module/module/parameters/sig_enforce", "Y") ||
	       has_line("/sys/kernel/security/lockdown", "[integrity]") ||
	       has_line("/sys/kernel/security/lockdown", "[confidentiality]");
}

static void not_loaded(const char *what)
{
	struct utsname host;

	if (uname(&host))
		host.release[0] = 0;
	if (!installed(host.release))
		err("%s: the module is not loaded, and not installed for this kernel: install kstallmon-dkms and linux-headers-%s, then run 'dkms autoinstall' and 'modprobe kstallmon'",
		    what, host.release);
	else if (wants_signature())
		err("%s: the module is not loaded, and this kernel takes signed modules only (Secure Boot or lockdown): modprobe kstallmon; if its key is refused, enrol it with 'mokutil --import /var/lib/dkms/mok.pub' and reboot",
		    what);
	else
		err("%s: the module does not answer: is kstallmon.ko loaded? modprobe kstallmon",
		    what);
}

static void other_protocol(const struct knl *nl, const char *what)
{
	bool newer = nl->family.version > KSTALLMON_FAMILY_VERSION;

	err("%s: the module speaks version %u of the protocol, this client version %d: %s", what,
	    nl->family.version, KSTALLMON_FAMILY_VERSION,
	    newer ? "install the client that came with the module" :
		    "install the module that came with the client, then 'modprobe -r kstallmon' and 'modprobe kstallmon'");
}

/**
 * knl_error - say in one line why a request failed
 * @nl: where it went
 * @error: negative errno, as it was returned
 * @what: was to be done
 */
void knl_error(const struct knl *nl, int error, const char *what)
{
	if (error == -EPROTO && nl->family.version != KSTALLMON_FAMILY_VERSION)
		other_protocol(nl, what);
	else if (error == -EPERM || error == -EACCES)
		err("%s: no permission: needs CAP_SYS_ADMIN in the initial user namespace: run it as root",
		    what);
	else if ((error == -ENOENT && nl->family.id) || error == -EPROTONOSUPPORT)
		err("%s: the module went away just now: modprobe kstallmon", what);
	else if (error == -ENOENT && !access("/sys/module/kstallmon", F_OK))
		err("%s: the module is loaded, but answers only in the initial network namespace: run it there (nsenter -t 1 -n)",
		    what);
	else if (error == -ENOENT)
		not_loaded(what);
	else if (nl->text[0])
		err("%s: %s", what, nl->text);
	else if (error == -EAGAIN)
		err("%s: it changes faster than it can be read: try again", what);
	else
		err("%s: %s", what, strerror(-error));
}

// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <netlink/genl/genl.h>
#include <sys/socket.h>

#include "cmd.h"
#include "event.h"
#include "json.h"
#include "nl.h"
#include "opt.h"
#include "out.h"
#include "table.h"
#include "tunable.h"
#include "util.h"

#define STALL "/sys/kernel/debug/kstallmon_inject/stall"
#define RCVBUF (1024 * 1024)
#define MS 1000000ull

/* A longer one may alarm other watchdogs. */
#define LONGEST_MS 2000

/* What else holds the CPU up meanwhile may cut a stall in two. */
#define ATTEMPTS 3

/* An end is told one beat later, by a task that may have to wait for its turn. */
#define PATIENCE (5000 * MS)

#define FOUND 2 /* exit status */

static const char help[] =
	"Usage: kstallmon verify [OPTION]...\n"
	"Cause one short stall of each kind and see whether it is told.\n"
	"Needs kstallmon_inject.ko, which comes with the selftests and is never installed.\n"
	"\n"
	"      --json         one JSON object\n"
	"  -h, --help         this text\n"
	"\n"
	"Exit status: 0 all were told, 1 error, 2 one was not told.\n"
	"\n"
	"Example: can this installation be trusted?\n"
	"  kstallmon verify\n";

/**
 * struct trial - a stall to be caused, and what became of it
 * @kind: enum kstallmon_stall_kind
 * @threshold: name of its tunable
 * @skipped: why it was not caused; empty if it was
 * @ms: how long it shall be
 * @actual: how long it was, in ns, measured within
 * @seen: an event of its kind has come
 * @min: the event's lower bound, in ns
 * @max: the event's upper bound, in ns
 * @looked: the event has a live stack
 * @live: the injected function that it names, or NULL
 */
struct trial {
	uint32_t kind;
	const char *threshold;
	char skipped[80];
	uint64_t ms;
	uint64_t actual;
	bool seen;
	uint64_t min;
	uint64_t max;
	bool looked;
	char *live;
};

/**
 * struct verify - what verify knows
 * @nl: for requests
 * @events: for notifications
 * @tunables: as they are
 * @cpu: where stalls are caused: the last one that is watched
 * @watched: CPUs that are watched
 */
struct verify {
	struct knl nl;
	struct nl_sock *events;
	struct tunables tunables;
	uint32_t cpu;
	uint32_t watched;
};

static uint64_t tunable_value(const struct verify *v, const char *name)
{
	const struct tunable *tunable = tunable_find(&v->tunables, name);

	return tunable ? tunable->value : 0;
}

/* Long enough to be seen for sure, and to be looked into by another CPU meanwhile. */
static void plan(const struct verify *v, struct trial *trial)
{
	uint64_t threshold = tunable_value(v, trial->threshold);
	uint64_t gap = tunable_value(v, "period") + tunable_value(v, "slack") / 1000 + 1;

	trial->ms = 3 * (threshold + gap);
	if (!threshold)
		snprintf(trial->skipped, sizeof(trial->skipped), "%s is 0", trial->threshold);
	else if (trial->ms > LONGEST_MS)
		snprintf(trial->skipped, sizeof(trial->skipped),
			 "%s and period ask for %" PRIu64 " ms: not harmless", trial->threshold,
			 trial->ms);
}

/* The writing task has the stall, and what it really was is told to the file that asked. */
static int inject(const struct verify *v, struct trial *trial)
{
	const char *kind = spec_name(&spec_kinds, trial->kind), *actual;
	char text[256];
	int fd = open(STALL, O_RDWR | O_CLOEXEC), len, ret = 0;
	ssize_t got;

	if (fd < 0)
		return -errno;
	len = snprintf(text, sizeof(text), "%s %" PRIu32 " %" PRIu64, kind, v->cpu, trial->ms);
	if (write(fd, text, len) != len)
		ret = -errno;
	got = ret ? 0 : read(fd, text, sizeof(text) - 1);
	if (got < 0)
		ret = -errno;
	close(fd);
	if (ret)
		return ret;
	text[got] = 0;
	actual = strstr(text, " actual_ns=");
	return actual && sscanf(actual, " actual_ns=%" SCNu64, &trial->actual) == 1 ? 0 : -EPROTO;
}

/* The actual length is measured within: the true one is a little longer. */
static bool inside(const struct verify *v, const struct trial *trial)
{
	return trial->seen && trial->min <= trial->actual + tunable_value(v, "period") * MS &&
	       trial->actual <= trial->max;
}

static char *injected_function(struct nlattr *stack)
{
	struct nlattr *attr;
	int rest;

	nla_for_each_nested(attr, stack, rest) {
		if (spec_of(&spec_stack, attr) && nla_type(attr) == KSTALLMON_A_STACK_FRAME &&
		    !strncmp(nla_get_string(attr), "inject_", strlen("inject_")))
			return event_function(nla_get_string(attr));
	}
	return NULL;
}

/* A stall of ours; of several, which others' noise may cause, the one that fits. */
static void take(const struct verify *v, struct trial *trial, const struct event *event)
{
	struct nlattr *const *attrs = event->attrs;
	struct nlattr *task[KSTALLMON_A_TASK_MAX + 1];
	struct nlattr *live = attrs[KSTALLMON_A_EVENT_LIVE_STACK];

	spec_parse_nest(&spec_task, attrs[KSTALLMON_A_EVENT_TASK], task);
	if (event->type != KSTALLMON_EVENT_TYPE_STALL_END || inside(v, trial) ||
	    spec_u32(task[KSTALLMON_A_TASK_PID]) != (uint32_t)getpid() ||
	    spec_u32(attrs[KSTALLMON_A_EVENT_CPU]) != v->cpu ||
	    spec_u32(attrs[KSTALLMON_A_EVENT_KIND]) != trial->kind)
		return;
	trial->seen = true;
	trial->min = spec_u64(attrs[KSTALLMON_A_EVENT_DURATION_MIN]);
	trial->max = spec_u64(attrs[KSTALLMON_A_EVENT_DURATION_MAX]);
	trial->looked = live;
	free(trial->live);
	trial->live = live ? injected_function(live) : NULL;
}

/* What overruns the buffer is not ours: we cause few events, and read them at once. */
static void receive(const struct verify *v, struct trial *trial)
{
	static char buf[64 * 1024] __attribute__((aligned(NLMSG_ALIGNTO)));
	struct sockaddr_nl from;
	socklen_t from_len = sizeof(from);
	struct nlmsghdr *nlh = (void *)buf;
	int len = recvfrom(nl_socket_get_fd(v->events), buf, sizeof(buf), 0, (void *)&from,
			   &from_len);

	if (len < 0 || from.nl_pid)
		return;
	for (; nlmsg_ok(nlh, len); nlh = nlmsg_next(nlh, &len)) {
		struct event event;

		if (nlh->nlmsg_type == v->nl.family.id && !event_decode(nlh, &event))
			take(v, trial, &event);
	}
}

static void await(const struct verify *v, struct trial *trial)
{
	uint64_t end = out_now(CLOCK_MONOTONIC) + PATIENCE, now;

	while (!inside(v, trial) && (now = out_now(CLOCK_MONOTONIC)) < end) {
		struct pollfd fd = { .fd = nl_socket_get_fd(v->events), .events = POLLIN };

		if (poll(&fd, 1, (end - now) / MS + 1) > 0)
			receive(v, trial);
	}
}

static int take_cpu(struct nlmsghdr *nlh, void *arg)
{
	struct nlattr *tb[KSTALLMON_A_CPU_MAX + 1];
	struct verify *v = arg;

	if (!nlh) {
		v->watched = 0;
		return 0;
	}
	spec_parse_message(&spec_cpu, nlh, tb);
	if (spec_u32(tb[KSTALLMON_A_CPU_WATCHED])) {
		v->cpu = spec_u32(tb[KSTALLMON_A_CPU_CPU]);
		v->watched++;
	}
	return 0;
}

static int try(const struct verify *v, const struct trial *planned, struct trial *trial)
{
	int ret;

	*trial = *planned;
	ret = inject(v, trial);
	if (ret)
		err("verify: kstallmon_inject.ko can't cause a stall of kind %s: %s",
		    spec_name(&spec_kinds, trial->kind), strerror(-ret));
	else
		await(v, trial);
	return ret;
}

static int try_again(const struct verify *v, struct trial *trial)
{
	const struct trial planned = *trial;
	int ret = 0;

	for (int i = 0; !ret && i < ATTEMPTS && !inside(v, trial); i++) {
		struct trial latest;

		ret = try(v, &planned, &latest);
		if (trial->seen && !latest.seen)
			continue;
		free(trial->live);
		*trial = latest;
	}
	return ret;
}

static int try_all(const struct verify *v, struct trial *trials, size_t count)
{
	int ret = 0;

	for (size_t i = 0; !ret && i < count; i++) {
		plan(v, &trials[i]);
		if (!trials[i].skipped[0])
			ret = try_again(v, &trials[i]);
	}
	return ret;
}

static int prepare(struct verify *v)
{
	int ret = knl_dump(&v->nl, KSTALLMON_CMD_CPU_GET, NULL, take_cpu, v);

	if (!ret)
		ret = tunables_get(&v->nl, &v->tunables);
	if (!ret)
		ret = knl_join(v->events, v->nl.family.group);
	if (ret)
		knl_error(&v->nl, ret, "verify");
	else if (access(STALL, F_OK))
		err("verify: needs kstallmon_inject.ko of the selftests, and debugfs: no " STALL);
	else if (!v->watched)
		err("verify: no CPU is watched: see 'kstallmon get cpus'");
	else
		return 0;
	return -1;
}

static void print_text(const struct verify *v, const struct trial *trials, size_t count)
{
	enum { KIND, INJECTED, SEEN, INSIDE, LIVE };
	static const struct table_column columns[] = {
		[KIND] = { "KIND", 0 },	      [INJECTED] = { "INJECTED", SCOLS_FL_RIGHT },
		[SEEN] = { "SEEN", 0 },	      [INSIDE] = { "INSIDE", 0 },
		[LIVE] = { "LIVE STACK", 0 },
	};
	struct libscols_table *table = table_new(columns, ARRAY_SIZE(columns));

	for (size_t i = 0; i < count; i++) {
		const struct trial *trial = &trials[i];
		struct libscols_line *line = table_line(table);
		struct table_text text;

		table_name(line, KIND, &spec_kinds, trial->kind);
		if (trial->skipped[0]) {
			table_cell(line, SEEN, "skipped");
			table_cell(line, LIVE, "%s", trial->skipped);
			continue;
		}
		table_ns(line, INJECTED, trial->actual);
		if (!trial->seen) {
			table_cell(line, SEEN, "NO");
			continue;
		}
		out_bounds(table_text_begin(&text), trial->min, trial->max);
		table_text_end(&text, line, SEEN);
		table_cell(line, INSIDE, "%s", inside(v, trial) ? "yes" : "NO");
		table_cell(line, LIVE, "%s",
			   trial->live	 ? trial->live :
			   trial->looked ? "names another" :
					   "none");
	}
	printf("Stalls caused on cpu %" PRIu32 " by task kstallmon/%d:\n\n", v->cpu, getpid());
	table_print(table);
}

static struct json_object *trial_object(const struct verify *v, const struct trial *trial)
{
	struct json_object *object = json_object_new_object();

	json_object_object_add(object, "kind", json_enum(&spec_kinds, trial->kind));
	if (trial->skipped[0]) {
		json_put_string(object, "skipped", trial->skipped);
		return object;
	}
	json_put_number(object, "injected", trial->actual);
	json_object_object_add(object, "seen", json_object_new_boolean(trial->seen));
	if (!trial->seen)
		return object;
	json_put_number(object, "duration-min", trial->min);
	json_put_number(object, "duration-max", trial->max);
	json_object_object_add(object, "inside", json_object_new_boolean(inside(v, trial)));
	if (trial->looked)
		json_object_object_add(object, "live",
				       trial->live ? json_string(trial->live) : NULL);
	return object;
}

static void print_json(const struct verify *v, const struct trial *trials, size_t count)
{
	struct json_object *object = json_object_new_object(), *array = json_object_new_array();

	for (size_t i = 0; i < count; i++)
		json_object_array_add(array, trial_object(v, &trials[i]));
	json_put_number(object, "cpu", v->cpu);
	json_put_number(object, "pid", getpid());
	json_object_object_add(object, "stalls", array);
	json_write(stdout, object);
}

static int verdict(const struct trial *trials, size_t count)
{
	bool tried = false;

	for (size_t i = 0; i < count; i++) {
		if (trials[i].skipped[0])
			continue;
		tried = true;
		if (!trials[i].seen)
			return FOUND;
	}
	return tried ? EXIT_SUCCESS : FOUND;
}

static int run(struct verify *v, bool json)
{
	struct trial trials[] = {
		{ .kind = KSTALLMON_STALL_KIND_IRQ, .threshold = "threshold" },
		{ .kind = KSTALLMON_STALL_KIND_SOFTIRQ, .threshold = "softirq_threshold" },
		{ .kind = KSTALLMON_STALL_KIND_SCHED, .threshold = "sched_threshold" },
	};
	int ret = EXIT_FAILURE;

	if (!prepare(v) && !try_all(v, trials, ARRAY_SIZE(trials))) {
		(json ? print_json : print_text)(v, trials, ARRAY_SIZE(trials));
		ret = verdict(trials, ARRAY_SIZE(trials));
	}
	for (size_t i = 0; i < ARRAY_SIZE(trials); i++)
		free(trials[i].live);
	tunables_free(&v->tunables);
	return ret;
}

int cmd_verify(int argc, char **argv)
{
	static const struct option options[] = {
		{ "json", no_argument, NULL, 'j' },
		OPT_HELP,
		{ 0 },
	};
	struct verify v = { 0 };
	bool json = false;
	int c, ret;

	while ((c = opt_next(argc, argv, ":h", options, help)) >= 0)
		json |= c == 'j';
	opt_no_args(argc, argv);

	if (knl_open(&v.nl, argv[0]))
		return EXIT_FAILURE;
	v.events = knl_listen(RCVBUF);
	if (!v.events)
		die("verify: %s", strerror(errno));
	ret = run(&v, json);
	nl_socket_free(v.events);
	knl_close(&v.nl);
	return ret;
}

// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cmd.h"
#include "json.h"
#include "memory.h"
#include "nl.h"
#include "opt.h"
#include "out.h"
#include "stop.h"
#include "table.h"
#include "util.h"

static const char help[] =
	"Usage: kstallmon tasks [OPTION]...\n"
	"Print the processes that have the most mappings, which vm.max_map_count limits.\n"
	"\n"
	"      --all          all processes, and not only those that the module keeps\n"
	"  -n, --count N      at most N processes\n"
	"      --sort KEY     by count (most first), growth (fastest first), left (soonest\n"
	"                     at the limit first) or pid; default count\n"
	"      --json         one JSON object per line: processes, and the sweeps' figures\n"
	"      --watch S      again each S seconds, until interrupted (0.5 is fine)\n"
	"  -h, --help         this text\n"
	"\n"
	"Example: who will be at the limit within the hour?\n"
	"  kstallmon tasks --json | jq 'select(.vma.\"time-to-limit\" < 3.6e12) | .task.comm'\n";

/**
 * struct process - a process and its mappings
 * @comm: its name
 * @pid: its id
 * @vma: its mappings
 * @object: all of it as JSON, if that is wanted
 */
struct process {
	char *comm;
	uint32_t pid;
	struct vma vma;
	struct json_object *object;
};

/**
 * struct processes - those that the module told of
 * @json: whether JSON is wanted
 * @time: when they were asked for, CLOCK_REALTIME in ns
 * @nr: how many of @process
 * @room: for so many there is memory
 * @process: each of them
 */
struct processes {
	bool json;
	uint64_t time;
	size_t nr;
	size_t room;
	struct process *process;
};

typedef int (*compare)(const void *a, const void *b);

/**
 * struct view - what to show, and how
 * @nl: where to ask
 * @flag: KSTALLMON_A_MEMORY_ALL, or 0 for those that the module keeps
 * @limit: of processes shown
 * @order: of them
 * @json: for programs
 */
struct view {
	struct knl nl;
	int flag;
	uint64_t limit;
	compare order;
	bool json;
};

static void forget(struct processes *all)
{
	for (size_t i = 0; i < all->nr; i++) {
		free(all->process[i].comm);
		json_object_put(all->process[i].object);
	}
	all->nr = 0;
}

static int take(struct nlmsghdr *nlh, void *arg)
{
	struct nlattr *tb[KSTALLMON_A_MEMORY_MAX + 1], *task[KSTALLMON_A_TASK_MAX + 1];
	struct processes *all = arg;
	struct process *process;

	if (!nlh) {
		forget(all);
		return 0;
	}
	if (all->nr == all->room) {
		all->room = all->room ? 2 * all->room : 64;
		all->process = reallocarray(all->process, all->room, sizeof(*all->process));
		if (!all->process)
			die("out of memory");
	}
	spec_parse_message(&spec_memory, nlh, tb);
	spec_parse_nest(&spec_task, tb[KSTALLMON_A_MEMORY_TASK], task);
	process = &all->process[all->nr++];
	*process = (struct process){
		.comm = strdup(spec_string(task[KSTALLMON_A_TASK_COMM])),
		.pid = spec_u32(task[KSTALLMON_A_TASK_TGID]),
	};
	if (!process->comm)
		die("out of memory");
	vma_decode(tb[KSTALLMON_A_MEMORY_VMA], &process->vma);
	if (all->json)
		process->object = json_record(&spec_memory, "process", all->time, nlh);
	return 0;
}

static int by_pid(const void *a, const void *b)
{
	const struct process *left = a, *right = b;

	return (left->pid > right->pid) - (left->pid < right->pid);
}

static int by_count(const void *a, const void *b)
{
	const struct vma *left = &((const struct process *)a)->vma;
	const struct vma *right = &((const struct process *)b)->vma;

	if (left->count != right->count)
		return left->count < right->count ? 1 : -1;
	return by_pid(a, b);
}

/* Those of which it is not known come last. */
static int by_growth(const void *a, const void *b)
{
	const struct vma *left = &((const struct process *)a)->vma;
	const struct vma *right = &((const struct process *)b)->vma;

	if (left->grows != right->grows)
		return left->grows ? -1 : 1;
	if (left->growth != right->growth)
		return left->growth < right->growth ? 1 : -1;
	return by_count(a, b);
}

static int by_left(const void *a, const void *b)
{
	const struct vma *left = &((const struct process *)a)->vma;
	const struct vma *right = &((const struct process *)b)->vma;

	if (left->ends != right->ends)
		return left->ends ? -1 : 1;
	if (left->time_to_limit != right->time_to_limit)
		return left->time_to_limit > right->time_to_limit ? 1 : -1;
	return by_count(a, b);
}

static compare parse_order(const char *verb, const char *text)
{
	static const struct {
		const char *name;
		compare order;
	} orders[] = {
		{ "count", by_count },
		{ "growth", by_growth },
		{ "left", by_left },
		{ "pid", by_pid },
	};

	for (size_t i = 0; i < ARRAY_SIZE(orders); i++)
		if (!strcmp(orders[i].name, text))
			return orders[i].order;
	die("%s: --sort: '%s' is none of count, growth, left, pid", verb, text);
}

static const char *state_colour(uint32_t state)
{
	return state == KSTALLMON_VMA_STATE_CRIT ? "red" :
	       state == KSTALLMON_VMA_STATE_WARN ? "yellow" :
						   NULL;
}

static void print_table(const struct processes *all, uint64_t limit)
{
	enum { PID, NAME, COUNT, LIMIT, SHARE, STATE, GROWTH, LEFT };
	static const struct table_column columns[] = {
		[PID] = { "PID", SCOLS_FL_RIGHT },	 [NAME] = { "NAME", 0 },
		[COUNT] = { "COUNT", SCOLS_FL_RIGHT },	 [LIMIT] = { "LIMIT", SCOLS_FL_RIGHT },
		[SHARE] = { "SHARE", SCOLS_FL_RIGHT },	 [STATE] = { "STATE", 0 },
		[GROWTH] = { "GROWTH", SCOLS_FL_RIGHT }, [LEFT] = { "LEFT", SCOLS_FL_RIGHT },
	};
	struct libscols_table *table = table_new(columns, ARRAY_SIZE(columns));
	struct table_text text;

	scols_table_enable_colors(table, out_colour());
	for (size_t i = 0; i < all->nr && i < limit; i++) {
		const struct process *process = &all->process[i];
		const struct vma *vma = &process->vma;
		struct libscols_line *line = table_line(table);

		table_cell(line, PID, "%" PRIu32, process->pid);
		put_escaped(table_text_begin(&text), process->comm);
		table_text_end(&text, line, NAME);
		table_cell(line, COUNT, "%" PRIu32, vma->count);
		if (vma->limit) {
			table_cell(line, LIMIT, "%" PRIu32, vma->limit);
			table_cell(line, SHARE, "%.1f %%", memory_percent(vma->count, vma->limit));
		}
		/* Without a limit there is none. */
		if (vma->state)
			table_name(line, STATE, &spec_vma_states, vma->state);
		table_colour(line, STATE, state_colour(vma->state));
		if (vma->grows) {
			memory_put_growth(table_text_begin(&text), vma);
			table_text_end(&text, line, GROWTH);
		}
		if (vma->ends) {
			memory_put_span(table_text_begin(&text), vma->time_to_limit);
			table_text_end(&text, line, LEFT);
		}
	}
	table_print(table);
	if (all->nr > limit)
		printf("and %" PRIu64 " more, see --count\n", all->nr - limit);
}

static void print_sweeps(const struct host *host)
{
	static const struct table_column columns[] = { { "NAME", 0 }, { "VALUE", 0 } };
	enum { SWEEPS, TASKS, TIME, LONGEST, UNTRACKED, LIMIT };
	static const char *const names[] = {
		[SWEEPS] = "sweeps",	     [TASKS] = "sweep-tasks",	[TIME] = "sweep-time",
		[LONGEST] = "slice-longest", [UNTRACKED] = "untracked", [LIMIT] = "max-map-count",
	};
	struct libscols_table *table = table_new(columns, ARRAY_SIZE(columns));
	struct libscols_line *line[ARRAY_SIZE(names)];

	scols_table_enable_noheadings(table, 1);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		line[i] = table_line(table);
		table_cell(line[i], 0, "%s", names[i]);
	}
	table_cell(line[SWEEPS], 1, "%" PRIu64, host->sweeps);
	table_cell(line[TASKS], 1, "%" PRIu32, host->sweep_tasks);
	table_ns(line[TIME], 1, host->sweep_time);
	table_ns(line[LONGEST], 1, host->slice_longest);
	table_cell(line[UNTRACKED], 1, "%" PRIu64, host->untracked);
	if (host->limit)
		table_cell(line[LIMIT], 1, "%" PRIu32, host->limit);
	else
		table_cell(line[LIMIT], 1, "-");
	table_print(table);
}

static int print_text(struct view *view, const struct processes *all)
{
	struct host host;
	int ret = host_get(&view->nl, &host);

	if (!ret) {
		print_table(all, view->limit);
		putchar('\n');
		print_sweeps(&host);
	}
	host_free(&host);
	return ret;
}

static int print_json(struct view *view, const struct processes *all)
{
	struct json_dump memory = { &spec_memory, json_object_new_array(), "memory", all->time };
	int ret = knl_request(&view->nl, knl_message(&view->nl, KSTALLMON_CMD_MEMORY_GET),
			      json_take, &memory);

	if (ret) {
		json_object_put(memory.array);
		return ret;
	}
	for (size_t i = 0; i < all->nr && i < view->limit; i++)
		json_write(stdout, json_object_get(all->process[i].object));
	json_write_all(stdout, memory.array);
	return 0;
}

static int show(void *arg)
{
	struct view *view = arg;
	struct processes all = { .json = view->json, .time = out_now(CLOCK_REALTIME) };
	int ret = knl_dump_flag(&view->nl, KSTALLMON_CMD_VMA_GET, view->flag, take, &all);

	/* Better what was true from one line to the next than nothing. */
	if (ret == -EAGAIN)
		err("tasks: the processes changed each time while they were read");
	if (!ret || ret == -EAGAIN) {
		if (all.nr)
			qsort(all.process, all.nr, sizeof(*all.process), view->order);
		ret = view->json ? print_json(view, &all) : print_text(view, &all);
	}
	if (ret)
		knl_error(&view->nl, ret, "tasks");
	forget(&all);
	free(all.process);
	return ret ? EXIT_FAILURE : EXIT_SUCCESS;
}

int cmd_tasks(int argc, char **argv)
{
	static const struct option options[] = {
		{ "all", no_argument, NULL, 'a' },
		{ "count", required_argument, NULL, 'n' },
		{ "json", no_argument, NULL, 'j' },
		{ "sort", required_argument, NULL, 's' },
		{ "watch", required_argument, NULL, 'w' },
		OPT_HELP,
		{ 0 },
	};
	struct view view = { .limit = UINT64_MAX, .order = by_count };
	double seconds = 0;
	int c, ret;

	while ((c = opt_next(argc, argv, ":n:h", options, help)) >= 0) {
		if (c == 'a')
			view.flag = KSTALLMON_A_MEMORY_ALL;
		else if (c == 'n')
			view.limit = opt_number(argv[0], "--count", 1, UINT64_MAX);
		else if (c == 'j')
			view.json = true;
		else if (c == 's')
			view.order = parse_order(argv[0], optarg);
		else if (c == 'w')
			seconds = opt_interval(argv[0]);
	}
	opt_no_args(argc, argv);

	if (knl_open(&view.nl, argv[0]))
		return EXIT_FAILURE;
	ret = watch(argv[0], seconds, !view.json, show, &view);
	knl_close(&view.nl);
	return ret;
}

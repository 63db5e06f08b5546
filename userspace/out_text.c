// SPDX-License-Identifier: GPL-2.0
#include <inttypes.h>
#include <stdarg.h>
#include <time.h>

#include "out.h"
#include "text.h"
#include "util.h"

#define BOLD "\033[1m"
#define PLAIN "\033[0m"

/**
 * text_enum - write an enumerator
 * @file: where to
 * @names: of the enum
 * @value: its number, which is shown if it has no name
 */
void text_enum(FILE *file, const struct spec_names *names, uint32_t value)
{
	const char *name = spec_name(names, value);

	if (name)
		fputs(name, file);
	else
		fprintf(file, "?%" PRIu32, value);
}

static void put_enum(FILE *file, const struct spec_names *names, struct nlattr *attr)
{
	text_enum(file, names, spec_u32(attr));
}

/**
 * text_task - write who a task is, behind something else
 * @file: where to
 * @nest: its attributes, or NULL
 */
void text_task(FILE *file, struct nlattr *nest)
{
	struct nlattr *task[KSTALLMON_A_TASK_MAX + 1];
	uint32_t pid, tgid;

	if (!nest)
		return;
	spec_parse_nest(&spec_task, nest, task);
	pid = spec_u32(task[KSTALLMON_A_TASK_PID]);
	tgid = spec_u32(task[KSTALLMON_A_TASK_TGID]);
	fputs(", task ", file);
	put_escaped(file, spec_string(task[KSTALLMON_A_TASK_COMM]));
	if (!pid)
		fputs(" (idle)", file);
	else
		fprintf(file, "/%" PRIu32, pid);
	if (pid != tgid && task[KSTALLMON_A_TASK_TGID])
		fprintf(file, " of process %" PRIu32, tgid);
}

static void put_kind(FILE *file, const struct event *event)
{
	fputc(' ', file);
	put_enum(file, &spec_kinds, event->attrs[KSTALLMON_A_EVENT_KIND]);
}

/* What ran, and who says so. */
static void put_who(FILE *file, const struct event *event)
{
	struct nlattr *const *attrs = event->attrs;

	text_task(file, attrs[KSTALLMON_A_EVENT_TASK]);
	if (attrs[KSTALLMON_A_EVENT_WATCHER])
		fprintf(file, ", seen by cpu %" PRIu32, spec_u32(attrs[KSTALLMON_A_EVENT_WATCHER]));
}

static void put_context(FILE *file, struct nlattr *attr)
{
	if (!attr)
		return;
	fputs(" in ", file);
	put_enum(file, &spec_contexts, attr);
}

/* That kernel code is to blame goes without saying. */
static void put_class(FILE *file, const struct event *event)
{
	struct nlattr *class = event->attrs[KSTALLMON_A_EVENT_CLASS];
	struct nlattr *steal = event->attrs[KSTALLMON_A_EVENT_STEAL];

	if (class && spec_u32(class) != KSTALLMON_STALL_CLASS_KERNEL) {
		fputs(", cause ", file);
		put_enum(file, &spec_classes, class);
	}
	if (steal) {
		fputs(", steal ", file);
		out_ms(file, spec_u64(steal));
	}
}

static void put_begin(FILE *file, const struct event *event)
{
	put_kind(file, event);
	fputs(" stalled for ", file);
	out_ms(file, spec_u64(event->attrs[KSTALLMON_A_EVENT_DURATION_MIN]));
	fputs(" so far", file);
	put_context(file, event->attrs[KSTALLMON_A_EVENT_CONTEXT]);
	put_who(file, event);
}

static void put_end(FILE *file, const struct event *event)
{
	put_kind(file, event);
	fputs(" stall ", file);
	out_bounds(file, spec_u64(event->attrs[KSTALLMON_A_EVENT_DURATION_MIN]),
		   spec_u64(event->attrs[KSTALLMON_A_EVENT_DURATION_MAX]));
	put_context(file, event->attrs[KSTALLMON_A_EVENT_CONTEXT]);
	put_class(file, event);
	put_who(file, event);
}

/* What the first line of an event says after number and CPU. */
static void (*const put_type[])(FILE *file, const struct event *event) = {
	[KSTALLMON_EVENT_TYPE_STALL_END] = put_end,
	[KSTALLMON_EVENT_TYPE_STALL_BEGIN] = put_begin,
	[KSTALLMON_EVENT_TYPE_ZONE_STATE] = text_zone_state,
	[KSTALLMON_EVENT_TYPE_RECLAIM_STALL] = text_reclaim_stall,
	[KSTALLMON_EVENT_TYPE_OOM_KILL] = text_oom_kill,
	[KSTALLMON_EVENT_TYPE_VMA_STATE] = text_vma_state,
};

static void put_missing(FILE *file, const struct event *event)
{
	uint64_t dropped = spec_u64(event->attrs[KSTALLMON_A_EVENT_DROPPED]);
	uint64_t held = spec_u64(event->attrs[KSTALLMON_A_EVENT_SUPPRESSED]);
	struct nlattr *longest = event->attrs[KSTALLMON_A_EVENT_SUPPRESSED_LONGEST];

	if (dropped)
		fprintf(file, " (+%" PRIu64 " dropped)", dropped);
	if (!held)
		return;
	fprintf(file, " (+%" PRIu64 " suppressed", held);
	if (longest) {
		fputs(", longest ", file);
		out_ms(file, spec_u64(longest));
	}
	fputc(')', file);
}

static void put_stack(struct out *out, struct nlattr *nest, const char *heading, bool first)
{
	bool truncated = false;
	struct nlattr *attr;
	int rest;

	if (!nest)
		return;
	if (heading)
		fprintf(out->file, "  %s:\n", heading);
	nla_for_each_nested(attr, nest, rest) {
		bool bold = first && out->colour;

		if (!spec_of(&spec_stack, attr))
			continue;
		if (nla_type(attr) == KSTALLMON_A_STACK_TRUNCATED)
			truncated = true;
		if (nla_type(attr) != KSTALLMON_A_STACK_FRAME)
			continue;
		first = false;
		fprintf(out->file, "    %s", bold ? BOLD : "");
		put_escaped(out->file, nla_get_string(attr));
		fprintf(out->file, "%s\n", bold ? PLAIN : "");
	}
	if (truncated)
		fputs("    (truncated)\n", out->file);
}

/*
 * While it lasted the culprit itself ran; at the end it may have been left already. An
 * end's line speaks of the end, so a live stack below it has its heading in any case.
 */
static void put_stacks(struct out *out, const struct event *event)
{
	struct nlattr *live = event->attrs[KSTALLMON_A_EVENT_LIVE_STACK];
	struct nlattr *end = event->attrs[KSTALLMON_A_EVENT_STACK];
	bool over = event->type != KSTALLMON_EVENT_TYPE_STALL_BEGIN;

	put_stack(out, live, over ? "while it lasted" : NULL, true);
	put_stack(out, end, live ? "at its end" : NULL, !live);
}

static void put_time(struct out *out, uint64_t real)
{
	if (!out->time)
		return;
	out_time(out->file, real);
	fputc(' ', out->file);
}

static void text_event(struct out *out, const struct event *event)
{
	struct nlattr *const *attrs = event->attrs;
	FILE *file = out->file;

	put_time(out, spec_u64(attrs[KSTALLMON_A_EVENT_TIME_REAL]));
	fprintf(file, "#%" PRIu64, event->seq);
	if (attrs[KSTALLMON_A_EVENT_CPU])
		fprintf(file, " cpu %" PRIu32, spec_u32(attrs[KSTALLMON_A_EVENT_CPU]));
	if (event->type < ARRAY_SIZE(put_type) && put_type[event->type])
		put_type[event->type](file, event);
	else
		fprintf(file, " event of type %" PRIu32, event->type);
	put_missing(file, event);
	fputc('\n', file);
	put_stacks(out, event);
	text_zones(file, event);
}

static void __attribute__((format(printf, 2, 3))) put_note(struct out *out, const char *fmt, ...)
{
	va_list args;

	put_time(out, out_now(CLOCK_REALTIME));
	fputs("-- ", out->file);
	va_start(args, fmt);
	vfprintf(out->file, fmt, args);
	va_end(args);
	fputc('\n', out->file);
}

static void text_lost(struct out *out, uint32_t instance __attribute__((unused)), uint64_t from,
		      uint64_t to)
{
	if (from == to)
		put_note(out, "1 event gone: #%" PRIu64, from);
	else
		put_note(out, "%" PRIu64 " events gone: #%" PRIu64 " to #%" PRIu64, to - from + 1,
			 from, to);
}

static void text_gone(struct out *out, uint32_t instance __attribute__((unused)))
{
	put_note(out, "module gone");
}

static void text_back(struct out *out, uint32_t instance)
{
	put_note(out, "module back, instance %" PRIu32, instance);
}

const struct out_ops out_text = {
	.event = text_event,
	.lost = text_lost,
	.gone = text_gone,
	.back = text_back,
};

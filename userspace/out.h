/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KST_OUT_H
#define KST_OUT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "event.h"

struct out;

/**
 * struct out_ops - a way of printing what a stream of events brings
 * @event: an event
 * @lost: the events @from to @to of @instance can't be had any more
 * @gone: the module, @instance of it, was unloaded
 * @back: the module is there again as @instance
 *
 * A new event type needs no new function: JSON prints any, and text has a table
 * with a row for each type.
 */
struct out_ops {
	void (*event)(struct out *out, const struct event *event);
	void (*lost)(struct out *out, uint32_t instance, uint64_t from, uint64_t to);
	void (*gone)(struct out *out, uint32_t instance);
	void (*back)(struct out *out, uint32_t instance);
};

extern const struct out_ops out_text, out_json;

/**
 * struct out - a printer
 * @ops: how it prints
 * @file: where to
 * @time: whether text begins with the local time
 * @colour: whether text may hold escape sequences
 */
struct out {
	const struct out_ops *ops;
	FILE *file;
	bool time;
	bool colour;
};

bool out_colour(void);
void out_init(struct out *out, bool json, bool time);
int out_stoppable(struct out *out, const int stops[2]);
void out_rehearse(const struct out *out);
void out_close(struct out *out);
int out_event(struct out *out, const struct event *event);
int out_lost(struct out *out, uint32_t instance, uint64_t from, uint64_t to);
int out_gone(struct out *out, uint32_t instance);
int out_back(struct out *out, uint32_t instance);
void out_time(FILE *file, uint64_t real);
void out_ms(FILE *file, uint64_t ns);
void out_bounds(FILE *file, uint64_t min, uint64_t max);
uint64_t out_now(int clock);

#endif

/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KST_TEXT_H
#define KST_TEXT_H

#include <stdio.h>

#include "event.h"

/* Pieces of an event's text. */
void text_enum(FILE *file, const struct spec_names *names, uint32_t value);
void text_task(FILE *file, struct nlattr *nest);

/* What the first line of an event about memory says after number and CPU. */
void text_zone_state(FILE *file, const struct event *event);
void text_reclaim_stall(FILE *file, const struct event *event);
void text_oom_kill(FILE *file, const struct event *event);
void text_vma_state(FILE *file, const struct event *event);

/* And the lines below. */
void text_zones(FILE *file, const struct event *event);

#endif

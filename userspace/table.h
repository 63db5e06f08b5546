/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KST_TABLE_H
#define KST_TABLE_H

#include <stdio.h>
#include <libsmartcols/libsmartcols.h>

#include "spec.h"

/**
 * struct table_column - a column of a table
 * @name: its heading
 * @flags: SCOLS_FL_*
 */
struct table_column {
	const char *name;
	int flags;
};

/**
 * struct table_text - the text of a cell while it is written
 * @file: where to
 * @text: what was written, when @file is flushed
 * @size: its length
 */
struct table_text {
	FILE *file;
	char *text;
	size_t size;
};

struct libscols_table *table_new(const struct table_column *columns, size_t count);
struct libscols_line *table_line(struct libscols_table *table);
void table_cell(struct libscols_line *line, size_t column, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void table_ns(struct libscols_line *line, size_t column, uint64_t ns);
void table_name(struct libscols_line *line, size_t column, const struct spec_names *names,
		uint32_t value);
void table_colour(struct libscols_line *line, size_t column, const char *colour);
FILE *table_text_begin(struct table_text *text);
void table_text_end(struct table_text *text, struct libscols_line *line, size_t column);
int table_print(struct libscols_table *table);

#endif

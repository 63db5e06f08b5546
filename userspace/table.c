// SPDX-License-Identifier: GPL-2.0
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "table.h"
#include "util.h"

/**
 * table_new - begin a table
 * @columns: its columns
 * @count: how many
 *
 * Return: the table.
 */
struct libscols_table *table_new(const struct table_column *columns, size_t count)
{
	struct libscols_table *table = scols_new_table();

	if (!table)
		die("out of memory");
	for (size_t i = 0; i < count; i++)
		if (!scols_table_new_column(table, columns[i].name, 0, columns[i].flags))
			die("out of memory");
	return table;
}

/**
 * table_line - add a line
 * @table: the table
 *
 * Return: the line.
 */
struct libscols_line *table_line(struct libscols_table *table)
{
	struct libscols_line *line = scols_table_new_line(table, NULL);

	if (!line)
		die("out of memory");
	return line;
}

/**
 * table_cell - fill a cell
 * @line: its line
 * @column: its column, from 0 on
 * @fmt: as printf's
 */
void table_cell(struct libscols_line *line, size_t column, const char *fmt, ...)
{
	va_list args;
	char *text;

	va_start(args, fmt);
	if (vasprintf(&text, fmt, args) < 0 || scols_line_refer_data(line, column, text))
		die("out of memory");
	va_end(args);
}

/**
 * table_ns - fill a cell with a duration
 * @line: its line
 * @column: its column, from 0 on
 * @ns: the duration
 */
void table_ns(struct libscols_line *line, size_t column, uint64_t ns)
{
	if (ns < 1000000)
		table_cell(line, column, "%" PRIu64 " ns", ns);
	else if (ns < 1000000000)
		table_cell(line, column, "%.1f ms", ns / 1e6);
	else
		table_cell(line, column, "%.3f s", ns / 1e9);
}

/**
 * table_name - fill a cell with an enumerator
 * @line: its line
 * @column: its column, from 0 on
 * @names: of the enum
 * @value: its number, which is shown if it has no name
 */
void table_name(struct libscols_line *line, size_t column, const struct spec_names *names,
		uint32_t value)
{
	const char *name = spec_name(names, value);

	if (name)
		table_cell(line, column, "%s", name);
	else
		table_cell(line, column, "?%" PRIu32, value);
}

/**
 * table_colour - let a cell have a colour, where there may be colours
 * @line: its line
 * @column: its column, from 0 on
 * @colour: its name, or NULL for none
 */
void table_colour(struct libscols_line *line, size_t column, const char *colour)
{
	if (colour && scols_cell_set_color(scols_line_get_cell(line, column), colour))
		die("out of memory");
}

/**
 * table_text_begin - begin a cell that is written piece by piece
 * @text: filled in
 *
 * Return: where to.
 */
FILE *table_text_begin(struct table_text *text)
{
	text->text = NULL;
	text->file = open_memstream(&text->text, &text->size);
	if (!text->file)
		die("out of memory");
	return text->file;
}

/**
 * table_text_end - fill a cell with what was written
 * @text: of table_text_begin()
 * @line: the cell's line
 * @column: its column, from 0 on
 */
void table_text_end(struct table_text *text, struct libscols_line *line, size_t column)
{
	if (fclose(text->file) || scols_line_refer_data(line, column, text->text))
		die("out of memory");
}

/**
 * table_print - write a table to standard output and free it
 * @table: the table
 *
 * Return: 0 or a negative errno.
 */
int table_print(struct libscols_table *table)
{
	int ret = scols_print_table(table);

	scols_unref_table(table);
	return ret;
}

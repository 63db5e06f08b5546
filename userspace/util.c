// SPDX-License-Identifier: GPL-2.0
#include <ctype.h>
#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <wchar.h>

#include "util.h"

/**
 * put_escaped - write text that others chose, harmless to a terminal
 * @file: where to
 * @text: any bytes up to a zero
 *
 * What does not show as a character of the locale becomes \xNN, and so does the
 * backslash, so that the result can be told from a name that looks like it.
 */
void put_escaped(FILE *file, const char *text)
{
	size_t left = strlen(text);
	mbstate_t state = { 0 };

	while (left) {
		wchar_t wide;
		size_t len = mbrtowc(&wide, text, left, &state);

		if (len <= left && wcwidth(wide) > 0 && wide != L'\\') {
			fwrite(text, 1, len, file);
		} else {
			fprintf(file, "\\x%02x", (unsigned char)*text);
			memset(&state, 0, sizeof(state));
			len = 1;
		}
		text += len;
		left -= len;
	}
}

static void verr(const char *fmt, va_list args)
{
	char *text, *line;
	size_t size;
	FILE *file;

	if (vasprintf(&text, fmt, args) < 0)
		return;
	/* In one piece, so that others' output can't come between. */
	file = open_memstream(&line, &size);
	if (file) {
		fputs("kstallmon: ", file);
		put_escaped(file, text);
		fputc('\n', file);
		if (!fclose(file))
			fputs(line, stderr);
		free(line);
	}
	free(text);
}

/**
 * err - say in one line on stderr what is wrong
 * @fmt: as printf's, without a newline
 */
void err(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	verr(fmt, args);
	va_end(args);
}

/**
 * die - say in one line on stderr what is wrong, and exit with 1
 * @fmt: as printf's, without a newline
 */
void die(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	verr(fmt, args);
	va_end(args);
	exit(EXIT_FAILURE);
}

/**
 * write_failed - tell that standard output takes no more
 * @error: positive errno, 0 if it is not known
 *
 * Return: the exit status: that a reader has seen enough is no error.
 */
int write_failed(int error)
{
	struct pollfd fd = { .fd = STDOUT_FILENO };

	if (error == EPIPE || (poll(&fd, 1, 0) == 1 && fd.revents & POLLERR))
		return EXIT_SUCCESS;
	if (error)
		err("can't write to standard output: %s", strerror(error));
	else
		err("can't write all of it to standard output");
	return EXIT_FAILURE;
}

/**
 * flush_stdout - write what standard output still holds
 *
 * Return: the exit status: an earlier piece that could not be written counts too.
 */
int flush_stdout(void)
{
	int error;

	errno = 0;
	error = fflush(stdout) ? errno : 0;
	return ferror(stdout) ? write_failed(error) : EXIT_SUCCESS;
}

/**
 * parse_u64 - read a decimal number
 * @text: nothing but digits
 * @value: the number
 *
 * Return: 0, -EINVAL if that is no number, -ERANGE if it is too large.
 */
int parse_u64(const char *text, uint64_t *value)
{
	size_t i;

	for (i = 0; text[i]; i++)
		if (!isdigit((unsigned char)text[i]))
			return -EINVAL;
	if (!i)
		return -EINVAL;
	errno = 0;
	*value = strtoull(text, NULL, 10);
	return -errno;
}

#define LONGEST_NAME 32

static size_t distance(const char *a, const char *b)
{
	size_t row[LONGEST_NAME + 1], len = strlen(b), i, j;

	if (len > LONGEST_NAME)
		return SIZE_MAX;
	for (j = 0; j <= len; j++)
		row[j] = j;
	for (i = 0; a[i]; i++) {
		size_t corner = row[0];

		row[0] = i + 1;
		for (j = 0; j < len; j++) {
			size_t best = corner + (a[i] != b[j]);

			corner = row[j + 1];
			if (corner + 1 < best)
				best = corner + 1;
			if (row[j] + 1 < best)
				best = row[j] + 1;
			row[j + 1] = best;
		}
	}
	return row[len];
}

/**
 * nearest - find the name that was probably meant
 * @word: what was typed
 * @names: what could have been
 * @count: how many of them
 *
 * Return: one of @names, or NULL if none is similar.
 */
const char *nearest(const char *word, const char *const *names, size_t count)
{
	size_t len = strlen(word), best = len / 2 > 2 ? len / 2 : 2;
	const char *found = NULL;

	for (size_t i = 0; i < count && len <= LONGEST_NAME; i++) {
		/* An abbreviation is as near as can be; nothing is none. */
		size_t d = len && !strncmp(word, names[i], len) ? 0 : distance(word, names[i]);

		if (d > best || (found && d == best))
			continue;
		found = names[i];
		best = d;
	}
	return found;
}

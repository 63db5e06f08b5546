/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KST_STOP_H
#define KST_STOP_H

#include <stdbool.h>

int stop_signals(void);
int stop_timer(double seconds, double again);

/**
 * typedef watch_show - print something once
 * @arg: as given to watch()
 *
 * Return: the exit status.
 */
typedef int (*watch_show)(void *arg);

int watch(const char *verb, double seconds, bool apart, watch_show show, void *arg);

#endif

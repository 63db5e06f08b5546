/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KST_ALIVE_H
#define KST_ALIVE_H

void alive(const char *verb);

#endif

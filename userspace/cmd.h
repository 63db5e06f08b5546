/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KST_CMD_H
#define KST_CMD_H

/* Each takes the verb as argv[0] and returns the exit status. */
int cmd_monitor(int argc, char **argv);
int cmd_history(int argc, char **argv);
int cmd_stalls(int argc, char **argv);
int cmd_status(int argc, char **argv);
int cmd_zones(int argc, char **argv);
int cmd_tasks(int argc, char **argv);
int cmd_get(int argc, char **argv);
int cmd_set(int argc, char **argv);
int cmd_verify(int argc, char **argv);
int cmd_version(int argc, char **argv);

#endif

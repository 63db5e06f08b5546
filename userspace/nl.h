/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KST_NL_H
#define KST_NL_H

#include <stdint.h>
#include <netlink/netlink.h>
#include <netlink/msg.h>

#include <linux/kstallmon.h>

/**
 * struct knl_family - a generic-netlink family, as the kernel knows it now
 * @id: its message type; 0 if there is none
 * @version: of its protocol
 * @group: the number of the one multicast group asked for; 0 if there is none
 */
struct knl_family {
	uint16_t id;
	uint32_t version;
	uint32_t group;
};

/**
 * struct knl - where requests go
 * @sk: its socket
 * @family: the module's; ids change when it is loaded anew
 * @text: what the kernel said about the last refusal; may be empty
 */
struct knl {
	struct nl_sock *sk;
	struct knl_family family;
	char text[256];
};

/**
 * typedef knl_reply - take one message of the answer
 * @nlh: the message; NULL: a dump starts over, forget what it brought
 * @arg: as given with the request
 *
 * Return: 0, or what else the request shall end with at once.
 */
typedef int (*knl_reply)(struct nlmsghdr *nlh, void *arg);

int knl_connect(struct knl *nl);
void knl_close(struct knl *nl);
int knl_find(struct knl *nl);
int knl_open(struct knl *nl, const char *verb);
void knl_error(const struct knl *nl, int error, const char *what);
int knl_family_of(struct knl *nl, const char *name, const char *group, struct knl_family *family);
struct nl_msg *knl_message(const struct knl *nl, int command);
int knl_request(struct knl *nl, struct nl_msg *msg, knl_reply reply, void *arg);
int knl_dump(struct knl *nl, int command, const uint64_t *since, knl_reply reply, void *arg);
int knl_dump_flag(struct knl *nl, int command, int flag, knl_reply reply, void *arg);
struct nl_sock *knl_listen(int rcvbuf);
int knl_join(struct nl_sock *sk, uint32_t group);

#endif

/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KST_JSON_H
#define KST_JSON_H

#include <stdio.h>
#include <json-c/json.h>
#include <netlink/msg.h>

#include "spec.h"

/**
 * struct json_dump - a dump on its way to JSON
 * @set: what the attributes of each message belong to
 * @array: of an object for each message
 */
struct json_dump {
	const struct spec_set *set;
	struct json_object *array;
};

struct json_object *json_string(const char *text);
struct json_object *json_enum(const struct spec_names *names, uint32_t value);
struct json_object *json_from_message(const struct spec_set *set, struct nlmsghdr *nlh);
int json_take(struct nlmsghdr *nlh, void *arg);
void json_put_number(struct json_object *object, const char *name, uint64_t value);
void json_put_string(struct json_object *object, const char *name, const char *text);
void json_write(FILE *file, struct json_object *object);

#endif

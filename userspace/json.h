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
 * @type: what each object begins with; NULL: nothing
 * @time: when it was asked for, CLOCK_REALTIME in ns, if there is a @type
 */
struct json_dump {
	const struct spec_set *set;
	struct json_object *array;
	const char *type;
	uint64_t time;
};

struct json_object *json_string(const char *text);
struct json_object *json_enum(const struct spec_names *names, uint32_t value);
struct json_object *json_from_message(const struct spec_set *set, struct nlmsghdr *nlh);
struct json_object *json_record(const struct spec_set *set, const char *type, uint64_t time,
				struct nlmsghdr *nlh);
int json_take(struct nlmsghdr *nlh, void *arg);
void json_put_number(struct json_object *object, const char *name, uint64_t value);
void json_put_string(struct json_object *object, const char *name, const char *text);
void json_write(FILE *file, struct json_object *object);
void json_write_all(FILE *file, struct json_object *array);

#endif

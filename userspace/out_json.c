// SPDX-License-Identifier: GPL-2.0
#include <string.h>
#include <time.h>

#include "json.h"
#include "out.h"

static void json_event(struct out *out, const struct event *event)
{
	json_write(out->file, json_from_message(&spec_event, event->nlh));
}

static void json_lost(struct out *out, uint32_t instance, uint64_t from, uint64_t to)
{
	struct json_object *object = json_object_new_object();

	json_put_string(object, "type", "lost");
	json_put_number(object, "count", to - from + 1);
	json_put_number(object, "from", from);
	json_put_number(object, "to", to);
	json_put_number(object, "instance", instance);
	json_write(out->file, object);
}

static void json_module(struct out *out, const char *type, uint32_t instance)
{
	struct json_object *object = json_object_new_object();

	json_put_string(object, "type", type);
	json_put_number(object, "instance", instance);
	json_put_number(object, "time-boot", out_now(CLOCK_BOOTTIME));
	json_put_number(object, "time-real", out_now(CLOCK_REALTIME));
	json_write(out->file, object);
}

static void json_gone(struct out *out, uint32_t instance)
{
	json_module(out, "module-gone", instance);
}

static void json_back(struct out *out, uint32_t instance)
{
	json_module(out, "module-back", instance);
}

const struct out_ops out_json = {
	.event = json_event,
	.lost = json_lost,
	.gone = json_gone,
	.back = json_back,
};

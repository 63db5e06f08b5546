/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KST_SPEC_H
#define KST_SPEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <netlink/attr.h>
#include <netlink/msg.h>

#include <linux/kstallmon.h>

/**
 * enum spec_type - how an attribute's value is read
 * @SPEC_SKIP: not at all: padding, or unknown
 * @SPEC_U32: a number, or with @names an enumerator
 * @SPEC_U64: a number
 * @SPEC_S64: a number with a sign
 * @SPEC_STRING: bytes that end with a zero
 * @SPEC_FLAG: true where it is there
 * @SPEC_NEST: attributes of the set @nest
 */
enum spec_type {
	SPEC_SKIP,
	SPEC_U32,
	SPEC_U64,
	SPEC_S64,
	SPEC_STRING,
	SPEC_FLAG,
	SPEC_NEST,
};

/**
 * enum spec_unit - how a number is shown to people
 * @SPEC_COUNT: as it is
 * @SPEC_NS: nanoseconds, as seconds
 * @SPEC_REAL: nanoseconds of CLOCK_REALTIME, as local time
 * @SPEC_BYTES: bytes
 */
enum spec_unit {
	SPEC_COUNT,
	SPEC_NS,
	SPEC_REAL,
	SPEC_BYTES,
};

struct spec_names {
	const char *const *names;
	size_t count;
};

struct spec_set;

/**
 * struct spec_attr - one attribute of kstallmon.yaml
 * @name: as it stands there
 * @type: how to read it
 * @unit: how to show it
 * @multi: whether it may come more than once
 * @names: of the enumerators, or NULL
 * @nest: the set within, for SPEC_NEST
 */
struct spec_attr {
	const char *name;
	enum spec_type type;
	enum spec_unit unit;
	bool multi;
	const struct spec_names *names;
	const struct spec_set *nest;
};

struct spec_set {
	const struct spec_attr *attrs;
	int max;
};

extern const struct spec_set spec_task, spec_stack, spec_event, spec_status;
extern const struct spec_set spec_cpu, spec_bucket, spec_histogram, spec_tunable;
extern const struct spec_set spec_zone, spec_reclaim, spec_vma, spec_memory, spec_reclaim_time;
extern const struct spec_names spec_event_types, spec_kinds, spec_contexts, spec_classes;
extern const struct spec_names spec_cpu_states, spec_zone_states, spec_scopes, spec_vma_states;

const struct spec_attr *spec_of(const struct spec_set *set, const struct nlattr *attr);
void spec_parse_message(const struct spec_set *set, struct nlmsghdr *nlh, struct nlattr **tb);
void spec_parse_nest(const struct spec_set *set, struct nlattr *nest, struct nlattr **tb);
const char *spec_name(const struct spec_names *names, uint32_t value);
uint64_t spec_number(const struct spec_attr *spec, const struct nlattr *attr);
uint64_t spec_u64(struct nlattr *attr);
int64_t spec_s64(struct nlattr *attr);
uint32_t spec_u32(struct nlattr *attr);
const char *spec_string(struct nlattr *attr);

#endif

/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the netlink tests share: requests that may be as wrong as one likes, what the kernel says
 * to them, events, and stalls on request. Nothing here knows of the test harness.
 */
#ifndef NLT_H
#define NLT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <netlink/netlink.h>
#include <netlink/msg.h>
#include <netlink/attr.h>
#include <netlink/genl/genl.h>

#include <linux/kstallmon.h>

#define NLT_PARAMETERS "/sys/module/kstallmon/parameters"

#define NLT_ATTRS 32
#define NLT_TEXT 96
#define NLT_TUNABLES 16
#define NLT_FRAMES 32
#define NLT_CPUS 64
#define NLT_BUCKETS 64

/* In s. What has not come by then will not come: bounds only how long a test that fails takes. */
#define NLT_PATIENCE 600

/* How often to cause what the host's noise may spoil. */
#define NLT_TRIES 20

/**
 * struct nlt_record - one level of attributes
 * @a: by attribute: how often it came, and its last length and contents as number and text
 * @unknown: attributes that do not fit
 */
struct nlt_record {
	struct {
		unsigned int count;
		unsigned int len;
		uint64_t num;
		char text[NLT_TEXT];
	} a[NLT_ATTRS];
	unsigned int unknown;
};

/**
 * struct nlt_stack - a stack
 * @nr: how many frames it has
 * @truncated: the attribute of that name was there
 * @frame: the frames
 */
struct nlt_stack {
	unsigned int nr;
	unsigned int truncated;
	char frame[NLT_FRAMES][128];
};

/**
 * struct nlt_event - an event, zeroed where it has nothing to say: two that are equal compare so
 * @top: its attributes
 * @task: those of its task
 * @stack: where the stall ended
 * @live: where it was while it lasted
 */
struct nlt_event {
	struct nlt_record top;
	struct nlt_record task;
	struct nlt_stack stack;
	struct nlt_stack live;
};

/**
 * struct nlt_histogram - the stalls of one kind on one CPU
 * @top: its attributes
 * @nr: how many buckets it has
 * @bucket: the buckets
 */
struct nlt_histogram {
	struct nlt_record top;
	unsigned int nr;
	struct {
		uint64_t from;
		uint64_t count;
	} bucket[NLT_BUCKETS];
};

/**
 * struct nlt_reply - the kernel's answer to a request
 * @error: errno, 0 if it was granted
 * @text: NLMSGERR_ATTR_MSG
 * @offset: NLMSGERR_ATTR_OFFS, where in the request the bad attribute is; 0: not told
 * @messages: other messages than the acknowledgement
 */
struct nlt_reply {
	int error;
	char text[256];
	unsigned int offset;
	unsigned int messages;
};

/**
 * struct nlt - a socket for requests
 * @sk: the socket; asks for extended acknowledgements
 * @family: id of the family
 * @group: number of its group of events
 */
struct nlt {
	struct nl_sock *sk;
	int family;
	int group;
};

struct nlt_tunables {
	unsigned int nr;
	struct nlt_record t[NLT_TUNABLES];
};

/**
 * struct nlt_reader - a subscriber that follows the manual's rules for losing nothing
 * @nlt: asks the history
 * @sub: is in the group
 * @expected: the next number
 * @got: events got
 * @gone: numbers a dump skipped
 * @overruns: ENOBUFS seen
 * @dumps: dumps made
 */
struct nlt_reader {
	struct nlt nlt;
	struct nl_sock *sub;
	uint64_t expected;
	uint64_t got;
	uint64_t gone;
	unsigned int overruns;
	unsigned int dumps;
};

typedef void (*nlt_take)(struct nlmsghdr *nlh, void *arg);

static inline uint64_t nlt_num(const struct nlt_record *rec, unsigned int attr)
{
	return rec->a[attr].num;
}

static inline const char *nlt_text(const struct nlt_record *rec, unsigned int attr)
{
	return rec->a[attr].text;
}

/* nlt.c: requests */
int nlt_open(struct nlt *nlt);
void nlt_close(struct nlt *nlt);
struct nl_msg *nlt_request(const struct nlt *nlt, int cmd, int flags);
void nlt_put_setting(struct nl_msg *msg, const char *name, uint64_t value);
void nlt_put_text(struct nl_msg *msg, const char *name, const char *text);
void nlt_ask(struct nlt *nlt, struct nl_msg *msg, struct nlt_reply *reply, nlt_take take,
	     void *arg);
void nlt_parse(struct nlt_record *rec, struct nlattr *head, int len);

/* nlt_state.c: tunables and state; 0 or a negative errno */
int nlt_tunables(struct nlt *nlt, struct nlt_tunables *all);
const struct nlt_record *nlt_tunable(const struct nlt_tunables *all, const char *name);
bool nlt_is_text(const struct nlt_record *tunable);
bool nlt_same_values(const struct nlt_tunables *a, const struct nlt_tunables *b);
int nlt_set(struct nlt *nlt, const char *name, uint64_t value);
int nlt_set_text(struct nlt *nlt, const char *name, const char *text);
int nlt_set_values(struct nlt *nlt, const struct nlt_tunables *all);
int nlt_set_defaults(struct nlt *nlt, const struct nlt_tunables *all);
int nlt_sensitive(struct nlt *nlt);
int nlt_status(struct nlt *nlt, struct nlt_record *status);
uint64_t nlt_numbered(struct nlt *nlt);
int nlt_cpus(struct nlt *nlt, struct nlt_record *cpus, unsigned int max);
int nlt_cpu(struct nlt *nlt, unsigned int cpu, struct nlt_record *rec);
int nlt_histograms(struct nlt *nlt, struct nlt_histogram *all, unsigned int max);
int nlt_quiet(struct nlt *nlt, struct nlt_record *status);

/* nlt_event.c: events */
void nlt_event(struct nlt_event *ev, struct nlmsghdr *nlh);
uint64_t nlt_seq(const struct nlt_event *ev);
bool nlt_is(const struct nlt_event *ev, int type);
bool nlt_has_frame(const struct nlt_stack *stack, const char *part);
int nlt_history(struct nlt *nlt, uint64_t since, struct nlt_event **events);
struct nl_sock *nlt_subscribe(const struct nlt *nlt, unsigned int rcvbuf);
int nlt_receive(struct nl_sock *sub, struct nlt_event *ev, int timeout_ms);
int nlt_reader_open(struct nlt_reader *reader, unsigned int rcvbuf);
void nlt_reader_close(struct nlt_reader *reader);
int nlt_reader_catch_up(struct nlt_reader *reader, int timeout_ms);
int nlt_reader_dump(struct nlt_reader *reader);

/* nlt_parameter.c: the module parameters' files */
const char *nlt_parameter(const char *name);
int nlt_set_parameter(const char *name, const char *text);

/* nlt_inject.c: stalls */
int nlt_inject_load(void);
int nlt_inject(uint64_t *actual_ns, unsigned int max, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#endif /* NLT_H */

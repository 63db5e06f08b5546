/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the programs about requests share: their fixture, and how a request is refused.
 */
#ifndef REQUESTS_H
#define REQUESTS_H

#include <string.h>

#include "harness.h"
#include "nlt.h"

/* Where a request's first attribute is. */
#define FIRST (NLMSG_HDRLEN + GENL_HDRLEN)

FIXTURE(request)
{
	struct nlt nlt;
	struct nlt_tunables before;
	struct nlt_reply reply;
};

FIXTURE_SETUP(request)
{
	ASSERT_EQ(0, nlt_open(&self->nlt));
	ASSERT_EQ(0, nlt_tunables(&self->nlt, &self->before));
}

FIXTURE_TEARDOWN(request)
{
	EXPECT_EQ(0, nlt_set_values(&self->nlt, &self->before));
	nlt_close(&self->nlt);
}

#define ANY_PLACE (~0U)

/* @text must be a part of what the kernel says; @offset be what it points at, 0 for nothing. */
static void refused(struct __test_metadata *_metadata, FIXTURE_DATA(request) * self,
		    struct nl_msg *msg, int error, const char *text, unsigned int offset)
{
	struct nlt_tunables after;

	nlt_ask(&self->nlt, msg, &self->reply, NULL, NULL);
	EXPECT_EQ(error, self->reply.error);
	EXPECT_NE(NULL, strstr(self->reply.text, text))
	{
		TH_LOG("'%s' is not in '%s'", text, self->reply.text);
	}
	if (offset != ANY_PLACE)
		EXPECT_EQ(offset, self->reply.offset);
	EXPECT_EQ(0, self->reply.messages);
	ASSERT_EQ(0, nlt_tunables(&self->nlt, &after));
	EXPECT_TRUE(nlt_same_values(&self->before, &after));
}

static struct nl_msg *do_of(FIXTURE_DATA(request) * self, int cmd)
{
	return nlt_request(&self->nlt, cmd, 0);
}

#endif /* REQUESTS_H */

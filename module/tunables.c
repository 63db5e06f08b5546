// SPDX-License-Identifier: GPL-2.0
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/mutex.h>
#include <linux/stringify.h>

#include "history.h"
#include "tunables.h"

struct kst_tunable kst_tunables[KST_NR_TUNABLES] = {
#define KST_TUNABLE(id, unit_, min_, max_, def_, doc_)                                         \
	[KST_T_##id] = {                                                                       \
		.name = #id,                                                                   \
		.unit = unit_,                                                                 \
		.doc = doc_,                                                                   \
		.refusal = #id " must be " __stringify(min_) ".." __stringify(max_) " " unit_, \
		.min = min_,                                                                   \
		.max = max_,                                                                   \
		.def = def_,                                                                   \
		.value = def_,                                                                 \
	},
	KST_TUNABLE_TABLE
#undef KST_TUNABLE
};

/* Serialises setting, and protects kst_tunables_live. */
static DEFINE_MUTEX(kst_tunables_lock);
/* Whether the history is there to be resized. Before that, it starts with the value set. */
static bool kst_tunables_live;

/**
 * kst_tunable_find() - look a tunable up
 * @name: its name
 *
 * Return: the tunable, or NULL if there is none of that name.
 */
struct kst_tunable *kst_tunable_find(const char *name)
{
	unsigned int i;

	for (i = 0; i < KST_NR_TUNABLES; i++)
		if (!strcmp(kst_tunables[i].name, name))
			return &kst_tunables[i];
	return NULL;
}

/**
 * kst_tunable_check() - is a value within a tunable's range
 * @tunable: the tunable
 * @value: in its unit
 *
 * Return: 0 or -ERANGE, for which the tunable's refusal is the text.
 */
int kst_tunable_check(const struct kst_tunable *tunable, u64 value)
{
	return value >= tunable->min && value <= tunable->max ? 0 : -ERANGE;
}

/**
 * kst_tunables_set() - set tunables, all or none
 * @settings: each tunable at most once
 * @nr: how many
 *
 * Context: task, may sleep.
 *
 * Return: 0; -ERANGE or -ENOMEM and nothing has changed.
 */
int kst_tunables_set(const struct kst_setting *settings, unsigned int nr)
{
	unsigned int i;
	int err = 0;

	for (i = 0; i < nr; i++)
		if (kst_tunable_check(&kst_tunables[settings[i].id], settings[i].value))
			return -ERANGE;

	mutex_lock(&kst_tunables_lock);
	/* What can fail comes first. */
	for (i = 0; i < nr && !err; i++)
		if (settings[i].id == KST_T_history && kst_tunables_live)
			err = kst_history_resize(settings[i].value);
	for (i = 0; i < nr && !err; i++)
		WRITE_ONCE(kst_tunables[settings[i].id].value, settings[i].value);
	mutex_unlock(&kst_tunables_lock);
	return err;
}

/**
 * kst_tunables_start() - size the history, now and whenever a new size is set
 *
 * Return: 0 or -ENOMEM.
 */
int kst_tunables_start(void)
{
	int err;

	mutex_lock(&kst_tunables_lock);
	err = kst_history_resize(kst_tunable(history));
	kst_tunables_live = !err;
	mutex_unlock(&kst_tunables_lock);
	return err;
}

/**
 * kst_tunables_stop() - resize the history no more
 *
 * The files of the module parameters outlive the module's exit function.
 */
void kst_tunables_stop(void)
{
	mutex_lock(&kst_tunables_lock);
	kst_tunables_live = false;
	mutex_unlock(&kst_tunables_lock);
}

static int kst_param_set(const char *val, const struct kernel_param *kp)
{
	const struct kst_tunable *tunable = kp->arg;
	struct kst_setting setting = { .id = tunable - kst_tunables };
	int err;

	err = kstrtou64(val, 0, &setting.value);
	if (!err)
		err = kst_tunables_set(&setting, 1);
	if (err == -ERANGE || err == -EINVAL)
		pr_err("%s\n", tunable->refusal);
	return err;
}

static int kst_param_get(char *buffer, const struct kernel_param *kp)
{
	const struct kst_tunable *tunable = kp->arg;

	return sysfs_emit(buffer, "%u\n", READ_ONCE(tunable->value));
}

static const struct kernel_param_ops kst_param_ops = {
	.set = kst_param_set,
	.get = kst_param_get,
};

#define KST_TUNABLE(id, unit, min, max, def, doc)                             \
	module_param_cb(id, &kst_param_ops, &kst_tunables[KST_T_##id], 0644); \
	MODULE_PARM_DESC(id, doc " (" #min ".." #max " " unit ")");
KST_TUNABLE_TABLE
#undef KST_TUNABLE

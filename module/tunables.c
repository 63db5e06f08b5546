// SPDX-License-Identifier: GPL-2.0
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/mutex.h>
#include <linux/stringify.h>

#include "history.h"
#include "tasks.h"
#include "tunables.h"
#include "watched.h"
#include "zones.h"

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
#define KST_TUNABLE_TEXT(id, unit_, def_, doc_, refusal_) \
	[KST_T_##id] = {                                  \
		.name = #id,                              \
		.unit = unit_,                            \
		.doc = doc_,                              \
		.refusal = #id " " refusal_,              \
		.def_text = def_,                         \
	},
	KST_TUNABLE_TABLE
#undef KST_TUNABLE_TEXT
#undef KST_TUNABLE
};

/* Serialises setting, and protects kst_tunables_live and the texts. */
static DEFINE_MUTEX(kst_tunables_lock);
/* Whether the rooms are there to be told. Before that, they start with the value set. */
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
 * kst_setting_check() - is a value one that its tunable can have
 * @setting: with a text if the tunable is text, and with none if not
 *
 * Context: task, may sleep.
 *
 * Return: 0, or -ERANGE or -EINVAL, for which the tunable's refusal is the text, or -ENOMEM.
 */
int kst_setting_check(const struct kst_setting *setting)
{
	const struct kst_tunable *tunable = &kst_tunables[setting->id];

	if (tunable->def_text)
		return kst_watched_check(setting->text);
	return setting->value >= tunable->min && setting->value <= tunable->max ? 0 : -ERANGE;
}

/**
 * kst_tunable_text() - value of a tunable that is text
 * @tunable: which
 * @buf: where to
 * @size: room there
 *
 * Context: task, may sleep.
 *
 * Return: length of the text.
 */
int kst_tunable_text(const struct kst_tunable *tunable, char *buf, size_t size)
{
	int len;

	mutex_lock(&kst_tunables_lock);
	len = scnprintf(buf, size, "%s", kst_watched_get());
	mutex_unlock(&kst_tunables_lock);
	return len;
}

/* Tell rooms that would else find out only when they wake up next. */
static void kst_tunables_tell(const struct kst_setting *settings, unsigned int nr)
{
	unsigned int i;

	for (i = 0; i < nr; i++) {
		if (settings[i].id == KST_T_zone_interval)
			kst_zones_retune();
		if (settings[i].id == KST_T_task_interval)
			kst_tasks_retune();
	}
}

/**
 * kst_tunables_set() - set tunables, all or none
 * @settings: each tunable at most once
 * @nr: how many
 *
 * Context: task, may sleep.
 *
 * Return: 0; what kst_setting_check() returns or -ENOMEM, and nothing has changed.
 */
int kst_tunables_set(const struct kst_setting *settings, unsigned int nr)
{
	unsigned int i;
	int err = 0;

	for (i = 0; i < nr && !err; i++)
		err = kst_setting_check(&settings[i]);
	if (err)
		return err;

	mutex_lock(&kst_tunables_lock);
	/* What can fail comes first. */
	for (i = 0; i < nr && !err; i++)
		if (settings[i].id == KST_T_history && kst_tunables_live)
			err = kst_history_resize(settings[i].value);
	for (i = 0; i < nr && !err; i++) {
		if (settings[i].text)
			kst_watched_set(settings[i].text, kst_tunables_live);
		else
			WRITE_ONCE(kst_tunables[settings[i].id].value, settings[i].value);
	}
	if (!err && kst_tunables_live)
		kst_tunables_tell(settings, nr);
	mutex_unlock(&kst_tunables_lock);
	return err;
}

/**
 * kst_tunables_start() - tell the rooms that must know, now and whenever a new value is set
 *
 * Return: 0 or -ENOMEM.
 */
int kst_tunables_start(void)
{
	int err;

	mutex_lock(&kst_tunables_lock);
	err = kst_history_resize(kst_tunable(history));
	kst_watched_set(kst_watched_get(), false);
	kst_tunables_live = !err;
	mutex_unlock(&kst_tunables_lock);
	return err;
}

/**
 * kst_tunables_stop() - tell them no more
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
	char text[KST_CPUS_MAX + 2];
	int err;

	if (tunable->def_text) {
		/* A file's line, or a parameter's word. */
		err = strscpy(text, val, sizeof(text)) < 0 ? -EINVAL : 0;
		setting.text = strim(text);
		if (!err)
			err = kst_tunables_set(&setting, 1);
	} else {
		err = kstrtou64(val, 0, &setting.value);
		if (!err)
			err = kst_tunables_set(&setting, 1);
	}
	if (err == -ERANGE || err == -EINVAL)
		pr_err("%s\n", tunable->refusal);
	return err;
}

static int kst_param_get(char *buffer, const struct kernel_param *kp)
{
	const struct kst_tunable *tunable = kp->arg;

	int len;

	if (!tunable->def_text)
		return sysfs_emit(buffer, "%u\n", READ_ONCE(tunable->value));
	len = kst_tunable_text(tunable, buffer, PAGE_SIZE - 1);
	buffer[len++] = '\n';
	buffer[len] = '\0';
	return len;
}

static const struct kernel_param_ops kst_param_ops = {
	.set = kst_param_set,
	.get = kst_param_get,
};

#define KST_TUNABLE(id, unit, min, max, def, doc)                             \
	module_param_cb(id, &kst_param_ops, &kst_tunables[KST_T_##id], 0644); \
	MODULE_PARM_DESC(id, doc " (" #min ".." #max " " unit ")");
#define KST_TUNABLE_TEXT(id, unit, def, doc, refusal)                         \
	module_param_cb(id, &kst_param_ops, &kst_tunables[KST_T_##id], 0644); \
	MODULE_PARM_DESC(id, doc " (" unit ")");
KST_TUNABLE_TABLE
#undef KST_TUNABLE_TEXT
#undef KST_TUNABLE

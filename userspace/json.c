// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>
#include <string.h>
#include <netlink/genl/genl.h>

#include "json.h"
#include "util.h"

/* Length of the character at the start of text; 0 if it is not UTF-8. */
static size_t utf8_len(const char *text)
{
	const unsigned char *t = (const unsigned char *)text;
	unsigned int low = 0x80, high = 0xbf;
	size_t len, i;

	if (t[0] < 0x80)
		return 1;
	if (t[0] < 0xc2 || t[0] > 0xf4)
		return 0;
	len = t[0] < 0xe0 ? 2 : t[0] < 0xf0 ? 3 : 4;
	/* No overlong forms, no surrogates, nothing beyond U+10FFFF. */
	if (t[0] == 0xe0)
		low = 0xa0;
	else if (t[0] == 0xed)
		high = 0x9f;
	else if (t[0] == 0xf0)
		low = 0x90;
	else if (t[0] == 0xf4)
		high = 0x8f;
	for (i = 1; i < len; i++) {
		if (t[i] < low || t[i] > high)
			return 0;
		low = 0x80;
		high = 0xbf;
	}
	return len;
}

/**
 * json_string - make a string of bytes
 * @text: any bytes up to a zero; those that are not UTF-8 are replaced by U+FFFD
 *
 * Return: the string.
 */
struct json_object *json_string(const char *text)
{
	static const char replacement[] = "\xef\xbf\xbd";
	struct json_object *string;
	char *clean;
	size_t size;
	FILE *file = open_memstream(&clean, &size);

	if (!file)
		die("out of memory");
	while (*text) {
		size_t len = utf8_len(text);

		if (len)
			fwrite(text, 1, len, file);
		else
			fputs(replacement, file);
		text += len ? len : 1;
	}
	if (fclose(file))
		die("out of memory");
	string = json_object_new_string_len(clean, size);
	free(clean);
	return string;
}

/**
 * json_enum - name an enumerator
 * @names: of the enum
 * @value: its number
 *
 * Return: the name as a string, or the number if it is newer than this program.
 */
struct json_object *json_enum(const struct spec_names *names, uint32_t value)
{
	const char *name = spec_name(names, value);

	return name ? json_string(name) : json_object_new_uint64(value);
}

static struct json_object *json_from_attrs(const struct spec_set *set, struct nlattr *head,
					   int len);

static struct json_object *json_value(const struct spec_attr *spec, struct nlattr *attr)
{
	switch (spec->type) {
	case SPEC_U32:
	case SPEC_U64:
		if (spec->names)
			return json_enum(spec->names, nla_get_u32(attr));
		return json_object_new_uint64(spec_number(spec, attr));
	case SPEC_S64:
		return json_object_new_int64(nla_get_s64(attr));
	case SPEC_STRING:
		return json_string(nla_get_string(attr));
	case SPEC_NEST:
		return json_from_attrs(spec->nest, nla_data(attr), nla_len(attr));
	default:
		return json_object_new_boolean(1);
	}
}

/* What the set does not know is left out. */
static void json_put_attr(struct json_object *object, const struct spec_set *set,
			  struct nlattr *attr)
{
	const struct spec_attr *spec = spec_of(set, attr);
	struct json_object *array;

	if (!spec)
		return;
	if (!spec->multi) {
		json_object_object_add(object, spec->name, json_value(spec, attr));
		return;
	}
	if (!json_object_object_get_ex(object, spec->name, &array)) {
		array = json_object_new_array();
		json_object_object_add(object, spec->name, array);
	}
	json_object_array_add(array, json_value(spec, attr));
}

static void json_put_attrs(struct json_object *object, const struct spec_set *set,
			   struct nlattr *head, int len)
{
	struct nlattr *attr;
	int rest;

	nla_for_each_attr(attr, head, len, rest) {
		json_put_attr(object, set, attr);
	}
}

static struct json_object *json_from_attrs(const struct spec_set *set, struct nlattr *head, int len)
{
	struct json_object *object = json_object_new_object();

	json_put_attrs(object, set, head, len);
	return object;
}

/**
 * json_from_message - make an object of a message
 * @set: the set that its attributes belong to
 * @nlh: the message
 *
 * Return: the object, with the names of kstallmon.yaml.
 */
struct json_object *json_from_message(const struct spec_set *set, struct nlmsghdr *nlh)
{
	struct genlmsghdr *genl = nlmsg_data(nlh);

	return json_from_attrs(set, genlmsg_attrdata(genl, 0), genlmsg_attrlen(genl, 0));
}

/**
 * json_record - make an object of a message among others of other types
 * @set: the set that its attributes belong to
 * @type: what it is
 * @time: when it was asked for, CLOCK_REALTIME in ns
 * @nlh: the message
 *
 * Return: the object, with the names of kstallmon.yaml and "type" and "time-real".
 */
struct json_object *json_record(const struct spec_set *set, const char *type, uint64_t time,
				struct nlmsghdr *nlh)
{
	struct json_object *object = json_object_new_object();
	struct genlmsghdr *genl = nlmsg_data(nlh);

	json_put_string(object, "type", type);
	json_put_number(object, "time-real", time);
	json_put_attrs(object, set, genlmsg_attrdata(genl, 0), genlmsg_attrlen(genl, 0));
	return object;
}

/**
 * json_take - make an array of a dump: a knl_reply
 * @nlh: as knl_reply's
 * @arg: struct json_dump
 *
 * Return: 0.
 */
int json_take(struct nlmsghdr *nlh, void *arg)
{
	struct json_dump *dump = arg;

	if (nlh)
		return json_object_array_add(
			dump->array, dump->type ?
					     json_record(dump->set, dump->type, dump->time, nlh) :
					     json_from_message(dump->set, nlh));
	json_object_put(dump->array);
	dump->array = json_object_new_array();
	return 0;
}

/**
 * json_put_number - add a number to an object
 * @object: the object
 * @name: the number's
 * @value: the number
 */
void json_put_number(struct json_object *object, const char *name, uint64_t value)
{
	json_object_object_add(object, name, json_object_new_uint64(value));
}

/**
 * json_put_string - add a string to an object
 * @object: the object
 * @name: the string's
 * @text: the string
 */
void json_put_string(struct json_object *object, const char *name, const char *text)
{
	json_object_object_add(object, name, json_string(text));
}

/**
 * json_write - write an object as one line, and free it
 * @file: where to
 * @object: the object
 *
 * DEL and the control characters beyond ASCII are legal in JSON, but terminals
 * may obey them: they are written as escapes.
 */
void json_write(FILE *file, struct json_object *object)
{
	const char *text = json_object_to_json_string_ext(
		object, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE);

	for (; *text; text++) {
		unsigned char c = text[0], next = text[1];

		if (c == 0x7f) {
			fputs("\\u007f", file);
		} else if (c == 0xc2 && next < 0xa0) {
			fprintf(file, "\\u%04x", next);
			text++;
		} else {
			fputc(c, file);
		}
	}
	fputc('\n', file);
	json_object_put(object);
}

/**
 * json_write_all - write each object of an array as one line, and free them
 * @file: where to
 * @array: the objects
 */
void json_write_all(FILE *file, struct json_object *array)
{
	for (size_t i = 0; i < json_object_array_length(array); i++)
		json_write(file, json_object_get(json_object_array_get_idx(array, i)));
	json_object_put(array);
}

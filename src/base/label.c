/* SPDX-License-Identifier: MIT */
/*
 * label.c - labels that the user wants on all metrics.
 *
 * What was read is kept as name, zero, value, zero, and an empty name at the
 * end.  An empty value is how Prometheus says that there is no such label:
 * "pid=" leaves the process id out.  Names of our own may not be used else.
 */
#include "base/label.h"

#include <string.h>

static char kept[LABELS_MOST];

static const char ours[][9] = { "program",  "class", "pool",	"kind",
				"hardened", "size",  "version", "le" };

static RARE bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static RARE bool is_name(const char *name, size_t length, bool has_value)
{
	if (!length || !is_letter(*name) || strncmp(name, "__", 2) == 0)
		return false;
	for (size_t i = 1; i < length; i++)
		if (!is_letter(name[i]) && (name[i] < '0' || name[i] > '9'))
			return false;
	for (size_t i = 0; i < sizeof ours / sizeof *ours; i++)
		if (length == strlen(ours[i]) &&
		    strncmp(name, ours[i], length) == 0)
			return false;
	return !has_value || length != 3 || strncmp(name, "pid", 3) != 0;
}

/* How many bytes of `value` may be one. */
static RARE size_t value_length(const char *value)
{
	size_t length = 0;

	while ((unsigned char)value[length] >= ' ' && value[length] != 0x7f &&
	       !strchr(",\"'\\", value[length]))
		length++;
	return length;
}

/* The first of that name; NULL: there is none. */
static RARE const char *find(const char *labels, const char *name,
			     size_t length)
{
	const char *other, *value;

	while (label_next(&labels, &other, &value))
		if (strlen(other) == length && !strncmp(other, name, length))
			return other;
	return NULL;
}

bool RARE label_read(const char *text, const char **labels, size_t *place)
{
	const char *at = text;
	char read[LABELS_MOST] = "", *to = read;

	while (*at) {
		size_t length = strcspn(at, "=,"), value;

		*place = (size_t)(at - text) + 1;
		if (at[length] != '=' || find(read, at, length))
			return false;
		value = value_length(at + length + 1);
		if (!is_name(at, length, value) ||
		    (size_t)(to - read) + length + value + 3 > sizeof read)
			return false;
		memcpy(to, at, length);
		to += length;
		*to++ = '\0';
		memcpy(to, at + length + 1, value);
		to += value;
		*to++ = '\0';
		*to = '\0';
		at += length + 1 + value;
		*place = (size_t)(at - text) + 1;
		if (*at == ',' && at[1])
			at++;
		else if (*at)
			return false;
	}
	memcpy(kept, read, sizeof kept);
	*labels = *text ? kept : NULL;
	return true;
}

bool RARE label_sound(const char *labels)
{
	const char *at = labels, *name, *value;

	while (label_next(&at, &name, &value)) {
		size_t length = strlen(name);

		if (!is_name(name, length, *value) ||
		    value[value_length(value)] ||
		    find(labels, name, length) != name)
			return false;
	}
	return true;
}

bool RARE label_next(const char **at, const char **name, const char **value)
{
	if (!*at || !**at)
		return false;
	*name = *at;
	*value = *name + strlen(*name) + 1;
	*at = *value + strlen(*value) + 1;
	return true;
}

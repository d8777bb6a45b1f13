/* SPDX-License-Identifier: MIT */
/*
 * profile_words.c - the words, numbers and strings of a profile's line.
 */
#include "profile_words.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

bool words_next(char **at, char **word)
{
	while (**at == ' ')
		++*at;
	*word = *at;
	while (**at && **at != ' ')
		++*at;
	if (**at)
		*(*at)++ = '\0';
	return **word;
}

bool words_number(char **at, uint64_t *n)
{
	char *word, *end;

	if (!words_next(at, &word) || *word == '-' || *word == '+')
		return false;
	errno = 0;
	*n = strtoull(word, &end, word[0] == '0' && word[1] == 'x' ? 16 : 10);
	return !*end && !errno;
}

bool words_numbers(char **at, unsigned count, uint64_t *numbers)
{
	for (unsigned i = 0; i < count; i++)
		if (!words_number(at, &numbers[i]))
			return false;
	return true;
}

/* \uXXXX of a control character or of U+FFFD; others are written plainly. */
static bool unescape_unicode(const char *digits, char **out)
{
	unsigned code;
	char hex[5] = { 0 };

	memcpy(hex, digits, strnlen(digits, 4));
	if (strspn(hex, "0123456789abcdefABCDEF") != 4)
		return false;
	code = (unsigned)strtoul(hex, NULL, 16);
	if (code < 0x80) {
		*(*out)++ = (char)code;
	} else if (code < 0x800) {
		*(*out)++ = (char)(0xc0 | code >> 6);
		*(*out)++ = (char)(0x80 | (code & 0x3f));
	} else {
		*(*out)++ = (char)(0xe0 | code >> 12);
		*(*out)++ = (char)(0x80 | (code >> 6 & 0x3f));
		*(*out)++ = (char)(0x80 | (code & 0x3f));
	}
	return true;
}

bool words_string(char **at, char **string)
{
	static const char letters[] = "bfnrt\"\\/", meant[] = "\b\f\n\r\t\"\\/";
	char *in, *out;

	while (**at == ' ')
		++*at;
	if (*(*at)++ != '"')
		return false;
	*string = in = out = *at;
	while (*in != '"') {
		const char *letter;

		if (!*in)
			return false;
		if (*in != '\\') {
			*out++ = *in++;
		} else if (in[1] == 'u') {
			if (!unescape_unicode(in + 2, &out))
				return false;
			in += 6;
		} else {
			letter = in[1] ? strchr(letters, in[1]) : NULL;
			if (!letter)
				return false;
			*out++ = meant[letter - letters];
			in += 2;
		}
	}
	*at = in + 1;
	*out = '\0';
	return true;
}

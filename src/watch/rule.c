/* SPDX-License-Identifier: MIT */
/*
 * rule.c - how the frame of a caller is found.
 *
 * _dl_find_object() of glibc 2.35 takes no lock: a malloc in the middle of
 * dlopen, in a callback of dl_iterate_phdr or in a handler may ask it.  It
 * gives the library's .eh_frame_hdr, a sorted table of functions; each entry
 * leads to a program of the DWARF call frame machine (DWARF 5, 6.4), which is
 * run up to the address.  Rules of registers other than bp are passed over.
 */
#include "watch/rule.h"

#if RULES

#include <dlfcn.h>
#include <string.h>

enum { REG_BP = 6, REG_SP = 7, REG_RA = 16 };
enum { OP_BP = 0x76, OP_DEREF = 0x06 }; /* DW_OP_breg6, DW_OP_deref */
enum { REMEMBERED = 8 };

/* What CIE and FDE say before their instructions. */
struct entry {
	const uint8_t *initial, *initial_end; /* the CIE's instructions */
	const uint8_t *code, *code_end;	      /* the FDE's */
	uintptr_t start, bytes;		      /* of the function */
	uint64_t code_unit;
	int64_t data_unit;
	uint8_t encoding; /* of addresses */
	bool signal;
};

struct machine {
	const struct entry *entry;
	uintptr_t pc, at;
	struct rule rule, initial, remembered[REMEMBERED];
	unsigned depth;
	uint64_t cfa_reg, remembered_reg[REMEMBERED];
};

static uint64_t get(const uint8_t **at, unsigned bytes)
{
	uint64_t n = 0;

	memcpy(&n, *at, bytes);
	*at += bytes;
	return n;
}

/* LEB128 (DWARF 5, 7.6): seven bits a byte, the lowest first. */
static uint64_t leb(const uint8_t **at, bool is_signed)
{
	uint64_t n = 0;
	unsigned shift = 0;
	uint8_t byte;

	do {
		byte = *(*at)++;
		if (shift < 64)
			n |= (uint64_t)(byte & 0x7f) << shift;
		shift += 7;
	} while (byte & 0x80);
	if (is_signed && byte & 0x40 && shift < 64)
		n |= ~UINT64_C(0) << shift;
	return n;
}

static uint64_t uleb(const uint8_t **at)
{
	return leb(at, false);
}

static int64_t sleb(const uint8_t **at)
{
	return (int64_t)leb(at, true);
}

/* --- CIE and FDE --- */

/* Bytes of an encoded address (DW_EH_PE_); 0: not one that is expected. */
static unsigned encoded_bytes(uint8_t encoding)
{
	static const uint8_t bytes[8] = { 8, 0, 2, 4, 8 };

	return encoding & 0x60 ? 0 : bytes[encoding & 7];
}

static bool read_cie(struct entry *e, const uint8_t *cie)
{
	const uint8_t *at = cie + 4, *end;
	const char *letters;
	uint32_t length;

	memcpy(&length, cie, 4);
	end = at + length;
	at += 4; /* that it is a CIE */
	if (length == UINT32_MAX || (*at != 1 && *at != 3))
		return false;
	letters = (const char *)++at;
	at += strlen(letters) + 1;
	e->code_unit = uleb(&at);
	e->data_unit = sleb(&at);
	if (uleb(&at) != REG_RA)
		return false;
	e->encoding = 0;
	if (*letters == 'z') {
		uint64_t size = uleb(&at);

		e->initial = at + size;
		while (*++letters) {
			if (*letters == 'R')
				e->encoding = *at++;
			else if (*letters == 'P')
				at += 1 + encoded_bytes(*at);
			else if (*letters == 'L')
				at++;
			else if (*letters == 'S')
				e->signal = true;
		}
	} else {
		e->initial = at;
		if (*letters)
			return false;
	}
	e->initial_end = end;
	return true;
}

static bool read_fde(struct entry *e, const uint8_t *fde)
{
	const uint8_t *at = fde + 4, *cie;
	unsigned bytes;
	uint32_t length, back;

	memcpy(&length, fde, 4);
	memcpy(&back, at, 4);
	cie = at - back;
	e->code_end = at + length;
	at += 4;
	if (length == UINT32_MAX || !read_cie(e, cie))
		return false;
	bytes = encoded_bytes(e->encoding);
	if (!bytes)
		return false;
	at += bytes; /* the start: known from the table */
	e->bytes = get(&at, bytes);
	at += uleb(&at); /* augmentation */
	e->code = at;
	return true;
}

struct table_row {
	int32_t start, fde;
};

/*
 * The function's entry in .eh_frame_hdr.  *listed: there is one at all; false
 * with that: of a form that is not expected.
 */
static bool find_entry(struct entry *e, uintptr_t pc, bool *listed,
		       bool *lasting)
{
	enum { PCREL_4 = 0x1b, PLAIN_4 = 0x03, DATAREL_4 = 0x3b };
	struct dl_find_object object;
	const struct table_row *rows;
	const uint8_t *header;
	uint32_t low = 0, high;

	*listed = false;
	*lasting = _dl_find_object((void *)pc, &object) == 0;
	if (!*lasting || !object.dlfo_eh_frame)
		return false;
	header = object.dlfo_eh_frame;
	*listed = true;
	if (header[0] != 1 || header[1] != PCREL_4 || header[2] != PLAIN_4 ||
	    header[3] != DATAREL_4)
		return false;
	memcpy(&high, header + 8, 4);
	rows = (const void *)(header + 12);
	while (high - low > 1) {
		uint32_t middle = (low + high) / 2;

		if ((uintptr_t)(header + rows[middle].start) <= pc)
			low = middle;
		else
			high = middle;
	}
	e->start = (uintptr_t)(header + rows[low].start);
	*listed = high && e->start <= pc;
	if (!*listed || !read_fde(e, header + rows[low].fde))
		return false;
	*listed = pc - e->start < e->bytes;
	return *listed;
}

/* --- the call frame machine --- */

static bool fits(int64_t n, unsigned bits)
{
	return n >= -(INT64_C(1) << (bits - 1)) && n < INT64_C(1) << (bits - 1);
}

static void set_cfa(struct machine *m, uint64_t reg, int64_t offset)
{
	m->cfa_reg = reg;
	if (m->rule.kind == RULE_END)
		return;
	m->rule.kind = reg == REG_SP   ? RULE_SP
		       : reg == REG_BP ? RULE_BP
				       : RULE_UNUSUAL;
	m->rule.offset = offset;
	if (!fits(offset, 32))
		m->rule.kind = RULE_UNUSUAL;
}

static void set_bp(struct machine *m, enum rule_saved saved, int64_t offset)
{
	m->rule.saved = saved;
	m->rule.bp_offset = offset;
	if (!fits(offset, 26))
		m->rule.kind = RULE_UNUSUAL;
}

/* A register is saved at CFA + offset. */
static void save(struct machine *m, uint64_t reg, int64_t offset)
{
	if (reg == REG_BP)
		set_bp(m, SAVED_AT_CFA, offset);
	if (reg == REG_RA && offset != -8)
		m->rule.kind = RULE_UNUSUAL;
}

static void restore(struct machine *m, uint64_t reg)
{
	if (reg != REG_BP)
		return;
	m->rule.saved = m->initial.saved;
	m->rule.bp_offset = m->initial.bp_offset;
}

/* CFA = *(bp + offset), as gcc has it where it realigns the stack. */
static void cfa_expression(struct machine *m, const uint8_t **at)
{
	uint64_t bytes = uleb(at);
	const uint8_t *end = *at + bytes, *op = *at;
	int64_t offset = 0;

	m->rule.kind = RULE_UNUSUAL;
	if (bytes && *op++ == OP_BP) {
		offset = sleb(&op);
		if (op + 1 == end && *op == OP_DEREF && fits(offset, 32)) {
			m->rule.kind = RULE_AT_BP;
			m->rule.offset = offset;
		}
	}
	*at = end;
}

static void register_expression(struct machine *m, const uint8_t **at,
				bool is_place)
{
	uint64_t reg = uleb(at), bytes = uleb(at);
	const uint8_t *end = *at + bytes, *op = *at;

	if (reg == REG_RA) {
		m->rule.kind = RULE_UNUSUAL;
	} else if (reg == REG_BP) {
		if (is_place && bytes && *op++ == OP_BP)
			set_bp(m, SAVED_AT_BP, sleb(&op));
		if (op != end)
			m->rule.kind = RULE_UNUSUAL;
	}
	*at = end;
}

/* A register's value is lost, or in another register. */
static void lose(struct machine *m, uint64_t reg, enum rule_kind kind)
{
	if (reg == REG_RA)
		m->rule.kind = kind;
	if (reg == REG_BP)
		set_bp(m, SAVED_NOT, 0);
}

/* False: not known, or past the address. */
static bool advance(struct machine *m, uint64_t units)
{
	m->at += units * m->entry->code_unit;
	return m->at <= m->pc;
}

static bool extended(struct machine *m, uint8_t op, const uint8_t **at)
{
	int64_t unit = m->entry->data_unit;
	uint64_t reg;

	switch (op) {
	case 0x00: /* nop */
		return true;
	case 0x02: /* advance_loc1, 2, 4 */
		return advance(m, get(at, 1));
	case 0x03:
		return advance(m, get(at, 2));
	case 0x04:
		return advance(m, get(at, 4));
	case 0x05: /* offset_extended */
		reg = uleb(at);
		save(m, reg, (int64_t)uleb(at) * unit);
		return true;
	case 0x11: /* offset_extended_sf */
		reg = uleb(at);
		save(m, reg, sleb(at) * unit);
		return true;
	case 0x06: /* restore_extended */
		restore(m, uleb(at));
		return true;
	case 0x07: /* undefined: of the return address, the end */
		lose(m, uleb(at), RULE_END);
		return true;
	case 0x08: /* same_value */
		lose(m, uleb(at), RULE_UNUSUAL);
		return true;
	case 0x09: /* register */
		lose(m, uleb(at), RULE_UNUSUAL);
		uleb(at);
		return true;
	case 0x0a: /* remember_state */
		if (m->depth == REMEMBERED)
			break;
		m->remembered_reg[m->depth] = m->cfa_reg;
		m->remembered[m->depth++] = m->rule;
		return true;
	case 0x0b: /* restore_state */
		if (!m->depth)
			break;
		m->rule = m->remembered[--m->depth];
		m->cfa_reg = m->remembered_reg[m->depth];
		return true;
	case 0x0c: /* def_cfa */
		reg = uleb(at);
		set_cfa(m, reg, (int64_t)uleb(at));
		return true;
	case 0x12: /* def_cfa_sf */
		reg = uleb(at);
		set_cfa(m, reg, sleb(at) * unit);
		return true;
	case 0x0d: /* def_cfa_register */
		set_cfa(m, uleb(at), m->rule.offset);
		return true;
	case 0x0e: /* def_cfa_offset */
		set_cfa(m, m->cfa_reg, (int64_t)uleb(at));
		return true;
	case 0x13: /* def_cfa_offset_sf */
		set_cfa(m, m->cfa_reg, sleb(at) * unit);
		return true;
	case 0x0f: /* def_cfa_expression */
		cfa_expression(m, at);
		return true;
	case 0x10: /* expression, val_expression */
	case 0x16:
		register_expression(m, at, op == 0x10);
		return true;
	case 0x14: /* val_offset, val_offset_sf */
	case 0x15:
		lose(m, uleb(at), RULE_UNUSUAL);
		uleb(at);
		return true;
	case 0x2e: /* GNU_args_size */
		uleb(at);
		return true;
	}
	m->rule.kind = RULE_UNUSUAL;
	return false;
}

static void run(struct machine *m, const uint8_t *at, const uint8_t *end)
{
	bool on = true;

	while (on && at < end) {
		uint8_t op = *at++, low = op & 0x3f;

		switch (op >> 6) {
		case 0:
			on = extended(m, op, &at);
			break;
		case 1: /* advance_loc */
			on = advance(m, low);
			break;
		case 2: /* offset */
			save(m, low, (int64_t)uleb(&at) * m->entry->data_unit);
			break;
		case 3: /* restore */
			restore(m, low);
			break;
		}
	}
}

struct rule rule_find(uintptr_t pc, bool *lasting)
{
	struct entry entry = { .signal = false };
	struct machine m = { .entry = &entry, .pc = pc };
	bool listed;

	if (!find_entry(&entry, pc, &listed, lasting)) {
		m.rule.kind = listed ? RULE_UNUSUAL : RULE_NONE;
		return m.rule;
	}
	if (entry.signal) {
		m.rule.kind = RULE_SIGNAL;
		return m.rule;
	}
	m.at = entry.start;
	run(&m, entry.initial, entry.initial_end);
	m.initial = m.rule;
	run(&m, entry.code, entry.code_end);
	return m.rule;
}

#endif

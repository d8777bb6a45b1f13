/* SPDX-License-Identifier: MIT */
/*
 * proc.c - what /proc says of a process.
 */
#include "proc.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static FILE *open_file(uint64_t pid, const char *name)
{
	char path[128];

	snprintf(path, sizeof path, "/proc/%llu/%s", (unsigned long long)pid,
		 name);
	return fopen(path, "re");
}

static uint64_t number_in(const char *text)
{
	return strtoull(text, NULL, 10);
}

static void read_line(struct proc_status *status, const char *line)
{
	unsigned long long uids[3];

	if (!strncmp(line, "State:\t", 7))
		status->state = line[7];
	else if (!strncmp(line, "Tgid:\t", 6))
		status->pid = number_in(line + 6);
	else if (!strncmp(line, "NSpid:\t", 7))
		status->own_pid = number_in(strrchr(line, '\t') + 1);
	else if (!strncmp(line, "VmRSS:\t", 7))
		status->rss_bytes = number_in(line + 7) << 10;
	else if (!strncmp(line, "VmHWM:\t", 7))
		status->peak_rss_bytes = number_in(line + 7) << 10;
	else if (sscanf(line, "Uid: %llu %llu %llu", &uids[0], &uids[1],
			&uids[2]) == 3)
		for (int i = 0; i < 3; i++)
			status->uids[i] = uids[i];
}

static bool read_status(uint64_t pid, struct proc_status *status)
{
	FILE *file = open_file(pid, "status");
	char line[256];

	*status = (struct proc_status){ 0 };
	if (!file)
		return false;
	while (fgets(line, sizeof line, file))
		read_line(status, line);
	fclose(file);
	status->thread = pid;
	return status->pid != 0;
}

static bool has_ended(const struct proc_status *status)
{
	return status->state == 'Z' || status->state == 'X';
}

/* Of a main thread that has ended the kernel knows no memory: others do. */
static void ask_others(struct proc_status *status)
{
	char path[64];
	struct dirent *entry;
	DIR *dir;

	snprintf(path, sizeof path, "/proc/%llu/task",
		 (unsigned long long)status->pid);
	dir = opendir(path);
	while (dir && has_ended(status) && (entry = readdir(dir))) {
		struct proc_status other;

		if (!read_status(number_in(entry->d_name), &other) ||
		    has_ended(&other))
			continue;
		other.own_pid = status->own_pid;
		*status = other;
	}
	if (dir)
		closedir(dir);
}

bool proc_status(uint64_t pid, struct proc_status *status)
{
	if (!read_status(pid, status))
		return false;
	if (has_ended(status))
		ask_others(status);
	return true;
}

/* Without its end, when there is more of it. */
static bool read_text(uint64_t pid, const char *name, char *text, size_t size)
{
	FILE *file = open_file(pid, name);
	size_t n = file ? fread(text, 1, size - 1, file) : 0;

	if (file)
		fclose(file);
	text[n] = '\0';
	return *text != '\0';
}

uint64_t proc_start_ticks(uint64_t pid)
{
	unsigned long long ticks = 0;
	char text[1024], *at, state;
	int threads;

	/* The name in field 2 may hold anything, a newline too. */
	if (!read_text(pid, "stat", text, sizeof text))
		return 0;
	at = strrchr(text, ')');
	if (!at || sscanf(at,
			  ") %c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u "
			  "%*u %*u %*d %*d %*d %*d %d",
			  &state, &threads) != 2)
		return 0;
	/* Nobody has waited for it; but threads may outlive the first. */
	if ((state == 'Z' || state == 'X') && threads <= 1)
		return 0;
	for (int field = 2; at && field < 22; field++)
		at = strchr(at + 1, ' ');
	if (at && (at[1] < '0' || sscanf(at, "%llu", &ticks) != 1))
		return 0;
	return ticks;
}

uint64_t proc_namespace(uint64_t pid)
{
	char path[64];
	struct stat st;

	snprintf(path, sizeof path, "/proc/%llu/ns/pid",
		 (unsigned long long)pid);
	return stat(path, &st) == 0 ? st.st_ino : 0;
}

uint64_t proc_translate(uint64_t pid, uint64_t where, uint64_t start_ticks)
{
	DIR *dir = opendir("/proc");
	struct proc_status status;
	struct dirent *entry;
	uint64_t found = 0;

	while (dir && !found && (entry = readdir(dir))) {
		uint64_t here = number_in(entry->d_name);

		if (here && proc_start_ticks(here) == start_ticks &&
		    proc_namespace(here) == where &&
		    proc_status(here, &status) && status.own_pid == pid)
			found = here;
	}
	if (dir)
		closedir(dir);
	return found;
}

static bool can_be_sent(uint64_t pid, const char *thread, const char *name,
			int signal_number)
{
	char path[64], line[256], own[64] = "";
	unsigned long long blocked = ~0ULL;
	FILE *file;

	snprintf(path, sizeof path, "task/%.20s/status", thread);
	file = open_file(pid, path);
	while (file && fgets(line, sizeof line, file)) {
		sscanf(line, "Name: %63s", own);
		sscanf(line, "SigBlk: %llx", &blocked);
	}
	if (file)
		fclose(file);
	return !strcmp(own, name) && !(blocked >> (signal_number - 1) & 1);
}

uint64_t proc_thread(uint64_t pid, const char *name, int signal_number)
{
	uint64_t found = 0;
	struct dirent *entry;
	char path[64];
	DIR *dir;

	snprintf(path, sizeof path, "/proc/%llu/task", (unsigned long long)pid);
	dir = opendir(path);
	while (dir && !found && (entry = readdir(dir)))
		if (number_in(entry->d_name) != pid &&
		    can_be_sent(pid, entry->d_name, name, signal_number))
			found = number_in(entry->d_name);
	if (dir)
		closedir(dir);
	return found;
}

void proc_name(uint64_t pid, char *name, size_t size)
{
	char text[4096], *slash;

	if (!read_text(pid, "cmdline", text, sizeof text)) {
		read_text(pid, "comm", text, sizeof text);
		if (*text) /* the kernel's newline, not one of the name */
			text[strlen(text) - 1] = '\0';
	}
	slash = strrchr(text, '/');
	snprintf(name, size, "%s", slash ? slash + 1 : text);
}

uint64_t proc_child_of_own_kind(uint64_t pid)
{
	unsigned long long id = pid, child = 0;
	struct stat own, other;
	char path[96];
	FILE *file;

	snprintf(path, sizeof path, "/proc/%llu/exe", id);
	if (stat("/proc/self/exe", &own) < 0 || stat(path, &other) < 0 ||
	    own.st_dev != other.st_dev || own.st_ino != other.st_ino)
		return 0;
	snprintf(path, sizeof path, "/proc/%llu/task/%llu/children", id, id);
	file = fopen(path, "re");
	if (file && fscanf(file, "%llu", &child) != 1)
		child = 0;
	if (file)
		fclose(file);
	return child;
}

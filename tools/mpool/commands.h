/* SPDX-License-Identifier: MIT */
/*
 * commands.h - the subcommands of mpool, each in the file of its name.
 */
#ifndef MPOOL_COMMANDS_H
#define MPOOL_COMMANDS_H

int command_run(int argc, char **argv);
int command_stat(int argc, char **argv);
int command_top(int argc, char **argv);
int command_prof(int argc, char **argv);
int command_leaks(int argc, char **argv);
int command_trace(int argc, char **argv);
int command_replay(int argc, char **argv);
int command_report(int argc, char **argv);
int command_export(int argc, char **argv);

extern const char help_run[], help_stat[], help_top[], help_prof[],
	help_leaks[], help_trace[], help_replay[], help_report[], help_export[];

#endif

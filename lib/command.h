/* command.h - run a program of the system, without a shell and with an environment of ours, and read
 * what it says. A program that still runs when a check's time is up is ended with it (command_end). */
#ifndef MX_COMMAND_H
#define MX_COMMAND_H

#include <stdbool.h>

#include "buf.h"
#include "err.h"

/* take is called with each piece of what it prints; the beginning of what it says on stderr is added to
 * said. *status is waitpid's. False and *e: it could not be run. */
bool command_run(const char *const *argv, void (*take)(void *arg, struct slice piece), void *arg,
    struct buf *said, int *status, struct err *e);

/* The same, and in is what it finds on its standard input. */
bool command_feed(const char *const *argv, struct slice in, void (*take)(void *arg, struct slice piece), void *arg,
    struct buf *said, int *status, struct err *e);

/* All that it prints into out, which has to hold it. False and *e also where it fails. */
bool command_read(const char *const *argv, struct buf *out, struct err *e);

/* End the program that runs just now, if one does: for whoever will not wait for it. Fit for a signal's handler. */
void command_end(void);

/* Why a program failed, in its own words if it has any. */
bool command_failed(struct err *e, const char *program, struct slice said, int status);

/* The words of a command that an administrator wrote, split at blanks, then more (up to NULL), into argv, which
 * has room for COMMAND_WORDS. They are never freed. */
enum { COMMAND_WORDS = 24 };
void command_words(const char *text, const char *const *more, const char *argv[COMMAND_WORDS]);

#endif

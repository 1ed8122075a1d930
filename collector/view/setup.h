/* setup.h - propose a configuration for this machine. */
#ifndef MX_SETUP_H
#define MX_SETUP_H

#include <stdbool.h>

#include "buf.h"
#include "err.h"

/* Append a commented configuration that fits the machine whose files are below
 * root (""). state: its state folder, NULL for the usual one. It passes
 * config_parse() also where no log was found, then with a remark what to do. */
void setup_text(const char *root, const char *state, struct buf *out);

/* Append docs/configuration.md: every setting with its default and limits. */
void setup_manual(struct buf *out);

/* `mxgauge setup [--root DIR] [--state DIR]` and `mxgauge setup --manual`: print
 * them to stdout. */
bool setup_run(const char *root, const char *state, struct err *e);
bool setup_run_manual(struct err *e);

#endif

/* watch.h - be woken when files or folders change.
 *
 * A hint and no more: whoever waits looks again every second anyway, because
 * network file systems and deleted files tell nothing. Where there is no inotify
 * the descriptor is -1 and only the second counts. */
#ifndef MX_WATCH_H
#define MX_WATCH_H

#include <stdbool.h>

/* A descriptor to poll for reading, or -1. */
int watch_new(void);
void watch_free(int fd);
/* Names that come and go in a folder. */
void watch_folder(int fd, const char *path);
/* Growth of a file; a number for watch_drop, -1 if there is none. */
int watch_file(int fd, const char *path);
void watch_drop(int fd, int wd);
/* Several descriptors as one, readable while any of these is. One that is closed leaves by
 * itself; to add one again does no harm. */
int watch_group_new(void);
void watch_group_add(int group, int fd);
/* Take what has happened: was it a new name? */
bool watch_drain(int fd);

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * One configuration file, read whole.
 */
#ifndef CONFIG_FILE_H
#define CONFIG_FILE_H

#include "config/pool.h"

#include <sys/types.h>

enum { FILE_BYTES_MAX = 1024 * 1024 };

struct file {
    const char *text; /* not NUL-terminated */
    size_t length;
    dev_t device; /* and inode: which file it is, by whatever name */
    ino_t inode;
};

/* Returns NULL, or why it cannot be read ("it is a directory"; good until the next call). Never blocks,
 * not even on a FIFO. */
const char *file_read(struct file *file, const char *path, struct pool *memory);

/* The folder a path stands in ("/" and "." included), and 'path' as seen from a folder. */
char *file_directory(const char *path, struct pool *memory);
char *file_join(const char *directory, const char *path, struct pool *memory);

#endif

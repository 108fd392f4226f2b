/* SPDX-License-Identifier: Apache-2.0
 *
 * Opening a log file, which root may do in a folder that is another user's. Runs in the master.
 */
#ifndef MASTER_LOG_FILE_H
#define MASTER_LOG_FILE_H

/* Opens 'path' to append to, makes it if it is not there. Root follows no symbolic link that another user made; a pipe needs a reader, for
 * nobody is waited for. Returns the descriptor, or -1 with errno. */
int log_file_open(const char *path);

/* That errno in words. */
const char *log_file_why(int error);

#endif

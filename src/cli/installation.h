/* SPDX-License-Identifier: Apache-2.0
 *
 * Where the things are that came with this binary: beside it in the folder it was built in, or where `make install` puts them.
 */
#ifndef CLI_INSTALLATION_H
#define CLI_INSTALLATION_H

struct installation {
    char *binary;    /* this one, absolute */
    char *makefile;  /* tine.mk */
    char *pkgconfig; /* the folder that tine.pc is in */
};

/* 0, or -1 after telling what is missing. Release it in both cases. */
int installation_find(struct installation *installation, const char *command);
void installation_release(struct installation *installation);

#endif

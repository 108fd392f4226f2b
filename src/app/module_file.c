/* SPDX-License-Identifier: Apache-2.0
 *
 * See module_file.h.
 */
#include "app/module_file.h"

#include "base/io.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Is the file whole? One that is still being copied ends before the tables that its head promises. */
static const char *check_elf(int fd, off_t size)
{
    Elf64_Ehdr head;
    if (pread(fd, &head, sizeof head, 0) != sizeof head || memcmp(head.e_ident, ELFMAG, SELFMAG) != 0)
        return "it is not a shared object (no ELF head)";
    if (head.e_ident[EI_CLASS] != ELFCLASS64)
        return NULL; /* dlopen() will say more */
    uint64_t end = head.e_shoff + (uint64_t)head.e_shnum * head.e_shentsize;
    uint64_t segments = head.e_phoff + (uint64_t)head.e_phnum * head.e_phentsize;
    return end > (uint64_t)size || segments > (uint64_t)size ? "it is cut off: is it still being copied?" : NULL;
}

int module_file_open(const char *path, const char **wrong)
{
    struct stat status;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) {
        *wrong = errno == ENOENT ? "there is no such file: was it built (make)?" : strerror(errno);
        return -1;
    }
    *wrong = fstat(fd, &status) < 0 || !S_ISREG(status.st_mode) ? "it is not a file" : check_elf(fd, status.st_size);
    if (*wrong != NULL)
        io_close(&fd);
    return fd;
}

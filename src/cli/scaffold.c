/* SPDX-License-Identifier: Apache-2.0
 *
 * See scaffold.h. The assembler takes the files in as they are, so that they can be read, and compiled by tests, where they lie.
 */
#include "cli/scaffold.h"

#define INCLUDED(symbol, file)                                                                                            \
    __asm__(".pushsection .rodata\n.globl scaffold_" #symbol ", scaffold_" #symbol "_end\n"                               \
            "scaffold_" #symbol ": .incbin \"src/cli/scaffold/" file "\"\nscaffold_" #symbol "_end: .byte 0\n.popsection"); \
    extern const char scaffold_##symbol[], scaffold_##symbol##_end[];

INCLUDED(module, "module.c")
INCLUDED(ini, "module.ini")
INCLUDED(test, "test.c")
INCLUDED(makefile, "Makefile")
INCLUDED(gitignore, "gitignore")

const struct scaffold_file scaffold_files[] = {
    {"@NAME@.c", scaffold_module, scaffold_module_end, "the handlers: begin here"},
    {"@NAME@.ini", scaffold_ini, scaffold_ini_end, "address and path that they are served at"},
    {"test.c", scaffold_test, scaffold_test_end, "calls them without a network"},
    {"Makefile", scaffold_makefile, scaffold_makefile_end, "make, make test, make run"},
    {".gitignore", scaffold_gitignore, scaffold_gitignore_end, "what is built"},
};
const size_t scaffold_file_count = sizeof scaffold_files / sizeof scaffold_files[0];

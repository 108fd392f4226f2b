# SPDX-License-Identifier: Apache-2.0
#
# What `make install` makes of the links of README.md and src/man/*.md, which then lie in share/doc/tine: they lead to where things are
# installed, and those to what is not (tests, scripts) are links no more.
s,](src/man/,](,g
s,](\(\.\./\)*src/examples,](examples,g
s,](\.\./examples,](examples,g
s,](\(\.\./\.\./\)*include/,](../../../include/,g
s,](\.\./\.\./README\.md,](README.md,g
s,](\(\.\./\.\./\)*etc/server\.ini),](../../tine/server.ini),g
s,](\(\.\./\.\./\)*etc/\(tine\.[a-z]*\)),](../../../lib/systemd/system/\2),g
s,](\(\.\./\.\./\)*etc/\([a-z.]*\)),](../../tine/\2.example),g
s,\[\([^]]*\)\](\(tests\|scripts\)/[^)]*),\1,g

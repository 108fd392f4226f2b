# SPDX-License-Identifier: Apache-2.0
#
# make            build/tine and the example modules (notes.so where there is libsqlite3-dev, postgres.so where there is libpq-dev)
# make run        serve etc/server.ini
# make test       every test; make T=head test runs one suite, make suites lists them
# make measure    what the README promises in numbers; make M=idle measure makes one of them
# make disruption what clients lose while things are done to the server, ten seconds each; R=hup does one of them
# make fuzz       every fuzz target for SECONDS=60 (or RUNS=1000000 inputs); T=head does one; needs clang
# make conformance what the RFCs ask of an origin server, case by case; PEER=nginx, apache or h2o asks that one instead
# make mutation   which checks no case would miss, and which cases nothing makes fail; F=head tries src/http/head.c; JOBS=2
# make check      what CI runs: gcc, clang, sanitizers
# make release    build/release/tine, optimized across files and by profile; needs wrk
# make man        build/man: tine(8), tine(3), tine_test(3) and tine_batteries(3) of the headers, tine.ini(5) of the tables of options
# make install    PREFIX=/usr/local DESTDIR=; with B=build/release that one; make uninstall takes it away
#
# B= is the folder to build in, SANITIZE=address,undefined and WERROR=1 do what they say; CFLAGS and the like are
# added to our own.

ifeq ($(MAKECMDGOALS),fuzz)
B         = build/fuzz
CC        = clang
SANITIZE  = fuzzer-no-link,address,undefined
# NULL + 0, as with the bytes of an empty slice, is no mistake in any compiler there is, nor in the next C (N3322).
CFLAGS   += -fno-sanitize=pointer-overflow
endif

PREFIX   ?= /usr/local
B        ?= build
CC       ?= cc
OPTIMIZE ?= -O2
VERSION  := 0.1
RELEASED := November 22, 2026

WARNINGS := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith -Wvla
OWN_CPPFLAGS := -D_GNU_SOURCE -DTINE_VERSION='"$(VERSION)"' -Iinclude -Isrc
OWN_CFLAGS   := -std=gnu11 -g $(OPTIMIZE) -fPIC -fno-semantic-interposition -fno-plt -fvisibility=hidden -fstack-protector-strong $(WARNINGS)
OWN_LDFLAGS  := -pie -Wl,-z,relro,-z,now
MODULE_FLAGS := -std=gnu11 -g $(OPTIMIZE) -fPIC -shared -Wall -Wextra
ifdef WERROR
OWN_CFLAGS   += -Werror
MODULE_FLAGS += -Werror
endif
ifdef SANITIZE
SANITIZERS   := -fsanitize=$(SANITIZE) -fno-sanitize-recover=all -fno-omit-frame-pointer
# What looks at types of C++ lies in a runtime that a program of C has not got: the first of both compilers, the second of clang alone.
CXX_SANITIZERS := $(SANITIZERS) -fno-sanitize=vptr \
    $(shell $(CXX) -fno-sanitize=function -fsyntax-only -xc++ /dev/null 2>/dev/null && echo -fno-sanitize=function)
else
OWN_CPPFLAGS += -D_FORTIFY_SOURCE=2
endif
COMPILE = $(CC) $(OWN_CPPFLAGS) $(CPPFLAGS) $(OWN_CFLAGS) $(SANITIZERS) $(CFLAGS) -MMD -MP
LINK    = $(CC) $(OWN_LDFLAGS) $(SANITIZERS) $(LDFLAGS)
MODULE  = $(CC) -D_GNU_SOURCE -Iinclude $(CPPFLAGS) $(MODULE_FLAGS) $(CFLAGS) -MMD -MP

SOURCES  := $(filter-out src/main.c src/examples/% src/man/% src/testing/%,$(wildcard src/main.c src/*/*.c))
OBJECTS  := $(SOURCES:%.c=$(B)/%.o)
# What test programs of modules are linked with: all but the processes and their commands. Every object is position independent for its sake.
TESTING  := $(filter-out $(B)/src/master/% $(B)/src/worker/% $(B)/src/cli/%,$(OBJECTS)) $(patsubst %.c,$(B)/%.o,$(wildcard src/testing/*.c))
EXAMPLES := $(patsubst src/examples/%.c,$(B)/%.so,$(wildcard src/examples/*.c))
ifneq ($(shell pkg-config --exists sqlite3 && echo there),there)
EXAMPLES := $(filter-out $(B)/notes.so,$(EXAMPLES))
endif
ifneq ($(shell pkg-config --exists libpq && echo there),there)
EXAMPLES := $(filter-out $(B)/postgres.so,$(EXAMPLES))
endif
# An example of many files, and what it needs.
CONDUIT  := sqlite3 libpq libjwt libcrypt
ifeq ($(shell pkg-config --exists $(CONDUIT) && echo there),there)
EXAMPLES += $(B)/conduit.so
endif
UNIT     := $(patsubst %.c,$(B)/%.o,$(wildcard tests/unit/*.c))
SYSTEM   := $(patsubst %.c,$(B)/%.o,$(wildcard tests/system/*.c))
# Tests of what tests modules: they see its header and its library alone.
IN_PROCESS := $(patsubst %.c,$(B)/%.o,$(wildcard tests/in_process/*.c))
IN_PROCESS_LINK := $(CC)
ifneq ($(shell command -v $(CXX)),)
IN_PROCESS += $(patsubst %.cc,$(B)/%.o,$(wildcard tests/in_process/*.cc))
IN_PROCESS_LINK := $(CXX)
endif
HARNESS  := $(patsubst %,$(B)/tests/system/%.o,harness process_run server client)
DISRUPTION := $(patsubst %.c,$(B)/%.o,$(wildcard tests/disruption/*.c))
CONFORMANCE := $(patsubst %.c,$(B)/%.o,$(wildcard tests/http/*.c))
MEASURES := $(patsubst %.c,$(B)/%.o,$(wildcard tests/measure/*.c))
, := ,
FUZZ     := $(patsubst %.c,$(B)/%,$(wildcard tests/fuzz/*.c))
BENCH    := $(addprefix $(B)/scripts/bench.d/,floor mix handlers.so)
TEST_MODULES := $(patsubst %.c,$(B)/%.so,$(wildcard tests/modules/*.c))
# Modules in C++ are tested where there is a compiler for it.
ifneq ($(shell command -v $(CXX)),)
TEST_MODULES += $(patsubst %.cc,$(B)/%.so,$(wildcard tests/modules/*.cc))
endif
LIBRARY_MODULES := $(patsubst %.c,$(B)/%.so,$(wildcard tests/libraries/*.c))
# Modules that come with tine as shared objects: one source each, which says in a line " * Needs: libcrypto hiredis" what pkg-config calls
# the libraries that it needs (it is left out where they are missing), and what all of them share.
# One in C++ says "Includes: a/header.hpp" of a library that pkg-config does not know.
LOADED_SOURCES := $(wildcard src/modules/loaded/*.c) $(if $(shell command -v $(CXX)),$(wildcard src/modules/loaded/*.cc))
needs = $(shell sed -n 's/^ \* Needs: //p' $(1))
has_headers = $(shell sed -n 's/^ \* Includes: \(.*\)/\#if !__has_include(<\1>)\n\#error\n\#endif/p' $(1) | \
    $(CXX) -fsyntax-only -xc++ - 2>/dev/null && echo there)
has_libraries = $(if $(call needs,$(1)),$(shell pkg-config --exists $(call needs,$(1)) && echo there),there)
is_there = $(and $(call has_libraries,$(1)),$(if $(filter %.cc,$(1)),$(call has_headers,$(1)),there))
LOADED   := $(foreach source,$(LOADED_SOURCES),$(if $(call is_there,$(source)),$(B)/modules/$(basename $(notdir $(source))).so))
LOADED_COMMON := $(foreach source,$(wildcard src/modules/loaded/common/*.c),$(if $(call is_there,$(source)),$(source)))
TEST_MODULES := $(filter-out $(foreach source,$(shell grep -l '^ \* Needs: ' tests/modules/*.c),$(if $(call is_there,$(source)),,$(source:%.c=$(B)/%.so))), \
    $(TEST_MODULES))
# Unit tests of what those modules share say what it needs in the same way.
UNIT     := $(filter-out $(foreach source,$(shell grep -l '^ \* Needs: ' tests/unit/*.c),$(if $(call is_there,$(source)),,$(source:%.c=$(B)/%.o))),$(UNIT))
LIBS     := -linih -ljansson -lz -ldl

# The whole library, used or not: modules bind to tine_*, and tests to anything.
WHOLE = -Wl,--whole-archive $(B)/libtine.a -Wl,--no-whole-archive

all: $(B)/tine $(B)/libtine_test.so $(EXAMPLES) $(LOADED) $(B)/tine.mk $(B)/tine.pc

# What unwinds the stack of a crashed handler is in the program: as a library it would be mapped by every server for that alone.
$(B)/tine: $(B)/src/main.o $(B)/libtine.a src/tine.exports
	$(LINK) -static-libgcc -Wl,--dynamic-list=src/tine.exports -o $@ $(B)/src/main.o $(WHOLE) $(LIBS)

$(B)/libtine_test.so: $(TESTING) src/testing/exports
	$(CC) -shared $(SANITIZERS) $(LDFLAGS) -Wl,-soname,libtine_test.so,-z,relro,-z,now$(if $(SANITIZE),,$(,)-z$(,)defs) \
	    -Wl,--version-script=src/testing/exports -o $@ $(TESTING) $(LIBS)

$(B)/libtine.a: $(OBJECTS)
	rm -f $@
	ar rcs $@ $(OBJECTS)

# The files that `tine new` writes are part of the program.
$(B)/src/cli/scaffold.o: $(wildcard src/cli/scaffold/*)

# With the places of this tree; `make install` puts its own in.
PLACES = -e 's,@VERSION@,$(VERSION),g' -e 's,@PREFIX@,$(1),g' -e 's,@INCLUDE@,$(2),g' -e 's,@LIB@,$(3),g' -e 's,@TINE@,$(4),g' -e 's,@MAKEFILE@,$(5),g'
$(B)/tine.mk $(B)/tine.pc: $(B)/%: etc/%.in
	@mkdir -p $(@D)
	sed $(call PLACES,$(CURDIR),$(CURDIR)/include,$(abspath $(B)),$(abspath $(B)/tine),$(abspath $(B)/tine.mk)) $< >$@

# Built-in modules see the public header alone; each exports a symbol of its own.
$(B)/src/modules/%.o: src/modules/%.c
	@mkdir -p $(@D)
	$(COMPILE) -DTINE_MODULE_SYMBOL=builtin_$* -c -o $@ $<

# RARE: what scripts/release says of what runs at the start, at a reload and for a command.
$(B)/src/cli/%.o $(B)/src/config/%.o $(B)/src/master/%.o: OWN_CFLAGS += $(RARE)

$(B)/%.o: %.c
	@mkdir -p $(@D)
	$(COMPILE) -c -o $@ $<

$(B)/notes.so: EXAMPLE_LIBS = $(shell pkg-config --libs sqlite3)
$(B)/postgres.so: EXAMPLE_LIBS = $(shell pkg-config --cflags --libs libpq)
$(B)/conduit/%.o: src/examples/conduit/%.c
	@mkdir -p $(@D)
	$(filter-out -shared,$(MODULE)) -fvisibility=hidden $(shell pkg-config --cflags $(CONDUIT)) -c -o $@ $<

$(B)/conduit.so: $(patsubst src/examples/%.c,$(B)/%.o,$(wildcard src/examples/conduit/*.c))
	$(MODULE) -o $@ $^ $(shell pkg-config --libs $(CONDUIT) jansson)

$(B)/%.so: src/examples/%.c
	@mkdir -p $(@D)
	$(MODULE) -o $@ $< $(EXAMPLE_LIBS)

# They are ours, unlike the modules of examples and tests, and are sanitized as we are.
$(B)/modules/%: MODULE_FLAGS += $(SANITIZERS)
$(B)/modules/common/%.o: src/modules/loaded/common/%.c
	@mkdir -p $(@D)
	$(filter-out -shared,$(MODULE)) -fvisibility=hidden $(shell pkg-config --cflags jansson $(call needs,$<)) -c -o $@ $<

$(B)/modules/common.a: $(LOADED_COMMON:src/modules/loaded/%.c=$(B)/modules/%.o)
	rm -f $@
	ar rcs $@ $^

$(B)/modules/%.so: src/modules/loaded/%.c $(B)/modules/common.a
	@mkdir -p $(@D)
	$(MODULE) -Isrc/modules/loaded -fvisibility=hidden -Wl,--as-needed $(shell pkg-config --cflags jansson $(call needs,$<)) \
	    -o $@ $< $(B)/modules/common.a $(shell pkg-config --libs jansson $(call needs,$<))

$(B)/modules/%.so: src/modules/loaded/%.cc $(B)/modules/common.a
	@mkdir -p $(@D)
	$(CXX) -D_GNU_SOURCE -Iinclude $(CPPFLAGS) -std=c++20 -g $(OPTIMIZE) -fPIC -shared -Wall -Wextra $(if $(WERROR),-Werror) $(CXX_SANITIZERS) \
	    $(CXXFLAGS) -MMD -MP -Isrc/modules/loaded -fvisibility=hidden -Wl,--as-needed -o $@ $< $(B)/modules/common.a $(shell pkg-config --libs jansson $(call needs,$<))

# It writes over what is the worker's own.
$(B)/tests/modules/scribble.so: CPPFLAGS += -Isrc

# Those that need libraries, which they say as modules that come with tine do, are like those.
$(B)/tests/modules/%.so: tests/modules/%.c $(B)/modules/common.a
	@mkdir -p $(@D)
	$(MODULE) -o $@ $< $(if $(call needs,$<),-Isrc/modules/loaded -fvisibility=hidden -Wl$(,)--as-needed $(B)/modules/common.a \
	    $(shell pkg-config --cflags --libs jansson $(call needs,$<)))

$(B)/tests/modules/%.so: tests/modules/%.cc
	@mkdir -p $(@D)
	$(CXX) -std=c++20 -g $(OPTIMIZE) -fPIC -shared -Wall -Wextra -Wpedantic $(if $(WERROR),-Werror) -Iinclude $(CPPFLAGS) $(CXXFLAGS) -MMD -MP -o $@ $<

# Each is named as pkg-config calls the library that it uses.
$(B)/tests/libraries/%.so: tests/libraries/%.c
	@mkdir -p $(@D)
	$(MODULE) $$(pkg-config --cflags $*) -o $@ $< $$(pkg-config --libs $*)
$(B)/scripts/bench.d/%.so: scripts/bench.d/%.c
	@mkdir -p $(@D)
	$(MODULE) -o $@ $<

$(B)/scripts/bench.d/%: $(B)/scripts/bench.d/%.o
	$(LINK) -o $@ $<

# What looks at tine from outside is never sanitized itself: it may be careless with memory, and must be quick.
$(B)/tests/system/% $(B)/tests/measure/% $(B)/tests/disruption/% $(B)/tests/http/% $(B)/scripts/%: SANITIZERS :=

$(B)/tests/unit/run: $(UNIT) $(B)/libtine.a $(B)/modules/common.a
	$(LINK) -o $@ $(UNIT) $(WHOLE) $(B)/modules/common.a $(LIBS) -lcriterion $(shell pkg-config --libs jansson $(sort $(foreach source,$(LOADED_COMMON),$(call needs,$(source)))))

$(B)/tests/system/run: $(SYSTEM)
	$(LINK) -o $@ $(SYSTEM) -lcriterion -ljansson -lcrypt

$(B)/tests/in_process/%.o: tests/in_process/%.cc
	@mkdir -p $(@D)
	$(CXX) -std=c++17 -g $(OPTIMIZE) -fPIE -Wall -Wextra $(if $(WERROR),-Werror) -Iinclude $(CPPFLAGS) $(SANITIZERS) $(CXXFLAGS) -MMD -MP -c -o $@ $<

$(B)/tests/in_process/run: $(IN_PROCESS) $(B)/libtine_test.so
	$(IN_PROCESS_LINK) $(OWN_LDFLAGS) $(SANITIZERS) $(LDFLAGS) -o $@ $(IN_PROCESS) -L$(B) -Wl,-rpath,'$$ORIGIN/../..' -ltine_test -lcriterion -ljansson

$(B)/tests/measure/measure: $(MEASURES) $(HARNESS)
	$(LINK) -o $@ $(MEASURES) $(HARNESS)

$(B)/tests/disruption/disruption: $(DISRUPTION) $(HARNESS)
	$(LINK) -o $@ $(DISRUPTION) $(HARNESS)

$(B)/tests/http/conformance: $(CONFORMANCE) $(HARNESS)
	$(LINK) -o $@ $(CONFORMANCE) $(HARNESS) -ljansson

# A target is one file. Functions that it puts its own in place of it names in a line " * Wraps: time poll".
WRAPS = $(addprefix -Wl$(,)--wrap=,$(shell sed -n 's/^ \* Wraps: //p' tests/fuzz/$*.c))
$(B)/tests/fuzz/%: $(B)/tests/fuzz/%.o $(B)/libtine.a tests/fuzz/%.c
	$(LINK) -fsanitize=fuzzer $(WRAPS) -o $@ $< $(WHOLE) $(LIBS)

# Tests of processes sleep much of their time, but not evenly: those of some suites in turn keep all processors busy, those of others none. So
# both halves of the alphabet run at once, each so many tests at a time.
TEST_JOBS ?= $(if $(T),8,6)
FILTER = $(if $(T),--filter '$(T)/*')

# The runners that were asked for. One may lack the suite, but not all: else nothing would be tested, and that be called a success.
RUNNERS = $(patsubst %,$(B)/tests/%/run,$(or $(filter unit in_process system,$(MAKECMDGOALS)),unit in_process system))

LIST_SUITES = for runner in $^; do $$runner --list; done | sed -n 's/^\([^ :]*\): .*/\1/p'

test: unit in_process system

# All that `make test` runs, to be built at once.
test-programs: all man $(patsubst %,$(B)/tests/%/run,unit in_process system) $(B)/tests/disruption/disruption $(B)/tests/http/conformance \
    $(TEST_MODULES) $(LIBRARY_MODULES)

suites: $(RUNNERS)
	@$(LIST_SUITES)
known_suite: $(RUNNERS)
	@$(LIST_SUITES) | while read -r suite; do \
	    case $$suite in $(or $(T),*)) echo found; break ;; esac; done | grep -q . || \
	    { echo "no test suite '$(T)': make suites lists them" >&2; exit 1; }
unit: $(B)/tests/unit/run known_suite
	$(B)/tests/unit/run -j$(TEST_JOBS) $(FILTER)
in_process: known_suite all $(B)/tests/in_process/run $(TEST_MODULES)
	BUILD=$(B) $(B)/tests/in_process/run $(FILTER)
system: known_suite all man $(B)/tests/system/run $(B)/tests/disruption/disruption $(B)/tests/http/conformance $(TEST_MODULES) $(LIBRARY_MODULES)
	$(if $(T),$(RUN_SYSTEM) '$(T)/*',@$(RUN_SYSTEM_HALVES))
RUN_SYSTEM = TINE=$(B)/tine $(B)/tests/system/run -j$(TEST_JOBS) --filter
RUN_SYSTEM_HALVES = $(RUN_SYSTEM) '[a-l]*/*' & half=$$!; $(RUN_SYSTEM) '[!a-l]*/*'; code=$$?; wait $$half && exit $$code

measure: all $(B)/tests/measure/measure $(TEST_MODULES)
	TINE=$(B)/tine $(B)/tests/measure/measure $(M)

disruption: all $(B)/tests/disruption/disruption $(TEST_MODULES)
	TINE=$(B)/tine $(B)/tests/disruption/disruption $(R)

conformance: all $(B)/tests/http/conformance $(TEST_MODULES)
	TINE=$(B)/tine $(B)/tests/http/conformance $(if $(PEER),--peer $(PEER))

mutation: all $(B)/tests/http/conformance $(TEST_MODULES) $(if $(KNOWN),$(B)/tests/system/run $(LIBRARY_MODULES))
	B=$(B) CC="$(CC)" scripts/mutation $(F)

fuzz: $(if $(T),$(B)/tests/fuzz/$(T),$(FUZZ))
	SEED="$(SEED)" tests/fuzz/run $(B) "$(SECONDS)" "$(RUNS)" $^
# What scripts/bench needs, which calls this itself.
bench-programs: all $(BENCH)

run: all
	exec $(B)/tine -c etc/server.ini

check:
	.ci/run

release:
	scripts/release

# The pages cannot drift: tine(3) is the header, tine.ini(5) the tables that the server goes by.
man: $(B)/man/tine.8 $(B)/man/tine.3 $(B)/man/tine_test.3 $(B)/man/tine_batteries.3 $(B)/man/tine.ini.5

$(B)/man/tine.8: src/man/tine.8
	@mkdir -p $(@D)
	sed 's/@DATE@/$(RELEASED)/' $< >$@

$(B)/man/tine.3: ABOUT = -v about='write HTTP back ends as plain blocking C functions' -v see='tine_batteries 3, tine_test 3, tine.ini 5, tine 8'
$(B)/man/tine_test.3: ABOUT = -v about='test modules of tine without a server' -v see='tine 3, tine.ini 5, tine 8'
$(B)/man/tine_batteries.3: ABOUT = -v about='what filters that come with tine hand out to handlers' -v see='tine 3, tine.ini 5, tine 8'
$(B)/man/%.3: src/man/tine.3.awk include/%.h
	@mkdir -p $(@D)
	awk -f $< -v name=$* -v date='$(RELEASED)' $(ABOUT) include/$*.h >$@

$(B)/man/tine.ini.5: src/man/tine.ini.5.head $(B)/man/keys src/man/tine.ini.5.tail
	$(B)/man/keys >$@.keys
	sed 's/@DATE@/$(RELEASED)/' src/man/tine.ini.5.head | cat - $@.keys src/man/tine.ini.5.tail >$@

$(B)/man/keys: $(B)/src/man/tine.ini.5.o $(B)/libtine.a
	@mkdir -p $(@D)
	$(LINK) -o $@ $< $(WHOLE) $(LIBS)

# Quoted for the shell: DESTDIR may have blanks. PREFIX gets into files that others read, who take a blank for an end.
ROOT = '$(subst ','\'',$(DESTDIR)$(PREFIX))'
$(if $(word 2,$(PREFIX)),$(error PREFIX has a blank: pkg-config and make would take what is behind it for another name: '$(PREFIX)'))
# Not heeded it would install to /usr/local.
$(if $(filter command,$(firstword $(origin prefix))),$(error it is called PREFIX here: PREFIX=$(prefix)))

install: all man
	install -d $(addprefix $(ROOT)/,sbin include lib/tine share/tine/www)
	install -m 755 $(B)/tine $(ROOT)/sbin/tine
	install -m 644 include/tine.h include/tine_test.h include/tine_batteries.h $(ROOT)/include/
	install -m 755 $(B)/libtine_test.so $(ROOT)/lib/libtine_test.so
	install -m 644 $(B)/hello.so $(LOADED) $(ROOT)/lib/tine/
	install -d $(addprefix $(ROOT)/,share/man/man3 share/man/man5 share/man/man8 share/doc/tine)
	install -m 644 $(B)/man/tine.8 $(ROOT)/share/man/man8/
	install -m 644 $(B)/man/tine.ini.5 $(ROOT)/share/man/man5/
	install -m 644 $(B)/man/tine.3 $(B)/man/tine_test.3 $(B)/man/tine_batteries.3 $(ROOT)/share/man/man3/
	for page in tine tine_test tine_batteries; do for name in $$(awk -f src/man/tine.3.awk -v names=1 include/$$page.h); do \
	    echo .so man3/$$page.3 >$(ROOT)/share/man/man3/$$name.3 || exit; \
	done; done
	for page in README.md src/man/*.md; do \
	    sed -f src/man/installed.sed $$page | install -m 644 /dev/stdin $(ROOT)/share/doc/tine/$${page##*/} || exit; \
	done
	install -m 644 LICENSE $(ROOT)/share/doc/tine/
	for file in $$(cd src/examples && find . -type f); do \
	    sed 's,\(\.\./\)*build/,,' src/examples/$$file | install -D -m 644 /dev/stdin $(ROOT)/share/doc/tine/examples/$$file || exit; \
	done
	sed 's,\.\./build/hello\.so,$(PREFIX)/lib/tine/hello.so,' etc/server.ini >$(ROOT)/share/tine/server.ini
	install -m 644 etc/www/* $(ROOT)/share/tine/www/
	install -m 644 etc/logrotate $(ROOT)/share/tine/logrotate.example
	install -m 644 etc/haproxy.cfg $(ROOT)/share/tine/haproxy.cfg.example
	install -m 644 etc/nginx.conf $(ROOT)/share/tine/nginx.conf.example
	for unit in tine.service tine.socket; do \
	    sed 's|/usr/local/|$(PREFIX)/|g' etc/$$unit | install -D -m 644 /dev/stdin $(ROOT)/lib/systemd/system/$$unit || exit; \
	done

# What modules are built with, and what shells complete. In bin besides sbin, so that everybody's PATH has it.
install: install-development
INSTALL_SED = sed $(call PLACES,$(PREFIX),$(PREFIX)/include,$(PREFIX)/lib,$(PREFIX)/bin/tine,$(PREFIX)/share/tine/tine.mk)
install-development: all
	install -d $(addprefix $(ROOT)/,bin lib/pkgconfig share/tine share/bash-completion/completions share/zsh/site-functions \
	    share/fish/vendor_completions.d)
	ln -sf ../sbin/tine $(ROOT)/bin/tine
	$(INSTALL_SED) etc/tine.mk.in >$(ROOT)/share/tine/tine.mk
	$(INSTALL_SED) etc/tine.pc.in >$(ROOT)/lib/pkgconfig/tine.pc
	chmod 644 $(ROOT)/share/tine/tine.mk $(ROOT)/lib/pkgconfig/tine.pc
	install -m 644 etc/completions/tine.bash $(ROOT)/share/bash-completion/completions/tine
	install -m 644 etc/completions/_tine $(ROOT)/share/zsh/site-functions/_tine
	install -m 644 etc/completions/tine.fish $(ROOT)/share/fish/vendor_completions.d/tine.fish

# Files of ours, and folders that are ours alone; what an administrator put into /etc stays.
uninstall:
	cd $(ROOT) && rm -f bin/tine sbin/tine include/tine.h include/tine_test.h include/tine_batteries.h lib/libtine_test.so lib/pkgconfig/tine.pc \
	    lib/systemd/system/tine.service lib/systemd/system/tine.socket share/bash-completion/completions/tine \
	    share/zsh/site-functions/_tine share/fish/vendor_completions.d/tine.fish share/man/man8/tine.8 \
	    share/man/man5/tine.ini.5 share/man/man3/tine.3 share/man/man3/tine_test.3 share/man/man3/tine_batteries.3 && rm -rf lib/tine share/tine share/doc/tine
	for name in $$(awk -f src/man/tine.3.awk -v names=1 include/tine.h include/tine_test.h include/tine_batteries.h); do \
	    rm -f $(ROOT)/share/man/man3/$$name.3 || exit; \
	done

clean:
	rm -rf build

.PHONY: all test test-programs suites known_suite unit in_process system measure disruption conformance mutation fuzz bench-programs run check release man install install-development uninstall clean
.SECONDARY:
# Not of builds below this one, which may be under way.
-include $(wildcard $(B)/*.d) $(shell find $(addprefix $(B)/,src tests scripts conduit modules) -type f -name '*.d' 2>/dev/null)

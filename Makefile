# SPDX-License-Identifier: Apache-2.0
#
# make            build/tine and the example modules
# make run        serve etc/server.ini
# make test       every test; make T=head test runs one suite
# make check      gcc, clang and the sanitizers, as CI does
# make install    PREFIX=/usr/local DESTDIR=

PREFIX  ?= /usr/local
B       ?= build
CC      ?= cc
OPTIMIZE ?= -O2
VERSION := 0.1

CPPFLAGS_ALL := -D_GNU_SOURCE -DTINE_VERSION='"$(VERSION)"' -Iinclude -Isrc $(CPPFLAGS)
CFLAGS_ALL   := -std=gnu11 -g $(OPTIMIZE) -fPIE -fno-plt -fvisibility=hidden \
                -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith -Wvla \
                -fstack-protector-strong
LDFLAGS_ALL  := -pie -Wl,-z,relro,-z,now
ifdef WERROR
CFLAGS_ALL   += -Werror
endif
ifdef SANITIZE
CFLAGS_ALL   += -fsanitize=$(SANITIZE) -fno-sanitize-recover=all -fno-omit-frame-pointer
LDFLAGS_ALL  += -fsanitize=$(SANITIZE)
else
CPPFLAGS_ALL += -D_FORTIFY_SOURCE=2
endif
CFLAGS_ALL   += $(CFLAGS)
LDFLAGS_ALL  += $(LDFLAGS)

SOURCES  := $(filter-out src/main.c,$(wildcard src/*/*.c))
SOURCES  := $(filter-out src/examples/%,$(SOURCES))
OBJECTS  := $(SOURCES:%.c=$(B)/%.o)
EXAMPLES := $(patsubst src/examples/%.c,$(B)/%.so,$(wildcard src/examples/*.c))
UNIT     := $(patsubst tests/unit/%.c,$(B)/tests/unit/%.o,$(wildcard tests/unit/*.c))
SYSTEM   := $(patsubst tests/system/%.c,$(B)/tests/system/%.o,$(wildcard tests/system/*.c))
TEST_MODULES := $(patsubst tests/modules/%.c,$(B)/tests/modules/%.so,$(wildcard tests/modules/*.c))
LIBS     := -linih -ljansson -ldl

all: $(B)/tine $(EXAMPLES)

# The whole library is linked in, used or not, and tine_* is exported: modules bind to it.
$(B)/tine: $(B)/src/main.o $(B)/libtine.a src/tine.exports
	$(CC) $(LDFLAGS_ALL) -Wl,--dynamic-list=src/tine.exports -o $@ $(B)/src/main.o \
	    -Wl,--whole-archive $(B)/libtine.a -Wl,--no-whole-archive $(LIBS)

$(B)/libtine.a: $(OBJECTS)
	rm -f $@
	ar rcs $@ $(OBJECTS)

# Built-in modules are written against the public header alone; each exports its own symbol.
$(B)/src/modules/%.o: src/modules/%.c
	@mkdir -p $(@D)
	$(CC) -D_GNU_SOURCE -Iinclude $(CPPFLAGS) $(CFLAGS_ALL) -DTINE_MODULE_SYMBOL=builtin_$* -MMD -MP -c -o $@ $<

$(B)/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS_ALL) $(CFLAGS_ALL) -MMD -MP -c -o $@ $<

$(B)/%.so: src/examples/%.c
	@mkdir -p $(@D)
	$(CC) -Iinclude $(CPPFLAGS) -g $(OPTIMIZE) -Wall -Wextra -fPIC -shared -MMD -MP -o $@ $< $(CFLAGS)

$(B)/tests/modules/%.so: tests/modules/%.c
	@mkdir -p $(@D)
	$(CC) -D_GNU_SOURCE -Iinclude $(CPPFLAGS) -g -Wall -Wextra -fPIC -shared -MMD -MP -o $@ $< $(CFLAGS)

$(B)/tests/unit/run: $(UNIT) $(B)/libtine.a
	$(CC) $(LDFLAGS_ALL) -o $@ $(UNIT) -Wl,--whole-archive $(B)/libtine.a -Wl,--no-whole-archive $(LIBS) -lcriterion

$(B)/tests/system/run: $(SYSTEM)
	$(CC) $(LDFLAGS_ALL) -o $@ $(SYSTEM) -lcriterion

FILTER = $(if $(T),--filter '$(T)/*')

test: unit system
unit: $(B)/tests/unit/run
	$(B)/tests/unit/run $(FILTER)
system: all $(B)/tests/system/run $(TEST_MODULES)
	TINE=$(B)/tine $(B)/tests/system/run -j8 $(FILTER)

run: all
	exec $(B)/tine -c etc/server.ini

clean:
	rm -rf build

.PHONY: all test unit system run clean
.SECONDARY:
-include $(shell find $(B) -name '*.d' 2>/dev/null)

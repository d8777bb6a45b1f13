# SPDX-License-Identifier: MIT
# libmpool - see README.md; `make help` lists the targets.

# CROSS=aarch64-linux-gnu- names the tools of another machine.
CROSS ?=
ifneq ($(CROSS),)
CC := $(CROSS)gcc
CXX := $(CROSS)g++
AR := $(CROSS)ar
LD := $(CROSS)ld
PKG_CONFIG := $(CROSS)pkg-config
endif
OBJCOPY ?= $(CROSS)objcopy
PKG_CONFIG ?= pkg-config
PREFIX ?= /usr/local
LIBDIR ?= $(PREFIX)/lib
DESTDIR ?=
# Its three numbers stand in that header, and nowhere else.
VERSION := $(shell awk '$$2 ~ /VERSION_(MAJOR|MINOR|PATCH)$$/ { \
	printf "%s%s", dot, $$3; dot = "." }' src/mempool/version.h)
V ?=
VARIANT ?= release
BUILD := build$(addprefix /,$(or $(filter-out release,$(VARIANT)),$(CROSS:-=)))
QUIET := $(if $(V),,@)
say = $(if $(V),,@printf '  %-6s %s\n' '$(1)' '$(2)')

WARN := -Wall -Wextra -Wshadow -Wmissing-prototypes -Wstrict-prototypes \
	$(if $(CI),-Werror)
# Ours come first, also when the caller's were given after `make`.
override CPPFLAGS := -D_GNU_SOURCE -Isrc $(CPPFLAGS)
CFLAGS ?= -O2 -g
# The same bytes from whatever folder.
PREFIX_MAP := -ffile-prefix-map=$(CURDIR)=.
# The bodies of malloc and calloc must not become calls of themselves.
# No LTO: preload/cold.ld sorts by file, and an archive is for any compiler.
LIBFLAGS := -std=gnu11 $(WARN) -fPIC -fvisibility=hidden -fno-builtin-malloc \
	-fno-builtin-calloc -fno-semantic-interposition -ffunction-sections -fno-lto \
	$(PREFIX_MAP)
TESTFLAGS := -std=gnu11 $(WARN) -fno-builtin
# Few segments, and symbols bound when first called: the library is mapped into
# everything, and a tenth of what /bin/true takes is all that it may cost.
# HARDENED=1 binds all at start and makes it read-only, as distributions like it.
HARDENED ?=
# Nothing that glibc does not have: a byte's atomic operations of gcc 12 for
# RISC-V, say.
LDDEFS = $(if $(SANITIZE),,-Wl,-z,defs)
LDBIND_ := -Wl,-z,lazy -Wl,-z,norelro
LDBIND_1 := -Wl,-z,relro -Wl,-z,now
LDBIND := $(LDBIND_$(HARDENED))
LDLIB = -shared $(LDDEFS) -Wl,-soname,libmpool.so -Wl,--version-script=preload/libmpool.map \
	-Wl,-z,nodelete -Wl,-z,noseparate-code -Wl,--hash-style=gnu -Wl,-Bsymbolic-functions \
	-Wl,--gc-sections $(LDBIND) -Wl,-T,preload/cold.ld

LDPOOL = -shared $(LDDEFS) -Wl,-soname,libmempool.so.1 -Wl,--version-script=src/mempool.map \
	-Wl,-z,nodelete -Wl,--hash-style=gnu -Wl,-Bsymbolic-functions -Wl,--gc-sections

# No null: gcc tests the address of what is thread-local by the flags of an `add`
# of which the linker makes a `lea`, which sets none.
SANITIZE_ubsan := -fsanitize=undefined -fno-sanitize=null -fno-sanitize-recover=all
SANITIZE_asan := -fsanitize=address $(SANITIZE_ubsan) -fno-omit-frame-pointer
SANITIZE_tsan := -fsanitize=thread
SANITIZE := $(SANITIZE_$(VARIANT))
override CFLAGS += $(SANITIZE)
# `make VARIANT=count` counts what locks cost; in all others but the release,
# `make VARIANT=debug` too, their order is checked.
override CPPFLAGS += $(if $(filter release,$(VARIANT)),,-DLOCK_$(if $(filter count,$(VARIANT)),COUNT,WITNESS))
# What a suite says: .ci/run adds it up.
tap = build/results/$(1)$(if $(filter release,$(VARIANT)),,-$(VARIANT)).tap

heap_sources := $(wildcard src/base/*.c src/heap/*.c src/watch/*.c)
heap_objects := $(heap_sources:%.c=$(BUILD)/obj/%.o)
pool_objects := $(patsubst %.c,$(BUILD)/obj/%.o,$(wildcard src/pool/*.c))
preload_objects := $(patsubst %.c,$(BUILD)/obj/%.o,$(wildcard preload/*.c))

tool_packages := libdw-dev libiberty-dev libncurses-dev zlib1g-dev libprotobuf-c-dev \
	protobuf-c-compiler libmicrohttpd-dev pkgconf|pkg-config
tool_modules := libdw libelf ncursesw libmicrohttpd zlib libprotobuf-c
tool_libs = $(or $(shell $(PKG_CONFIG) --libs $(tool_modules) 2>/dev/null),\
	-ldw -lelf -lncursesw -lmicrohttpd -lz -lprotobuf-c)
tool_headers := $(shell $(PKG_CONFIG) --cflags $(tool_modules) 2>/dev/null)
tool_objects := $(patsubst %.c,$(BUILD)/obj/%.o,$(wildcard tools/mpool/*.c)) \
	$(BUILD)/obj/tools/mpool/profile.pb-c.o
TOOLFLAGS := -std=gnu11 $(WARN) -Itools/mpool -I$(BUILD)/obj/tools/mpool $(tool_headers) \
	$(PREFIX_MAP)

programs = $(patsubst tests/$(1)/%.c,$(BUILD)/$(1)/%,$(wildcard tests/$(1)/*.c))
unit := $(call programs,unit)
stress := $(call programs,stress)
cxx_programs := $(patsubst tests/programs/%.cc,$(BUILD)/programs/%,$(wildcard tests/programs/*.cc))
plain := $(call programs,programs) $(cxx_programs)
misuse := $(call programs,misuse)
cxx_examples := $(patsubst tests/examples/%.cc,$(BUILD)/examples/%,$(wildcard tests/examples/*.cc))
examples := $(call programs,examples) $(cxx_examples)
plugins := $(patsubst tests/plugins/%.c,$(BUILD)/plugins/%.so,$(wildcard tests/plugins/*.c))
fuzzers := $(patsubst tests/fuzz/%.c,build/fuzz/%,$(wildcard tests/fuzz/*.c))
benches := $(patsubst tools/bench/%.c,$(BUILD)/bench/%,$(wildcard tools/bench/*.c)) \
	$(patsubst tools/bench/%.cc,$(BUILD)/bench/%,$(wildcard tools/bench/*.cc))

.DELETE_ON_ERROR:
.PHONY: all libs help demo test check unit bats setup layers format format-check \
	tidy shellcheck install install-libs install-tool uninstall clean asan tsan ubsan stress fuzz bench bench-quick \
	bench-instructions bench-locks bench-pools aarch64 compdb mutate

products := $(addprefix $(BUILD)/,libmpool.so libmempool.so libmempool.a)
all: libs $(BUILD)/mpool  ## build libmpool.so, libmempool.so, libmempool.a and mpool into build/
libs: $(products)  ## the libraries alone: they need nothing but a compiler

# What runs at start, at exit and on request only is kept small: every page of
# the library that is touched counts in every process.
COLDFLAGS := -Os -fno-asynchronous-unwind-tables
$(BUILD)/obj/src/watch/%.o $(BUILD)/obj/src/base/out.o $(BUILD)/obj/src/base/out_write.o \
$(BUILD)/obj/src/base/calls.o $(BUILD)/obj/src/base/vdso.o \
$(BUILD)/obj/src/base/config.o $(BUILD)/obj/src/base/value.o $(BUILD)/obj/preload/info.o: LIBFLAGS += \
	$(if $(SANITIZE),,$(COLDFLAGS))
# What each sample runs, and what looks for leaks at each, is built for speed.
$(addprefix $(BUILD)/obj/src/watch/,walk.o route.o stack.o record.o live.o live_blocks.o \
	live_sort.o sites.o lasting.o reach.o): LIBFLAGS += -O2
# A stack is walked from here.
$(addprefix $(BUILD)/obj/src/watch/,stack.o record.o guard.o): LIBFLAGS += \
	-fasynchronous-unwind-tables
$(BUILD)/obj/preload/start.o $(BUILD)/obj/preload/next.o $(BUILD)/obj/preload/next_symbol.o \
$(BUILD)/obj/preload/rare.o $(BUILD)/obj/src/heap/heap.o \
$(BUILD)/obj/src/heap/registry.o $(BUILD)/obj/src/heap/reserve.o \
$(BUILD)/obj/src/heap/stats.o $(BUILD)/obj/src/base/sys.o \
$(BUILD)/obj/src/base/fork_table.o $(BUILD)/obj/src/base/thread_end.o: LIBFLAGS += -Os

$(BUILD)/obj/%.o: %.c
	$(call say,CC,$<)
	$(QUIET)mkdir -p $(@D)
	$(QUIET)$(CC) $(CPPFLAGS) $(CFLAGS) $(LIBFLAGS) -MMD -MP -c $< -o $@

$(BUILD)/libheap.a: $(heap_objects)
	$(call say,AR,$@)
	$(QUIET)rm -f $@ && $(AR) rcs $@ $^

$(BUILD)/libmpool.so: $(heap_objects) $(preload_objects) preload/libmpool.map preload/cold.ld
	$(call say,LINK,$@)
	$(QUIET)$(CC) $(CFLAGS) $(LDFLAGS) $(LDLIB) -o $@ $(filter %.o,$^)

# One object in which only the API is visible: nothing of ours can collide with
# a name of the program it is linked into.  Of the heap, only what is needed.
$(BUILD)/libmempool.a: $(pool_objects) $(BUILD)/libheap.a
	$(call say,AR,$@)
	$(QUIET)$(LD) -r -o $(BUILD)/mempool.o $^
	$(QUIET)$(OBJCOPY) --localize-hidden $(BUILD)/mempool.o
	$(QUIET)rm -f $@ && $(AR) rcs $@ $(BUILD)/mempool.o

$(BUILD)/libmempool.so.1: $(pool_objects) $(BUILD)/libheap.a src/mempool.map
	$(call say,LINK,$@)
	$(QUIET)$(CC) $(CFLAGS) $(LDFLAGS) $(LDPOOL) -o $@ $(filter %.o %.a,$^) -lpthread -ldl

$(BUILD)/libmempool.so: $(BUILD)/libmempool.so.1
	$(QUIET)ln -sf $(<F) $@

$(BUILD)/libpool.a: $(pool_objects)
	$(call say,AR,$@)
	$(QUIET)rm -f $@ && $(AR) rcs $@ $^

# Here what the tool is built with is looked for.
$(BUILD)/obj/tools/mpool/profile.pb-c.c: tools/mpool/profile.proto
	@CPPFLAGS='$(CPPFLAGS)' tools/dev/needs '$(CC)' '$(PKG_CONFIG)'
	$(call say,PROTO,$<)
	$(QUIET)mkdir -p $(@D)
	$(QUIET)protoc-c --proto_path=$(<D) --c_out=$(@D) $<

$(BUILD)/obj/tools/mpool/%.o: $(BUILD)/obj/tools/mpool/%.c
	$(QUIET)$(CC) $(CPPFLAGS) $(CFLAGS) $(tool_headers) $(PREFIX_MAP) -w -c $< -o $@

$(BUILD)/obj/tools/mpool/%.o: tools/mpool/%.c $(BUILD)/obj/tools/mpool/profile.pb-c.c
	$(call say,CC,$<)
	$(QUIET)$(CC) $(CPPFLAGS) $(CFLAGS) $(TOOLFLAGS) -MMD -MP -c $< -o $@

# It has them in itself, by an assembler's words, of which LTO knows nothing.
$(BUILD)/obj/tools/mpool/web.o: TOOLFLAGS += -fno-lto
$(BUILD)/obj/tools/mpool/web.o: $(wildcard tools/mpool/report*.js) tools/mpool/report.css

$(BUILD)/mpool: $(tool_objects) $(BUILD)/libheap.a
	$(call say,LINK,$@)
	$(QUIET)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $(tool_objects) $(BUILD)/libheap.a \
		$(tool_libs) -liberty -lm -ldl -lpthread

$(BUILD)/unit/% $(BUILD)/stress/%: override CPPFLAGS += -Itests
# cmocka 2 has new names for some assertions, cmocka 1 the old ones alone.
$(BUILD)/unit/%: WARN += -Wno-deprecated-declarations
$(BUILD)/unit/%: tests/unit/%.c $(BUILD)/libpool.a $(BUILD)/libheap.a
	$(call say,CC,$<)
	$(QUIET)mkdir -p $(@D)
	$(QUIET)$(CC) $(CPPFLAGS) $(CFLAGS) -std=gnu11 $(WARN) -MMD -MP $< -o $@ \
		$(filter %.o,$^) $(BUILD)/libpool.a $(BUILD)/libheap.a -lcmocka \
		-lpthread -ldl -lm

# Of the tool, what reads other processes.
$(BUILD)/unit/test_remote: override CPPFLAGS += -Itools/mpool
$(BUILD)/unit/test_remote: $(addprefix $(BUILD)/obj/tools/mpool/,remote.o remote_heap.o \
	proc.o cli.o)

$(BUILD)/stress/%: tests/stress/%.c $(BUILD)/libpool.a $(BUILD)/libheap.a
	$(call say,CC,$<)
	$(QUIET)mkdir -p $(@D)
	$(QUIET)$(CC) $(CPPFLAGS) $(CFLAGS) -std=gnu11 $(WARN) -MMD -MP $< -o $@ \
		$(BUILD)/libpool.a $(BUILD)/libheap.a -lpthread -ldl

$(BUILD)/programs/% $(BUILD)/misuse/%: override CFLAGS := -O1 -g
$(BUILD)/programs/%: tests/programs/%.c
	$(call say,CC,$<)
	$(QUIET)mkdir -p $(@D)
	$(QUIET)$(CC) $(CPPFLAGS) $(CFLAGS) $(TESTFLAGS) -w -MMD -MP $< -o $@ -pthread -ldl

$(BUILD)/programs/%: tests/programs/%.cc
	$(call say,CXX,$<)
	$(QUIET)mkdir -p $(@D)
	$(QUIET)$(CXX) $(CPPFLAGS) -O1 -g -fno-builtin -MMD -MP $< -o $@ -pthread -ldl

# As a user links them.
$(BUILD)/examples/%: tests/examples/%.c $(BUILD)/libmempool.so
	$(call say,CC,$<)
	$(QUIET)mkdir -p $(@D)
	$(QUIET)$(CC) -O1 -g -std=gnu11 -Wall -Wextra -Isrc -Isrc/mempool/shim $(QUIETLY) -MMD -MP \
		$< -o $@ \
		-L$(BUILD) -lmempool -Wl,-rpath,'$$ORIGIN/..' -lpthread

$(cxx_examples): $(BUILD)/examples/%: tests/examples/%.cc $(BUILD)/libmempool.so
	$(call say,CXX,$<)
	$(QUIET)mkdir -p $(@D)
	$(QUIET)$(CXX) -O1 -g -std=c++17 -Wall -Wextra -Isrc -MMD -MP $< -o $@ \
		-L$(BUILD) -lmempool -Wl,-rpath,'$$ORIGIN/..'

# The seed's own words: unused variables and all.
$(BUILD)/examples/talloc_seed: QUIETLY := -w

$(BUILD)/misuse/pool-%: tests/misuse/pool-%.c $(BUILD)/libmempool.so
	$(call say,CC,$<)
	$(QUIET)mkdir -p $(@D)
	$(QUIET)$(CC) $(CPPFLAGS) -O1 -g $(TESTFLAGS) -w -MMD -MP $< -o $@ \
		-L$(BUILD) -lmempool -Wl,-rpath,'$$ORIGIN/..' -lpthread

$(BUILD)/misuse/%: tests/misuse/%.c
	$(call say,CC,$<)
	$(QUIET)mkdir -p $(@D)
	$(QUIET)$(CC) $(CPPFLAGS) $(CFLAGS) $(TESTFLAGS) -w -MMD -MP $< -o $@ -pthread

$(BUILD)/plugins/%.so: tests/plugins/%.c
	$(call say,CC,$<)
	$(QUIET)mkdir -p $(@D)
	$(QUIET)$(CC) $(CPPFLAGS) -O1 -g $(TESTFLAGS) -w -fPIC -shared -MMD -MP $< -o $@ -ldl

$(BUILD)/bench/%: tools/bench/%.c
	$(call say,CC,$<)
	$(QUIET)mkdir -p $(@D)
	$(QUIET)$(CC) $(CPPFLAGS) -O2 -g $(TESTFLAGS) -MMD -MP $< -o $@ -pthread -ldl -lm

$(BUILD)/bench/%: tools/bench/%.cc
	$(call say,CXX,$<)
	$(QUIET)mkdir -p $(@D)
	$(QUIET)$(CXX) $(CPPFLAGS) -O2 -g -fno-builtin -MMD -MP $< -o $@ -pthread

setup:
	@tools/dev/packages gcc g++ make libc6-dev binutils valgrind $(foreach p,$(tool_packages),'$p')

demo: setup all  ## the main job: a real program with and without the pools
	@tools/demo

test: setup  ## install what is missing, build and pass every test
	@tools/dev/packages libcmocka-dev bats bats-assert bats-support jq \
		mandoc groff-base man-db python3
	@$(MAKE) --no-print-directory check

# Built on all processors, unless the caller said how many.  One suite's failure
# does not keep the others from running: what did not compile fails there.
check:  ## everything that a commit must pass
	@$(MAKE) --no-print-directory -k $(if $(filter -j%,$(MAKEFLAGS)),,-j$$(nproc)) \
		all $(unit) $(of_bats) || :
	@$(MAKE) --no-print-directory -k all unit bats layers

unit: $(unit)  ## the modules' own tests (cmocka)
	@tools/dev/unit $(call tap,unit) $(unit)

of_bats := $(plain) $(misuse) $(examples) $(plugins) $(BUILD)/bench/instructions
bats: all $(of_bats)  ## the whole, as a user sees it
	@tools/dev/bats $(BUILD)

layers: libs  ## includes point down only, and no files include or call in a circle
	@tools/dev/layers . $(BUILD)/obj

# FILE=src/watch/live.c, or lines of it: FILE=src/watch/live.c:20-60.
mutate: $(BUILD)/libpool.a $(BUILD)/libheap.a  ## what of FILE= no unit test would miss, one change at a time
	@tools/dev/mutate $(if $(TESTS),-t $(TESTS)) $(FILE)

asan:  ## unit tests and stress under AddressSanitizer and UndefinedBehaviorSanitizer
	@$(MAKE) --no-print-directory VARIANT=asan unit run-stress
ubsan:  ## unit tests and stress under UndefinedBehaviorSanitizer alone
	@$(MAKE) --no-print-directory VARIANT=ubsan unit run-stress
tsan:  ## unit tests and stress under ThreadSanitizer
	@$(MAKE) --no-print-directory VARIANT=tsan unit run-stress

stress: run-stress  ## threads against the heap, its invariants checked
# Instructions at which a handler comes, of each call: 0.3 s each.
STRESS_STEPS ?= 1300
.PHONY: run-stress
run-stress: $(stress) $(if $(SANITIZE),,$(BUILD)/libmpool.so $(BUILD)/programs/handler_steps)
	@tools/dev/report $(call tap,stress) 1200 $(if $(SANITIZE),,\
		'LD_PRELOAD=$(BUILD)/libmpool.so $(BUILD)/programs/handler_steps $(STRESS_STEPS)') \
		$(stress)

# The readers of the tool; all others are of the libraries.
fuzzed_sources = $(if $(filter log,$*),$(wildcard tools/mpool/log*.c) tools/mpool/cli.c tools/mpool/gzip.c src/base/hash.c src/base/out.c src/base/out_write.c,\
	$(heap_sources) $(if $(filter profile,$*),$(wildcard tools/mpool/profile*.c) $(addprefix tools/mpool/,cli.c gzip.c lasting.c),\
	$(if $(filter page,$*),$(addprefix tools/mpool/,page.c cli.c \
		remote.c remote_heap.c proc.c),$(wildcard src/pool/*.c))))
FUZZFLAGS := -O1 -g -std=gnu11 -w -fsanitize=address,undefined
build/fuzz/obj/%.o: %.c
	$(QUIET)mkdir -p $(@D)
	$(QUIET)clang $(CPPFLAGS) $(FUZZFLAGS) -fsanitize=fuzzer-no-link -MMD -MP -c $< -o $@
.PRECIOUS: build/fuzz/obj/%.o
fuzzed_objects = $(fuzzed_sources:%.c=build/fuzz/obj/%.o)
.SECONDEXPANSION:
build/fuzz/%: tests/fuzz/%.c $$(fuzzed_objects)
	$(call say,FUZZ,$<)
	$(QUIET)clang $(CPPFLAGS) $(FUZZFLAGS) -fsanitize=fuzzer -MMD -MP $(filter %.c %.o,$^) \
		-o $@ \
		-lpthread -ldl -lm $(if $(filter page,$*),-ldw -lelf) $(if $(filter profile log,$*),-lz)

# Each from its seeds; what it finds goes into a corpus beside them.
FUZZ_SECONDS ?= 20
fuzz:  ## libFuzzer against the heap and the parsers
	@tools/dev/packages clang libclang-rt-dev
	@$(MAKE) --no-print-directory run-fuzz
.PHONY: run-fuzz
run-fuzz: $(fuzzers)
	@mkdir -p $(fuzzers:build/fuzz/%=build/fuzz/corpus/%)
	@tools/dev/report $(call tap,fuzz) $$(($(FUZZ_SECONDS) + 60)) \
		$(foreach f,$(notdir $(fuzzers)),'build/fuzz/$f -max_total_time=$(FUZZ_SECONDS) \
		-timeout=20 -artifact_prefix=build/fuzz/$f- -verbosity=0 \
		build/fuzz/corpus/$f tests/fuzz/seeds/$f')

bench: all $(benches)  ## against glibc and its peers, interleaved, median of 7
	@tools/dev/packages $$(tools/bench/run --packages) gnuplot-nox
	@tools/bench/run $(BENCH_FLAGS)
bench-quick:  ## the same, once and smaller, in a minute
	@$(MAKE) --no-print-directory bench BENCH_FLAGS="-n 1 --quick"
bench-pools: all  ## libmempool against other pools, interleaved, median of 7
	@tools/dev/packages $$(tools/bench/pools/run --packages) gnuplot-nox
	@tools/bench/pools/dpdk $(BUILD)/bench/pools/dpdk-headers || :
	@CXX='$(CXX)' tools/bench/pools/run --build $(BUILD) $(BENCH_FLAGS)
bench-instructions: all $(BUILD)/bench/instructions  ## instructions an operation, counted
	@$(BUILD)/bench/instructions -p $(BUILD)/libmpool.so -c tools/bench/instructions.limits
	@MPOOL_SMALL_MAX=8k $(BUILD)/bench/instructions -p $(BUILD)/libmpool.so \
		-c tools/bench/instructions.wide.limits

bench-locks: $(benches)  ## what locks cost in the rows with threads, counted
	@$(MAKE) --no-print-directory VARIANT=count libs
	@tools/bench/locks --build $(BUILD)

aarch64:  ## cross-build, and run the tests under qemu-user
	@tools/dev/packages gcc-aarch64-linux-gnu libc6-dev-arm64-cross qemu-user
	@$(MAKE) --no-print-directory VARIANT=aarch64 CROSS=aarch64-linux-gnu- run-aarch64
.PHONY: run-aarch64
run-aarch64: libs $(stress) $(filter-out $(cxx_programs),$(plain))
	@tools/dev/aarch64 $(BUILD) $(stress)

# The seed is somebody else's hand.
c_files := $(filter-out %/talloc_seed.c,$(shell find preload src tests tools \
	-name '*.[ch]' -o -name '*.cc' -o -name '*.hpp'))
format:  ## clang-format, in place
	clang-format -i $(c_files)
format-check:  ## is all as `make format` leaves it?  (clang-format 14's layout)
	@tools/dev/packages clang-format
	@clang-format --dry-run -Werror $(c_files)

# One file a process, on all processors.  The pools of bench/pools want the
# headers of all whom they compare with, and a plug-in the name that its test gives.
TIDY ?= preload src tests tools
tidied = $(filter-out %/pools_plugin.c tools/bench/pools/%.cc,$(filter $(addsuffix /%$(1),$(TIDY)),$(c_files)))
tidy: $(tool_objects)  ## clang-tidy over everything, or the folders in TIDY
	@tools/dev/packages clang-tidy
	@printf '%s\n' $(call tidied,.c) | xargs -P $$(nproc) -I@ clang-tidy --quiet @ -- \
		$(CPPFLAGS) $(TIDY_INCLUDES) $(TIDYFLAGS) -std=gnu11 -w
	@printf '%s\n' $(call tidied,.cc) | \
		xargs -r -P $$(nproc) -I@ clang-tidy --quiet @ -- $(CPPFLAGS) $(TIDYFLAGS) -std=gnu++17 -fsized-deallocation -w
TIDY_INCLUDES := -Isrc/mempool/shim -Itests -Itools/mpool -I$(BUILD)/obj/tools/mpool

shellcheck:  ## shellcheck over every script
	@tools/dev/packages shellcheck
	@shellcheck $$(grep -lE '^#!/bin/(ba)?sh' -r .ci tools) tests/bats/*.bash

compdb:  ## compile_commands.json for editors
	bear -- $(MAKE) -B all

# Where libmpool.so goes, which nobody links with.
PRELOADDIR ?= $(LIBDIR)
mandir = $(DESTDIR)$(PREFIX)/share/man
completions = $(addprefix $(DESTDIR)$(PREFIX)/share/,bash-completion/completions \
	zsh/site-functions)
# What monitors want to load.
shared = $(DESTDIR)$(PREFIX)/share/mpool
# Installs a file with the names between @ replaced.
filled = sed 's|@PREFIX@|$(PREFIX)|; s|@LIBDIR@|$(LIBDIR)|; s|@VERSION@|$(VERSION)|' $(1)
fill = $(filled) \
	>$(DESTDIR)$(2) && chmod 644 $(DESTDIR)$(2)
fill_pages = set -e; for page in $(notdir $(wildcard src/man/*.$(1))); do \
	$(call fill,src/man/$$page,$(PREFIX)/share/man/man$(1)/$$page); done

install: install-libs install-tool  ## install under PREFIX (DESTDIR is honoured)

# Programs that are started meanwhile find the old library or the new one.
# Where it is no place of ld.so's, ldconfig has nothing to do, or may not.
install-libs: libs  ## the libraries alone, their headers and manual
	install -d $(DESTDIR)$(LIBDIR)/pkgconfig $(DESTDIR)$(LIBDIR)/cmake/mempool $(DESTDIR)$(PRELOADDIR) $(mandir)/man3 \
		$(mandir)/man5 $(mandir)/man7 $(DESTDIR)$(PREFIX)/include/mempool/shim
	install -m 755 $(BUILD)/libmpool.so $(DESTDIR)$(PRELOADDIR)/libmpool.so.$(VERSION)
	ln -sf libmpool.so.$(VERSION) $(DESTDIR)$(PRELOADDIR)/libmpool.so.new
	mv -fT $(DESTDIR)$(PRELOADDIR)/libmpool.so.new $(DESTDIR)$(PRELOADDIR)/libmpool.so
	install -m 755 $(BUILD)/libmempool.so.1 $(DESTDIR)$(LIBDIR)/libmempool.so.$(VERSION)
	ln -sf libmempool.so.$(VERSION) $(DESTDIR)$(LIBDIR)/libmempool.so.1
	ln -sf libmempool.so.1 $(DESTDIR)$(LIBDIR)/libmempool.so
	install -m 644 $(BUILD)/libmempool.a $(DESTDIR)$(LIBDIR)/libmempool.a
	install -m 644 src/mempool.h src/mempool.hpp $(DESTDIR)$(PREFIX)/include
	install -m 644 $(wildcard src/mempool/*.h) $(DESTDIR)$(PREFIX)/include/mempool
	install -m 644 $(wildcard src/mempool/shim/*.h) $(DESTDIR)$(PREFIX)/include/mempool/shim
	$(call fill,src/mempool.pc.in,$(LIBDIR)/pkgconfig/mempool.pc)
	$(call fill,src/mempool-config.cmake.in,$(LIBDIR)/cmake/mempool/mempool-config.cmake)
	$(call fill,src/mempool-config-version.cmake.in,$(LIBDIR)/cmake/mempool/mempool-config-version.cmake)
	$(call fill_pages,3)
	$(call fill_pages,5)
	$(call fill_pages,7)
	tools/dev/manlinks $(mandir)/man3 src/man/*.3
	$(if $(DESTDIR),,@ldconfig 2>/dev/null || :)

install-tool: $(BUILD)/mpool  ## the mpool tool alone
	install -d $(DESTDIR)$(PREFIX)/bin $(mandir)/man1 $(completions) $(shared)
	install -m 755 $(BUILD)/mpool $(DESTDIR)$(PREFIX)/bin/mpool
	$(call fill_pages,1)
	install -m 644 tools/mpool/completion/mpool.bash $(word 1,$(completions))/mpool
	install -m 644 tools/mpool/completion/_mpool $(word 2,$(completions))/_mpool
	install -m 644 tools/mpool/grafana.json tools/mpool/alerts.yml $(shared)

# Of every version.
uninstall:  ## remove what install put there
	tools/dev/manlinks -r $(mandir)/man3 src/man/*.3
	rm -f $(DESTDIR)$(PRELOADDIR)/libmpool.so* $(DESTDIR)$(LIBDIR)/libmempool.so* \
		$(DESTDIR)$(LIBDIR)/libmempool.a $(DESTDIR)$(LIBDIR)/pkgconfig/mempool.pc \
		$(DESTDIR)$(PREFIX)/include/mempool.h $(DESTDIR)$(PREFIX)/include/mempool.hpp \
		$(DESTDIR)$(PREFIX)/bin/mpool \
		$(foreach s,1 3 5 7,$(patsubst src/man/%,$(mandir)/man$s/%,$(wildcard src/man/*.$s))) \
		$(word 1,$(completions))/mpool $(word 2,$(completions))/_mpool
	rm -rf $(DESTDIR)$(PREFIX)/include/mempool $(DESTDIR)$(LIBDIR)/cmake/mempool $(shared)

include tools/package/package.mk

clean:  ## remove build/
	rm -rf build

help:  ## this list
	@sed -n 's/^\([a-z0-9-]*\):[^#]*##  *\(.*\)/  \1\t\2/p' $(filter %Makefile %.mk,$(MAKEFILE_LIST)) | expand -t 22

-include $(shell find build -name '*.d' 2>/dev/null)

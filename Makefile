# mxgauge - monitoring for clusters of mail servers
#
#   make            build into build/
#   make run        read this machine's mail log, draw the graphs, follow it (ONCE=1: end instead)
#   make test       everything that needs no daemon; LAB=1 adds real daemons, LAB=all the long loops
#   make SAN=1 test the same under the address and undefined-behaviour sanitizers
#   make PGO=1      build into build/pgo/, optimised by what imports of generated days do
#   make fuzz bench lint gen install deps clean
#
# A new .c in a folder is built without touching this file; only a program that
# needs a library has a line of its own (LIBS_name = ...).

# Works from cron and "env -i", too. What make exports, $(shell) does not see before make 4.4.
ifeq ($(origin PATH),undefined)
export PATH := /usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
endif
SEE    := export PATH='$(PATH)';

VERSION := 0.1.0
PREFIX  ?= /usr/local
DESTDIR ?=
SYSCONFDIR ?= $(if $(filter /usr /usr/local,$(PREFIX)),,$(PREFIX))/etc
SAN     ?=
STATIC  ?=
PGO     ?=

B := build$(if $(SAN),/san)$(if $(STATIC),/static)$(if $(PGO),/pgo)

# --- packages -----------------------------------------------------------------
# One list. PACKAGES is what building and testing need, LAB_PACKAGES what the lab
# starts; `make deps` installs what is missing of the first, `make deps LAB=1` of both.
include deps.mk

ifeq ($(filter deps clean help,$(MAKECMDGOALS)),)
ifneq ($(MAKECMDGOALS),)
ifneq ($(NODEPS),1)
DEPS := $(shell $(SEE) sh packaging/deps.sh $(PACKAGES) $(if $(LAB),$(LAB_PACKAGES)) >&2 || echo failed)
ifneq ($(DEPS),)
$(error packages are missing; see above)
endif
endif
endif
endif

CC     ?= cc
WARN   := -Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes \
          -Wformat=2 -Wvla -Wwrite-strings -Wpointer-arith -Wundef
# -O3: 4 % less of an import than -O2.
OPT    ?= -O3
# Left to itself gcc on x86 clears and copies a struct with "rep stos", which takes longer to
# start than memset() takes for all of it: 7 % of an import.
STRUCTS := $(addsuffix =libcall:-1:noalign,-mmemset-strategy -mmemcpy-strategy)
STRUCTS := $(shell $(SEE) $(CC) $(STRUCTS) -E -x c /dev/null >/dev/null 2>&1 && echo '$(STRUCTS)')
# The collector is optimised as one piece: 5 % fewer instructions. Its objects hold plain code
# too, so that all others (PLAIN) are linked as fast as ever.
LTO    := -flto=auto -flto-partition=one -ffat-lto-objects
LTO    := $(shell $(SEE) $(CC) $(LTO) -Werror -E -x c /dev/null >/dev/null 2>&1 && echo '$(LTO)')
PLAIN  := $(if $(LTO),-fno-lto)
CFLAGS ?= $(OPT) $(STRUCTS) $(LTO) -g -fstack-protector-strong -D_FORTIFY_SOURCE=2
ifneq ($(SAN),)
CFLAGS := -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
LDFLAGS += -fsanitize=address,undefined
endif
# PGO=1 builds twice in one folder; between, the first programs count which way imports go.
# What changes later is built without counts, until build/pgo is removed.
ifeq ($(PGO),count)
CFLAGS += -fprofile-generate=$(abspath $(B)/profile)
else ifneq ($(PGO),)
CFLAGS += -fprofile-use=$(abspath $(B)/profile) -fprofile-partial-training \
          -Wno-missing-profile -Wno-coverage-mismatch
PROFILE := $(B)/profile/done
endif
BASE   := -std=c11 -D_POSIX_C_SOURCE=200809L -DMX_VERSION='"$(VERSION)"' $(if $(STATIC),-DMX_STATIC) $(WARN)
CPP    := -Ilib -Icollector
DEPGEN  = -MMD -MP

# --- libraries, each with one home (docs/hacking.md) ---------------------------
LIBS_lib        := -lsqlite3 -lm
LIBS_collector  := -levent_core -lconfuse -lz -lzstd -lbz2 -llzma -lpcre2-8 -lseccomp $(LIBS_lib)
LIBS_mxgauge    := $(filter-out -lseccomp,$(LIBS_collector)) -ljansson
# librrd (but in check_rrd), libsystemd, OpenSSL, c-ares, libcurl and net-snmp are loaded when they are needed (lib/lateload.h).
LIBS_smtp       := -lm $(if $(STATIC),-lcares -lssl -lcrypto)
LIBS_mxgauged   := $(LIBS_collector)
# SQLite is part of the checks that read the state, where its archive is there: to load it takes a third of
# the time of an empty program, each minute and check. They read the collector's own file alone; who wants them
# to have the distribution's updates without building again says SQLITE=-lsqlite3.
SQLITE ?= $(if $(filter /%,$(shell $(SEE) $(CC) -print-file-name=libsqlite3.a)),-l:libsqlite3.a,-lsqlite3)
LIBS_state      := $(SQLITE) -lm $(if $(filter %.a,$(SQLITE)),-ldl -lpthread)
LIBS_check_mail_accounts := $(LIBS_state)
LIBS_check_mail_balance := $(LIBS_state)
LIBS_check_mail_delay := $(LIBS_state)
LIBS_check_mail_flow := $(LIBS_state)
LIBS_check_mail_peers := $(LIBS_state)
LIBS_check_reputation := $(LIBS_state)
LIBS_check_reject_ratio := $(LIBS_state)
LIBS_check_rrd := -lrrd -lm
LIBS_check_mxgauge := $(LIBS_state)
LIBS_check_mail_queue := $(LIBS_state)
LIBS_check_smtp_latency := $(LIBS_smtp)
LIBS_check_mx := $(LIBS_smtp)
LIBS_check_mail_roundtrip := $(LIBS_smtp)
LIBS_check_snmp_mta := -lm
LIBS_check_dnsbl := $(LIBS_state) $(if $(STATIC),-lcares)
LIBS_check_replication_mysql := -lm
LIBS_json := -ljansson
LIBS_check_replication_drbd := -lm $(LIBS_json)
LIBS_check_failover := -lm $(LIBS_json)
LIBS_check_replication_dns := -lm $(if $(STATIC),-lcares)
LIBS_check_replication_pgsql := -lm
LIBS_check_replication_ldap := -lm
LIBS_check_replication_imap := -lm
LIBS_check_replication_files := -lm $(if $(STATIC),-lssl -lcrypto)
LIBS_check_replication_data := -lm $(if $(STATIC),-lssl -lcrypto)

LIB_SRC   := $(wildcard lib/*.c)
MAIN_SRC  := $(wildcard collector/mx*.c)
COL_SRC   := $(wildcard collector/input/*.c collector/dialect/*.c collector/flow/*.c \
               collector/store/*.c collector/view/*.c) \
             $(filter-out $(MAIN_SRC),$(wildcard collector/*.c))
PLUG_SRC  := $(wildcard plugins/check_*.c)
# They load what no static program can: the clients of databases and directories, net-snmp; and what librrd needs.
LEFT_OUT  := $(if $(STATIC),check_rrd check_snmp_mta $(addprefix check_replication_,mysql pgsql ldap imap))
# A library that is this check's alone, and is not there, costs this check alone.
HEADER_check_replication_mysql := mariadb/mysql.h
HEADER_check_replication_pgsql := postgresql/libpq-fe.h
HEADER_check_replication_ldap  := ldap.h
HEADER_check_snmp_mta := net-snmp/net-snmp-config.h
HAVING    := check_replication_mysql check_replication_pgsql check_replication_ldap check_snmp_mta
H := \#
define newline


endef
MISSING   := $(shell $(SEE) printf '%s\n' $(foreach p,$(HAVING),'$(H)if !__has_include(<$(HEADER_$(p))>)' $(p) '$(H)endif') | $(CC) $(CPPFLAGS) $(CFLAGS) -E -P -x c - 2>/dev/null)
LEFT_OUT  += $(MISSING)
PLUG_SRC  := $(filter-out $(LEFT_OUT:%=plugins/%.c),$(PLUG_SRC))
TEST_SRC  := $(wildcard tests/lib/*.c tests/collector/*.c)
FUZZ_SRC  := $(wildcard tests/fuzz/fuzz_*.c)
BENCH_SRC := $(wildcard bench/*.c)

obj = $(patsubst %.c,$(B)/obj/%.o,$(1))
LIB_A  := $(B)/libmx.a
COL_A  := $(B)/libcollector.a
MAINS  := $(patsubst collector/%.c,$(B)/bin/%,$(MAIN_SRC))
PLUGS  := $(patsubst plugins/%.c,$(B)/plugins/%,$(PLUG_SRC))
TESTS  := $(patsubst tests/%.c,$(B)/tests/%,$(TEST_SRC))
FUZZ   := $(patsubst tests/fuzz/%.c,$(B)/fuzz/%,$(FUZZ_SRC))
BENCH  := $(patsubst bench/%.c,$(B)/bench/%,$(BENCH_SRC))

.DEFAULT_GOAL := all
# Objects stay: what did not change is not built again.
.SECONDARY:
.PHONY: all run test fuzz bench lint gen install deps clean help
all: $(MAINS) $(PLUGS)
	$(foreach p,$(MISSING),@echo "$(p) is left out: <$(HEADER_$(p))> is not there; \"make deps\" installs it"$(newline))

# One short line a file; V=1 shows the commands.
Q = $(if $(V),,@echo "  $@";)

$(B)/obj/%.o: %.c | $(PROFILE)
	@mkdir -p $(@D)
	$(Q)$(CC) $(BASE) $(CFLAGS) $(CPP) $(DEPGEN) -c -o $@ $<

$(B)/profile/done:
	@$(MAKE) NODEPS=1 PGO=count $(B)/bin/mxgauge $(B)/bench/genday
	@sh packaging/profile.sh $(B)
	@rm -rf $(B)/obj $(B)/bin $(B)/bench $(B)/*.a && touch $@

$(LIB_A): $(call obj,$(LIB_SRC))
	@rm -f $@
	$(Q)$(AR) rcs $@ $^
$(COL_A): $(call obj,$(COL_SRC))
	@rm -f $@
	$(Q)$(AR) rcs $@ $^

$(B)/bin/%: $(B)/obj/collector/%.o $(COL_A) $(LIB_A)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS_$*)
$(B)/plugins/%: $(B)/obj/plugins/%.o $(LIB_A)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) $(PLAIN) $(LDFLAGS) $(if $(STATIC),-static) -Wl,--as-needed -o $@ $^ $(LIBS_$*)
$(B)/tests/lib/%: $(B)/obj/tests/lib/%.o $(LIB_A)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) $(PLAIN) $(LDFLAGS) -Wl,--as-needed -o $@ $^ $(LIBS_lib) $(LIBS_smtp) $(LIBS_json)
$(B)/tests/collector/%: $(B)/obj/tests/collector/%.o $(COL_A) $(LIB_A)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) $(PLAIN) $(LDFLAGS) -o $@ $^ $(LIBS_collector) $(LIBS_json)
# --as-needed: bench/empty must link nothing, it is what a check is compared with.
$(B)/bench/%: $(B)/obj/bench/%.o $(COL_A) $(LIB_A)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) $(PLAIN) $(LDFLAGS) -Wl,--as-needed -o $@ $^ $(LIBS_collector)
# The generated day knows nothing of the collector: no archive of ours.
$(B)/bench/genday: $(call obj,bench/genday.c $(wildcard bench/day/*.c))
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) $(PLAIN) $(LDFLAGS) -o $@ $^

$(B)/obj/tests/%.o: CPP += -Itests

-include $(shell $(SEE) find $(B)/obj $(B)/fuzz/obj -name '*.d' 2>/dev/null)

# --- what people call ------------------------------------------------------------
run: all
	@sh packaging/run.sh $(B) $(if $(ONCE),once)

# Every test speaks TAP; tests/run.pl adds them up to "N passed, N failed". The longest ones are scripts: they begin.
test: all $(TESTS) $(B)/bench/genday $(B)/bench/mails $(B)/bench/genqueue $(B)/bench/measure
	@BUILD=$(B) LAB=$(LAB) SAN=$(SAN) perl tests/run.pl $(sort $(filter-out $(MISSING:%=tests/plugins/%.t),$(wildcard tests/*/*.t))) $(TESTS)

bench: all $(BENCH)
	@BUILD=$(B) sh bench/run.sh

# libFuzzer needs clang and its runtime; FUZZ_SECONDS each target, FUZZ_JOBS at once.
FUZZ_SECONDS ?= 60
FUZZ_JOBS ?= 1
FUZZ_FLAGS := -O1 -g -fsanitize=address,undefined
FUZZ_OBJ := $(patsubst %.c,$(B)/fuzz/obj/%.o,$(LIB_SRC) $(COL_SRC))
$(B)/fuzz/obj/%.o: %.c
	@mkdir -p $(@D)
	$(Q)clang $(BASE) $(FUZZ_FLAGS) -fsanitize=fuzzer-no-link $(CPP) $(DEPGEN) -c -o $@ $<
$(B)/fuzz/%: tests/fuzz/%.c $(FUZZ_OBJ)
	@mkdir -p $(@D)
	@echo "  $@"; clang $(BASE) $(FUZZ_FLAGS) -fsanitize=fuzzer $(CPP) -Itests -o $@ $< $(FUZZ_OBJ) \
	    $(LIBS_collector) $(LIBS_smtp) $(LIBS_json)
fuzz: $(FUZZ)
	@FUZZ_JOBS=$(FUZZ_JOBS) sh tests/fuzz/run.sh $(FUZZ_SECONDS) $(FUZZ)

lint:
	@FLAGS='-std=c11 -D_POSIX_C_SOURCE=200809L $(WARN) $(CPP)' sh tests/repo/lint.sh $(LIB_SRC) $(COL_SRC) $(MAIN_SRC) $(PLUG_SRC)

gen: all
	@sh packaging/gen.sh $(B)

install: all
	@sh packaging/install.sh "$(DESTDIR)" "$(PREFIX)" $(B) "$(SYSCONFDIR)"

deps:
	@sh packaging/deps.sh $(PACKAGES) $(if $(LAB),$(LAB_PACKAGES))

clean:
	rm -rf build

help:
	@sed -n '3,8s/^# *//p' Makefile

# breyta-run: `make` builds build/breyta-run, `make test` is the gate. `make help` lists everything.
#
#   SAN=address|undefined|thread   sanitizers (with GC=none)
#   GC=none                        calloc instead of Boehm's collector: for sanitizers, valgrind and fuzzers
#   STRESS=suspend|stack|gc|nodirect   build-time stress switches of the machine, see eval/README.md
#   B=DIR                          object directory (default build, or build-<switches>)
ifeq ($(filter -j% --jobserver%,$(MAKEFLAGS)),)
MAKEFLAGS += -j$(shell nproc)
endif
CC ?= gcc
GC ?= boehm
SAN ?=
STRESS ?=
B ?= build$(if $(filter none,$(GC)),-nogc)$(if $(SAN),-$(SAN))$(if $(STRESS),-$(STRESS))$(if $(DEBUG),-debug)
WARN = -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla -Werror
OPT = $(if $(DEBUG)$(SAN),-O1 -g -fno-omit-frame-pointer,-O2 -g)
LAYERS = reader eval stdlib runtime
CFLAGS = -std=c11 -D_GNU_SOURCE $(OPT) $(WARN) -fno-strict-aliasing -I. -MMD -MP \
  $(if $(filter none,$(GC)),-DGC_NONE,) $(if $(STRESS),-DSTRESS_$(shell echo $(STRESS) | tr a-z A-Z)=1) \
  $(if $(SAN),-fsanitize=$(if $(filter address,$(SAN)),address$(comma)undefined,$(SAN)) -fno-sanitize-recover=undefined)
ifneq ($(FUZZER),)
CFLAGS += -fsanitize=fuzzer-no-link -DSEQ_WALK_MAX=8192
endif
comma := ,
LDFLAGS = $(if $(SAN),-fsanitize=$(if $(filter address,$(SAN)),address$(comma)undefined,$(SAN)))
LIBS = $(if $(filter none,$(GC)),,-l:libgc.a) -lgmp -lpcre2-8 -lutf8proc -lsqlite3 -ljansson -lzstd -lcrypto -lpthread -ldl -lm
SRC = $(foreach l,$(LAYERS),$(wildcard $(l)/*.c $(l)/*/*.c))
OBJ = $(SRC:%.c=$(B)/%.o)
LIBSRC = $(filter-out runtime/server/main_breyta.c runtime/cli/main_run.c,$(SRC))
LIBOBJ = $(LIBSRC:%.c=$(B)/%.o)

PACKAGES = tzdata gcc libc6-dev make libgc-dev libgmp-dev libpcre2-dev libutf8proc-dev libsqlite3-dev libjansson-dev libzstd-dev \
  libssl-dev libcurl4-openssl-dev libmicrohttpd-dev libedit-dev libxml2-dev libyaml-dev libpq-dev libmariadb-dev libssh2-1-dev openssh-server nginx-light postgresql \
  mariadb-server libcmocka-dev bats clojure libnrepl-clojure python3 curl jq openssl strace procps man-db pkgconf binutils shellcheck busybox

.PHONY: all deps run provision-test test conformance check crash chaos-server chaos-jobs chaos-worker clocks fuzz fuzz-long lang-ways compat compat-readme bench docs complexity format clean help
all: $(B)/breyta-run $(B)/breyta

help:
	@echo 'make            build build/breyta-run'
	@echo 'make deps       install the Debian packages that building and testing need (root)'
	@echo 'make run FLOW=flows-examples/hello/flow.edn'
	@echo 'make test       the gate: everything fast and complete; closes with N passed, N failed'
	@echo 'make conformance what Clojure answers: all groups outside opt-*, then opt-*, kinds of errors too'
	@echo 'make check      layering, headers, warnings-only checks'
	@echo 'make crash      every crash point, a long kill -9 loop'
	@echo 'make chaos-server the server killed 100 times in each suite that kills it; ROUNDS=N'
	@echo 'make chaos-jobs 100,000 jobs, drivers and the server killed at every point; CHAOS="--jobs 5000 --seed 2"'
	@echo 'make chaos-worker real worker processes and the server killed while handlers run; CHAOS="JOBS SECONDS", SEED=N'
	@echo 'make clocks     the suites that know the time, at the end of a year, of a leap day, of winter time, of a week; CLOCKS="2030-01-31T23:55"'
	@echo 'make fuzz       long fuzzing of the readers and the evaluator'
	@echo 'make provision-test  what breyta agent provision does to a machine: debootstrap in a network namespace; root'
	@echo 'make fuzz-long  each fuzz target for FUZZ_SECONDS (600) under ASan'
	@echo 'make lang-ways  every language test in the five ways of running it'
	@echo 'make compat     our answers beside those of Debian'"'"'s clojure; FUZZ=N random expressions, SEED=N'
	@echo 'make bench      figures beside peers and the disk'
	@echo 'make docs       man page and function reference into build/'
	@echo 'make lib        libbreyta for programs that embed the engine, static and shared, into build/lib'
	@echo 'make install    programs, library, man pages, completions, systemd unit; PREFIX=/usr/local DESTDIR='
	@echo 'make complexity the longest functions; make format: clang-format'
	@echo 'switches: SAN=address|undefined|thread GC=none STRESS=suspend|stack|nodirect DEBUG=1'

deps:
	apt-get update -q
	DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $(PACKAGES)

# A missing library is named by its package before the compiler complains.
$(B)/.headers:
	@mkdir -p $(B); missing=; for pair in $(if $(filter none,$(GC)),,gc.h:libgc-dev) gmp.h:libgmp-dev pcre2.h:libpcre2-dev utf8proc.h:libutf8proc-dev \
	  sqlite3.h:libsqlite3-dev jansson.h:libjansson-dev zstd.h:libzstd-dev openssl/evp.h:libssl-dev curl/curl.h:libcurl4-openssl-dev \
	  microhttpd.h:libmicrohttpd-dev histedit.h:libedit-dev libxml/parser.h:libxml2-dev yaml.h:libyaml-dev \
	  postgresql/libpq-fe.h:libpq-dev mariadb/mysql.h:libmariadb-dev libssh2.h:libssh2-1-dev; do \
	  printf '#define PCRE2_CODE_UNIT_WIDTH 8\n#include <stddef.h>\n#include <stdio.h>\n#include <%s>\n' "$${pair%%:*}" | $(CC) -I/usr/include/libxml2 -E -x c - >/dev/null 2>&1 || missing="$$missing $${pair##*:}"; done; \
	if [ -n "$$missing" ]; then echo "missing packages:$$missing"; echo "install them with: make deps"; exit 1; fi; touch $@
$(OBJ): | $(B)/.headers

$(B)/libbreyta.a: $(LIBOBJ)
	@rm -f $@ && ar rcs $@ $^
$(B)/breyta-run: $(B)/runtime/cli/main_run.o $(B)/libbreyta.a
	@echo "  ld $@"; $(CC) $(LDFLAGS) -o $@ $^ $(LIBS)
$(B)/breyta: $(B)/runtime/server/main_breyta.o $(B)/libbreyta.a
	@echo "  ld $@"; $(CC) $(LDFLAGS) -o $@ $^ $(LIBS)
$(B)/%.o: %.c
	@mkdir -p $(dir $@)
	@echo "  cc $<"; $(CC) $(CFLAGS) -c -o $@ $<
$(B)/runtime/base/xml_read.o: CFLAGS += -isystem /usr/include/libxml2
$(B)/stdlib/prelude_text.o: $(wildcard stdlib/*.clj)
$(B)/runtime/flow/flow_prelude.o: $(wildcard runtime/*/*.clj)
$(B)/runtime/net/agent_script.o: runtime/net/breyta_agent.sh
$(B)/runtime/agent/agent_provision.o: runtime/agent/breyta_provision.sh

# --- tests: one program per tests/unit/test_*.c (cmocka); others are named with what they are made of
UNIT = $(patsubst tests/unit/%.c,$(B)/t/%,$(wildcard tests/unit/test_*.c))
FUZZERS = $(filter-out $(B)/t/fuzz_main,$(patsubst tests/fuzz/%.c,$(B)/t/%,$(wildcard tests/fuzz/fuzz_*.c)))
TESTPROGS = $(UNIT) $(FUZZERS) $(patsubst %.c,$(B)/t/%,$(notdir $(wildcard tests/crash/crash_*.c tests/crash/equality.c tests/unit/lang_runner.c)))
$(B)/tests/%.o: CFLAGS += -Wno-missing-prototypes
$(UNIT): $(B)/t/%: $(B)/tests/unit/%.o $(B)/libbreyta.a
CRASH_MAIN = $(wildcard tests/crash/crash_*.c) tests/crash/equality.c
CRASH_OBJ = $(patsubst %.c,$(B)/%.o,$(filter-out $(CRASH_MAIN),$(wildcard tests/crash/*.c)))
$(patsubst tests/crash/%.c,$(B)/t/%,$(CRASH_MAIN)): $(B)/t/%: $(B)/tests/crash/%.o $(CRASH_OBJ) $(B)/libbreyta.a
# with clang's libFuzzer (FUZZER=1) instead of our own driver
FUZZ_MAIN = $(if $(FUZZER),,$(B)/tests/fuzz/fuzz_main.o)
$(B)/t/fuzz_%: LDFLAGS += $(if $(FUZZER),-fsanitize=fuzzer)
$(B)/t/lang_runner: $(B)/tests/unit/lang_runner.o $(B)/tests/unit/trips.o $(B)/libbreyta.a
# trips.o stands before the archive that it needs
$(B)/t/fuzz_eval: $(B)/tests/unit/trips.o
$(FUZZERS): $(B)/t/%: $(B)/tests/fuzz/%.o $(FUZZ_MAIN) $(B)/libbreyta.a
$(TESTPROGS):
	@mkdir -p $(dir $@)
	@echo "  ld $@"; $(CC) $(LDFLAGS) -o $@ $^ -lcmocka $(LIBS)

test: $(B)/breyta-run $(B)/breyta $(TESTPROGS) $(if $(SAN)$(STRESS)$(filter none,$(GC)),,lib)
	@B=$(B) SAN=$(SAN) STRESS=$(STRESS) tests/run.sh
conformance: $(B)/breyta-run
	@run() { python3 tests/conformance/bin/run.py "$$@" --kinds --show 20 --known tests/conformance/known.txt -- $(B)/breyta-run eval --batch; }; \
	run --no-optional; s=$$?; run --group 'opt-*' && exit $$s
check:
	@tests/tools/check_layers.sh
crash: $(B)/breyta-run $(TESTPROGS)
	@B=$(B) CRASH_ALL=1 tests/run.sh crash
chaos-server: $(B)/breyta
	@rc=0; for t in $$(grep -l 'environ.get("ROUNDS"' tests/api/test_*.py); do echo "$$t"; \
	  BREYTA=$(CURDIR)/$(B)/breyta ROUNDS=$(or $(ROUNDS),100) MANY=10000 python3 $$t || rc=1; done; exit $$rc
chaos-jobs: $(B)/breyta
	@BREYTA=$(B)/breyta python3 tests/chaos/chaos_jobs.py $(CHAOS)
chaos-worker: $(B)/breyta
	@BREYTA=$(B)/breyta $(if $(SEED),SEED=$(SEED)) python3 tests/chaos/chaos_worker.py $(CHAOS)
clocks: $(B)/breyta-run $(B)/breyta $(TESTPROGS)
	@CC='$(CC)' B=$(B) tests/clocks.sh
lang-ways:
	@CC='$(CC)' tests/lang_ways.sh
fuzz-long:
	@tests/fuzz/long.sh
# Root, a Debian mirror and some minutes: not part of `make test`.
provision-test: $(B)/breyta-run $(B)/breyta
	@B=$(B) tests/provision/run.sh
fuzz: $(TESTPROGS)
	@B=$(B) FUZZ_N=2000000 tests/run.sh fuzz
# Needs Debian's `clojure`: not part of `make test`.
COMPAT = python3 tests/compat/compat.py --bin $(B)/breyta-run
compat: $(B)/breyta-run $(B)/t/lang_runner
	@command -v clojure >/dev/null || { echo 'make compat needs the package clojure'; exit 2; }
	@$(if $(FUZZ),rc=0; for m in "" "--mode numbers" "--mode reader" "--mode regex"; do \
	  $(COMPAT) fuzz $(FUZZ) --seed $(or $(SEED),1) $$m || rc=1; done; exit $$rc,$(COMPAT) sample)
compat-readme:
	@$(COMPAT) readme --write
run: all
	$(B)/breyta-run $(or $(FLOW),flows-examples/hello/flow.edn)
bench: $(B)/breyta-run
	@B=$(B) CC='$(CC)' LIBS='$(LIBS)' tests/bench/bench.sh
docs: $(B)/breyta-run
	$(B)/breyta-run --man > $(B)/breyta-run.1
complexity:
	@tests/tools/complexity.sh
format:
	clang-format -i $(SRC) $(foreach l,$(LAYERS),$(wildcard $(l)/*.h))
clean:
	rm -rf build build-*

include runtime/server/install.mk

-include $(OBJ:.o=.d) $(PICOBJ:.o=.d) $(wildcard $(B)/tests/*/*.d)
.SECONDARY:

# breyta-run: `make` builds build/breyta-run, `make test` is the gate. `make help` lists everything.
#
#   SAN=address|undefined|thread   sanitizers (with GC=none)
#   GC=none                        calloc instead of Boehm's collector: for sanitizers, valgrind and fuzzers
#   STRESS=suspend|stack|gc|nodirect   build-time stress switches of the machine, see eval/README.md
#   B=DIR                          object directory (default build, or build-<switches>)
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
comma := ,
LDFLAGS = $(if $(SAN),-fsanitize=$(if $(filter address,$(SAN)),address$(comma)undefined,$(SAN)))
LIBS = $(if $(filter none,$(GC)),,-l:libgc.a) -lgmp -lpcre2-8 -lutf8proc -lsqlite3 -ljansson -lzstd -lcrypto -lpthread -ldl -lm
SRC = $(foreach l,$(LAYERS),$(wildcard $(l)/*.c))
OBJ = $(SRC:%.c=$(B)/%.o)
LIBSRC = $(filter-out runtime/main_%.c,$(SRC))
LIBOBJ = $(LIBSRC:%.c=$(B)/%.o)

.PHONY: all
all: $(B)/breyta-run

$(B)/libbreyta.a: $(LIBOBJ)
	@rm -f $@ && ar rcs $@ $^
$(B)/breyta-run: $(B)/runtime/main_run.o $(B)/libbreyta.a
	@echo "  ld $@"; $(CC) $(LDFLAGS) -o $@ $^ $(LIBS)
$(B)/%.o: %.c
	@mkdir -p $(dir $@)
	@echo "  cc $<"; $(CC) $(CFLAGS) -c -o $@ $<
$(B)/stdlib/prelude_text.o: stdlib/prelude.clj
-include $(OBJ:.o=.d)

# install.mk - libbreyta for embedders and `make install`; part of the Makefile.
#
# The objects of the programs are made for programs; the shared library needs its own, position independent ones ($(B)/pic). What both
# libraries show is what breyta.h declares with BREYTA_API: the archive is one object whose other symbols are local.
PREFIX ?= /usr/local
DESTDIR ?=
LIBDIR ?= $(PREFIX)/lib
VERSION = $(shell sed -n 's/^\#define BREYTA_VERSION "\(.*\)"/\1/p' runtime/cli/cli.h)
SONAME = libbreyta.so.0
PICOBJ = $(LIBSRC:%.c=$(B)/pic/%.o)
APILIBS = $(filter-out -l:libgc.a,$(LIBS))
APISYMS = $(shell sed -n 's/^BREYTA_API [a-z_ ]*\**\(breyta_[a-z]*\).*/\1/p' runtime/server/breyta.h)

$(B)/pic/%.o: %.c
	@mkdir -p $(dir $@)
	@echo "  cc $< (shared)"; $(CC) $(CFLAGS) -fPIC -fvisibility=hidden -c -o $@ $<
$(B)/pic/runtime/base/xml_read.o: CFLAGS += -isystem /usr/include/libxml2
$(PICOBJ): | $(B)/.headers
$(B)/pic/stdlib/prelude_text.o: $(wildcard stdlib/*.clj)
$(B)/pic/runtime/flow/flow_prelude.o: $(wildcard runtime/*/*.clj)

# A library that lacks something says so here and not at the embedder's (-z defs).
$(B)/lib/$(SONAME): $(PICOBJ)
	@mkdir -p $(dir $@)
	@printf '{ global:$(APISYMS:%= %;) local: *; };\n' > $(B)/lib/breyta.map
	@echo "  ld $@"; $(CC) $(LDFLAGS) -shared -Wl,-soname,$(SONAME) -Wl,--version-script=$(B)/lib/breyta.map -Wl,-z,defs -Wl,-Bsymbolic -o $@ $^ -lgc $(APILIBS)
$(B)/lib/libbreyta.a: $(LIBOBJ)
	@mkdir -p $(dir $@)
	@echo "  ar $@"; ld -r -o $(B)/lib/breyta.o $^ && objcopy $(APISYMS:%=--keep-global-symbol=%) $(B)/lib/breyta.o && rm -f $@ && ar rcs $@ $(B)/lib/breyta.o && rm $(B)/lib/breyta.o
$(B)/lib/breyta.pc: runtime/server/install.mk runtime/cli/cli.h FORCE
	@mkdir -p $(dir $@)
	@printf '%s\n' 'prefix=$(PREFIX)' 'libdir=$(LIBDIR)' 'includedir=$${prefix}/include' '' 'Name: breyta' \
	  'Description: durable engine for Breyta flows, in the process' 'Version: $(VERSION)' 'Libs: -L$${libdir} -lbreyta' \
	  'Libs.private: -lgc $(APILIBS)' 'Cflags: -I$${includedir}' > $@
.PHONY: lib install FORCE
lib: $(B)/lib/$(SONAME) $(B)/lib/libbreyta.a $(B)/lib/breyta.pc

# Man pages and completions come out of the programs.
SHARE = $(DESTDIR)$(PREFIX)/share
UNITDIR ?= $(PREFIX)/lib/systemd/system
install: all lib
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/include $(DESTDIR)$(LIBDIR)/pkgconfig $(DESTDIR)$(UNITDIR) $(SHARE)/man/man1 \
	  $(SHARE)/man/man8 $(SHARE)/bash-completion/completions $(SHARE)/zsh/site-functions $(SHARE)/fish/vendor_completions.d
	install -m 755 $(B)/breyta-run $(B)/breyta $(DESTDIR)$(PREFIX)/bin
	install -m 644 runtime/server/breyta.h $(DESTDIR)$(PREFIX)/include
	install -m 755 $(B)/lib/$(SONAME) $(DESTDIR)$(LIBDIR)
	ln -sf $(SONAME) $(DESTDIR)$(LIBDIR)/libbreyta.so
	install -m 644 $(B)/lib/libbreyta.a $(DESTDIR)$(LIBDIR)
	install -m 644 $(B)/lib/breyta.pc $(DESTDIR)$(LIBDIR)/pkgconfig
	sed 's|@BINDIR@|$(PREFIX)/bin|' runtime/server/breyta.service.in > $(DESTDIR)$(UNITDIR)/breyta.service
	$(B)/breyta-run --man > $(SHARE)/man/man1/breyta-run.1
	$(B)/breyta --man breyta > $(SHARE)/man/man1/breyta.1
	$(B)/breyta --man breyta-serve > $(SHARE)/man/man8/breyta-serve.8
	$(B)/breyta-run --completion-for bash > $(SHARE)/bash-completion/completions/breyta-run
	$(B)/breyta --completion bash > $(SHARE)/bash-completion/completions/breyta
	$(B)/breyta-run --completion-for zsh > $(SHARE)/zsh/site-functions/_breyta-run
	$(B)/breyta --completion zsh > $(SHARE)/zsh/site-functions/_breyta
	$(B)/breyta-run --completion-for fish > $(SHARE)/fish/vendor_completions.d/breyta-run.fish
	$(B)/breyta --completion fish > $(SHARE)/fish/vendor_completions.d/breyta.fish

# docassist - GNU make 4. `make help` lists the targets.
VERSION := 0.1.0

# As many jobs as processors; make -jN is another number.
ifeq ($(MAKELEVEL)$(filter clean,$(MAKECMDGOALS)),0)
MAKEFLAGS += -j$(shell getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2)
endif

CC         ?= cc
AR         ?= ar
PKG_CONFIG ?= pkg-config
PREFIX     ?= /usr/local
DESTDIR    ?=
BINDIR     ?= $(PREFIX)/bin
LIBEXECDIR ?= $(PREFIX)/libexec/docassist
MANDIR     ?= $(PREFIX)/share/man
DATADIR    ?= $(PREFIX)/share/docassist

# V=1 shows the commands.
Q := $(if $(V),,@)
say = $(if $(V),,@printf '  %-4s %s\n' $(1) $(patsubst $O/%,%,$(2)))

CFLAGS ?= -O2 -g
WARN   := -Wall -Wextra -Wpedantic -Wshadow -Wstrict-prototypes -Wmissing-prototypes \
          -Wold-style-definition -Wvla -Wwrite-strings -Wformat=2 -Wundef \
          -Wpointer-arith -Wcast-align -Wimplicit-fallthrough
ifeq ($(WERROR),1)
WARN += -Werror
endif

# A variant is a build directory of its own: make SAN=address,undefined check
SAN ?=
comma   := ,
VARIANT := $(if $(SAN),san-$(subst $(comma),-,$(SAN)),$(if $(COVERAGE),cov,release))
O       ?= build/$(VARIANT)

DA_CFLAGS := -std=c11 -D_POSIX_C_SOURCE=200809L -I. -fno-common -ffp-contract=off \
             -ffile-prefix-map=$(CURDIR)=. -DDA_VERSION='"$(VERSION)"' \
             -DDA_LIBEXECDIR='"$(LIBEXECDIR)"' $(WARN)
DA_LDFLAGS :=
ifneq ($(SAN),)
DA_CFLAGS  += -fsanitize=$(SAN) -fno-sanitize-recover=all -fno-omit-frame-pointer
DA_LDFLAGS += -fsanitize=$(SAN)
else ifdef COVERAGE
DA_CFLAGS  += --coverage
DA_LDFLAGS += --coverage
else
DA_CFLAGS  += -fstack-protector-strong -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2
DA_LDFLAGS += -Wl,-z,relro -Wl,-z,now
endif

# --- sources -----------------------------------------------------------------
LIB_DIRS  := common text schemas prompts engine engine/kernels engine/tokenizer engine/chat engine/model \
             engine/session api ingest eval annotate serve
LIB_SRC   := $(sort $(wildcard $(LIB_DIRS:%=%/*.c)))
CLI_SRC   := $(sort $(wildcard cli/*.c))
HELPER_SRC := $(sort $(wildcard ingest/extract/*.c))
UNIT_SRC  := $(sort $(wildcard tests/unit/test_*.c))
READY_SRC := tools/build/ready_tokenizer.c
TOOL_SRC  := $(sort $(wildcard tests/tools/*.c))
FUZZ_SRC  := $(sort $(wildcard tests/fuzz/fuzz_*.c))
HDR       := $(sort $(wildcard $(LIB_DIRS:%=%/*.h) ingest/extract/*.h cli/*.h tests/*.h))
ALL_C     := $(LIB_SRC) $(CLI_SRC) $(HELPER_SRC) $(UNIT_SRC) $(TOOL_SRC) $(FUZZ_SRC) $(READY_SRC) \
             $(wildcard tests/*.c tests/fuzz/standalone.c tests/soft/*.c)
# Files built into the program; their names there are their paths here.
EMBED     := $(sort $(wildcard prompts/*/*.txt prompts/*.json schemas/*.schema.json eval/page/* \
             engine/data/*.bin))

# --- libraries ---------------------------------------------------------------
# Needed: libcjson libutf8proc sqlite3. Optional ones leave out one feature, which then says so.
# WITH_X=1 makes a missing library an error, WITH_X=0 leaves it out on purpose.
probe = $(shell $(PKG_CONFIG) --exists $(1) 2>/dev/null && echo 1)
WITH_CURL    ?= $(call probe,libcurl)
WITH_ZLIB    ?= $(call probe,zlib)
WITH_POPPLER ?= $(call probe,poppler-glib)
WITH_GUMBO   ?= $(call probe,gumbo)
WITH_SECCOMP ?= $(call probe,libseccomp)
WITH_UCHARDET ?= $(call probe,uchardet)
WITH_TESSERACT ?= $(call probe,tesseract lept)
WITH_ZIP     ?= $(call probe,libzip libxml-2.0)
CXX          ?= c++
WITH_CLD2    ?= $(shell echo '\#include <cld2/public/compact_lang_det.h>' | $(CXX) -x c++ -E - >/dev/null 2>&1 && echo 1)

PKGS := libcjson libutf8proc sqlite3 $(if $(filter 1,$(WITH_CURL)),libcurl) $(if $(filter 1,$(WITH_ZLIB)),zlib)
LIGHT_PKGS := libcjson libutf8proc \
              $(if $(filter 1,$(WITH_GUMBO)),gumbo) $(if $(filter 1,$(WITH_SECCOMP)),libseccomp) \
              $(if $(filter 1,$(WITH_UCHARDET)),uchardet) $(if $(filter 1,$(WITH_ZIP)),libzip libxml-2.0)
HELPER_PKGS := $(LIGHT_PKGS) $(if $(filter 1,$(WITH_POPPLER)),poppler-glib gio-2.0 cairo) \
               $(if $(filter 1,$(WITH_TESSERACT)),tesseract lept)
DA_CFLAGS += $(foreach x,CURL ZLIB POPPLER GUMBO SECCOMP UCHARDET ZIP CLD2 TESSERACT,-DDA_WITH_$x=$(if $(filter 1,$(WITH_$x)),1,0))
PKG_CFLAGS  := $(shell $(PKG_CONFIG) --cflags $(PKGS) 2>/dev/null)
# libcurl is loaded when it is needed (api/http_curl.c); dlopen stands in libdl in older C libraries.
PKG_LIBS    := $(shell $(PKG_CONFIG) --libs $(filter-out libcurl,$(PKGS)) 2>/dev/null) \
               $(if $(filter 1,$(WITH_CURL)),$(if $(filter Linux,$(shell uname -s)),-Wl$(comma)--as-needed -ldl -Wl$(comma)--no-as-needed))
HELPER_CFLAGS := $(shell $(PKG_CONFIG) --cflags $(HELPER_PKGS) 2>/dev/null)
HELPER_LIBS := $(shell $(PKG_CONFIG) --libs $(HELPER_PKGS) 2>/dev/null) \
               $(if $(filter 1,$(WITH_CLD2)),-lcld2 -lstdc++)
LIGHT_LIBS  := $(shell $(PKG_CONFIG) --libs $(LIGHT_PKGS) 2>/dev/null) \
               $(if $(filter 1,$(WITH_CLD2)),-lcld2 -lstdc++)
LDLIBS := $(PKG_LIBS) -lm -pthread

obj = $(patsubst %.c,$O/%.o,$(1))
LIB_OBJ    := $(call obj,$(LIB_SRC)) $O/embed.o
CLI_OBJ    := $(call obj,$(CLI_SRC))
HELPER_OBJ := $(call obj,$(HELPER_SRC))
# Two programs: without and with the libraries for PDF and pictures (ingest/extract/light.c).
LIGHT_OBJ  := $(filter-out $O/ingest/extract/pdf.o $O/ingest/extract/ocr.o,$(HELPER_OBJ))
PDF_OBJ    := $(filter-out $O/ingest/extract/light.o,$(HELPER_OBJ))
HELPER_CXX := $(if $(filter 1,$(WITH_CLD2)),$(patsubst %.cc,$O/%.o,$(wildcard ingest/extract/*.cc)))
UNIT       := $(UNIT_SRC:%.c=$O/%)
TOOLS      := $(TOOL_SRC:%.c=$O/%)
FUZZ       := $(FUZZ_SRC:%.c=$O/%)
REPLAY     := $(FUZZ_SRC:tests/fuzz/%.c=$O/tests/fuzz/replay_%)
ALL_OBJ    := $(call obj,$(ALL_C))
CLI_TESTS  := $(sort $(wildcard tests/cli/*.t))

.PHONY: all build deps demo check check-unit check-cpus kernels check-headers check-layers check-symbols check-docs \
        lint format bench fuzz install uninstall clean help FORCE
.DELETE_ON_ERROR:
.SUFFIXES:

all: deps ## install what is missing and build
	@$(MAKE) --no-print-directory build

build: $O/docassist $O/docassist-extract $O/docassist-extract-pdf ## build only
ifeq ($O,build/release)
	@for p in docassist docassist-extract docassist-extract-pdf; do ln -sfn release/$$p build/$$p; done
endif

deps: ## install the packages of tools/deps/packages that are missing
	@sh tools/deps/install.sh

# Kernels and SHA-256 alone may use wide instructions, each file its own. The files of other processors are empty.
ARCH := $(firstword $(subst -, ,$(shell $(CC) -dumpmachine 2>/dev/null)))
ifeq ($(ARCH),x86_64)
$O/engine/kernels/x86_avx2.o: ISA := -mavx2 -mfma -mf16c
$O/engine/kernels/x86_avx512.o: ISA := -mavx512f -mavx512bw -mavx512vl -mavx512dq -mavx512vnni -mfma -mf16c
$O/tests/soft/avx512.o: ISA := -Itests/soft -Wno-psabi -mavx2 -mfma -mf16c
$O/common/sha256_x86.o: ISA := -msha -mssse3 -msse4.1
else ifneq ($(filter aarch64 arm64,$(ARCH)),)
$O/engine/kernels/arm_dot.o: ISA := -march=armv8.2-a+dotprod
$O/engine/kernels/arm_i8mm.o: ISA := -march=armv8.2-a+dotprod+i8mm
endif
ENGINE_OBJ := $(filter $O/engine/%,$(LIB_OBJ))
$(ENGINE_OBJ): OPT := -O3

# Rebuild when the flags change, not only when the files do.
FLAGS := $(CC) $(DA_CFLAGS) $(CPPFLAGS) $(CFLAGS) $(LDFLAGS) $(PKG_CFLAGS) $(HELPER_CFLAGS)
$O/flags: FORCE
	@mkdir -p $(@D); printf '%s\n' '$(subst ','\'',$(FLAGS))' | cmp -s - $@ || \
	printf '%s\n' '$(subst ','\'',$(FLAGS))' > $@

$(HELPER_OBJ): LIBCFLAGS := $(HELPER_CFLAGS)
$(filter-out $(HELPER_OBJ),$(ALL_OBJ)): LIBCFLAGS := $(PKG_CFLAGS)
$(ALL_OBJ): $O/%.o: %.c $O/flags
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(CC) $(DA_CFLAGS) $(CPPFLAGS) $(CFLAGS) $(if $(SAN)$(COVERAGE),,$(OPT)) $(ISA) $(LIBCFLAGS) -MMD -MP -c -o $@ $<

$O/embed.S: $(EMBED) tools/build/embed.sh $O/embed.list
	@mkdir -p $(@D)
	$(Q)sh tools/build/embed.sh $(EMBED) > $@
$O/embed.list: FORCE
	@mkdir -p $(@D); printf '%s\n' $(EMBED) | cmp -s - $@ || printf '%s\n' $(EMBED) > $@
$O/embed.o: $O/embed.S
	$(Q)$(CC) -c -o $@ $<

# A removed source must leave the archive too: depend on the list, not only on its members.
$O/lib.list: FORCE
	@mkdir -p $(@D); printf '%s\n' $(LIB_OBJ) | cmp -s - $@ || printf '%s\n' $(LIB_OBJ) > $@
$O/libdocassist.a: $(LIB_OBJ) $O/lib.list
	@rm -f $@
	$(call say,AR,$@)
	$(Q)$(AR) rcsD $@ $(LIB_OBJ)

# The tables of the usual tokenizer, made by a program of the same sources; when that cannot run
# here (another kind of processor), the program unpacks them each time it starts.
READY_OBJ := $O/tools/build/ready_tokenizer.o $O/ready-embed.o $(filter $O/common/% $O/text/% $O/engine/%,$(LIB_OBJ))
$O/ready-embed.S: $(filter engine/data/%,$(EMBED)) tools/build/embed.sh
	@mkdir -p $(@D)
	$(Q)sh tools/build/embed.sh $(filter engine/data/%,$(EMBED)) > $@
$O/ready-embed.o: $O/ready-embed.S
	$(Q)$(CC) -c -o $@ $<
$O/tools/build/ready_tokenizer: $(READY_OBJ)
	$(call say,LD,$@)
	$(Q)$(CC) $(DA_LDFLAGS) $(LDFLAGS) -o $@ $^ $(LDLIBS)
$O/o200k_base.ready: $O/tools/build/ready_tokenizer
	$(Q)$< $@ 2>/dev/null || : > $@
$O/ready.S: $O/o200k_base.ready
	$(Q)printf '.section .rodata\n.balign 64\n.globl da_ready_o200k, da_ready_o200k_end\nda_ready_o200k:\n.incbin "%s"\nda_ready_o200k_end:\n.section .note.GNU-stack,"",%%progbits\n' $< > $@
$O/ready.o: $O/ready.S
	$(Q)$(CC) -c -o $@ $<

$O/docassist: $(CLI_OBJ) $O/ready.o $O/libdocassist.a
	$(call say,LD,$@)
	$(Q)$(CC) $(DA_LDFLAGS) $(LDFLAGS) -o $@ $^ $(LDLIBS)
# The one shim in C++: cld.cc, for CLD2.
$(HELPER_CXX): $O/%.o: %.cc $O/flags
	@mkdir -p $(@D)
	@echo '  CXX  $<'
	$(Q)$(CXX) -std=c++11 -I. $(filter -f% -W% -D_FORTIFY% -U_FORTIFY%,$(filter-out -Wstrict-prototypes \
	    -Wmissing-prototypes -Wold-style-definition,$(DA_CFLAGS))) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<
$O/docassist-extract: $(LIGHT_OBJ) $(HELPER_CXX) $O/libdocassist.a
	$(call say,LD,$@)
	$(Q)$(CC) $(DA_LDFLAGS) $(LDFLAGS) -o $@ $^ $(LIGHT_LIBS) -lm -pthread
$O/docassist-extract-pdf: $(PDF_OBJ) $(HELPER_CXX) $O/libdocassist.a
	$(call say,LD,$@)
	$(Q)$(CC) $(DA_LDFLAGS) $(LDFLAGS) -o $@ $^ $(HELPER_LIBS) -lm -pthread
$O/tests/unit/test_kernels: $O/tests/soft/avx512.o
$(UNIT): %: %.o $O/tests/tap.o $O/libdocassist.a
	$(call say,LD,$@)
	$(Q)$(CC) $(DA_LDFLAGS) $(LDFLAGS) -o $@ $^ $(LDLIBS)
$(TOOLS): %: %.o $O/libdocassist.a
	$(call say,LD,$@)
	$(Q)$(CC) $(DA_LDFLAGS) $(LDFLAGS) -o $@ $^ $(LDLIBS)
# Fuzz targets of the helper's parsers need these and their libraries.
PARSER_OBJ  := $(filter-out $(addprefix $O/ingest/extract/,warm.o job.o light.o sandbox.o),$(LIGHT_OBJ)) $(HELPER_CXX)
PARSER_FUZZ := $(foreach x,office html charset,$O/tests/fuzz/fuzz_$x $O/tests/fuzz/replay_fuzz_$x)
$(PARSER_FUZZ): $(PARSER_OBJ)
$(PARSER_FUZZ): LDLIBS += $(LIGHT_LIBS)
$(FUZZ): %: %.o $O/libdocassist.a
	$(call say,LD,$@)
	$(Q)$(CC) $(DA_LDFLAGS) -fsanitize=fuzzer $(LDFLAGS) -o $@ $(filter %.o,$^) $(filter %.a,$^) $(LDLIBS)
$(REPLAY): $O/tests/fuzz/replay_%: $O/tests/fuzz/%.o $O/tests/fuzz/standalone.o $O/libdocassist.a
	$(call say,LD,$@)
	$(Q)$(CC) $(DA_LDFLAGS) $(LDFLAGS) -o $@ $(filter %.o,$^) $(filter %.a,$^) $(LDLIBS)

# --- checks ------------------------------------------------------------------
check: deps ## install what is missing, build, run every test
	@$(MAKE) --no-print-directory check-unit

# T=text runs only the tests whose file names contain it.
ALL_TESTS := $(UNIT) $(CLI_TESTS) $(if $(REPLAY),tests/fuzz/replay.t)
TESTS     := $(if $T,$(foreach t,$(ALL_TESTS),$(if $(findstring $T,$(notdir $t)),$t)),$(ALL_TESTS))
check-unit: build $(UNIT) $(TOOLS) $(REPLAY)
	@DOCASSIST_BUILD=$(abspath $O) prove --merge -j2 -e '' $(TESTS)

kernels: $(filter $O/engine/kernels/%,$(LIB_OBJ)) $O/tests/soft/avx512.o
check-cpus: build $O/tests/unit/test_kernels $O/tests/tools/logits ## every CPU variant, emulated: AVX-512, ARM (tests/README.md)
	@sh tests/cpus/run.sh $(abspath $O)

lint: check-layers check-headers check-symbols check-docs ## folder order, headers, symbols, pages, style
	@perl tools/checks/check-style.pl

# A header compiles alone; the parts of the kernels are texts for a file that sets its ISA.
check-headers: $(patsubst %,$O/hdr/%.ok,$(filter-out engine/kernels/body.inc engine/kernels/lanes_%,$(HDR)))
$O/hdr/%.ok: % $O/flags
	@mkdir -p $(@D)
	@echo 'extern int da_header;' | $(CC) $(DA_CFLAGS) -x c -fsyntax-only -include $< - && touch $@
check-layers:
	@sh tools/checks/check-layers.sh
check-symbols: build
	@sh tools/checks/check-symbols.sh $O
check-docs: build
	@sh tools/checks/check-docs.sh $O

# --- the rest ----------------------------------------------------------------
demo: deps ## run the whole path on the example documents
	@$(MAKE) --no-print-directory build
	@sh examples/demo.sh $(if $(MODEL),--model '$(MODEL)')

bench: build ## run the benchmarks (see bench/README.md)
	@sh bench/run.sh

FUZZ_SECONDS ?= 60
fuzz: ## run each fuzz target for FUZZ_SECONDS (clang)
	@sh tests/fuzz/run.sh $(FUZZ_SECONDS)

format: ## clang-format every source file that is not generated
	grep -L 'Generated by' $(ALL_C) $(HDR) | xargs clang-format -i

install: build ## honours DESTDIR and PREFIX
	install -D -m 755 $O/docassist $(DESTDIR)$(BINDIR)/docassist
	for p in docassist-extract docassist-extract-pdf; do install -D -m 755 $O/$$p $(DESTDIR)$(LIBEXECDIR)/$$p; done
	for p in docs/man/*.1; do install -D -m 644 $$p $(DESTDIR)$(MANDIR)/man1/$$(basename $$p); done
	for p in examples/nano/*; do install -D -m 644 $$p $(DESTDIR)$(DATADIR)/nano/$$(basename $$p); done
uninstall:
	rm -f $(DESTDIR)$(BINDIR)/docassist $(DESTDIR)$(LIBEXECDIR)/docassist-extract $(DESTDIR)$(LIBEXECDIR)/docassist-extract-pdf
	for p in docs/man/*.1; do rm -f $(DESTDIR)$(MANDIR)/man1/$$(basename $$p); done
	rm -rf $(DESTDIR)$(DATADIR)/nano

clean: ## remove build/
	rm -rf build

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile

-include $(ALL_OBJ:.o=.d) $(HELPER_CXX:.o=.d)

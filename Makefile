# electra: text embeddings inside PostgreSQL
#
#   make, make install, make installcheck, make uninstall   (PG_CONFIG=…)
#   make unit            unit tests of core and importer; VARIANT=sanitize for ASan and UBSan
#   make prove           TAP tests (needs PostgreSQL::Test)

EXTENSION = electra
EXTVERSION = $(shell sed -n "s/^default_version = '\(.*\)'/\1/p" electra.control)

CORE_SRCS = $(sort $(wildcard src/core/*.c))
PG_SRCS = $(sort $(wildcard src/pg/*.c))
IMPORT_SRCS = $(sort $(wildcard src/import/*.c))
ALL_HEADERS = $(wildcard src/core/*.h src/import/*.h src/pg/*.h)

MODULE_big = electra
OBJS = $(CORE_SRCS:.c=.o) $(PG_SRCS:.c=.o)
IMPORT_OBJS = $(CORE_SRCS:.c=.o) $(IMPORT_SRCS:.c=.o)

DATA = $(wildcard src/electra--*.sql)
DOCS =
SCRIPTS_built = electra-import

# The presets that come with the extension: archives that never change, whose
# digests the module carries.
SHIPPED = electra_mini_en_1
SHIPPED_PRESETS = $(foreach name,$(SHIPPED),presets/$(name)/$(name).safetensors)

REGRESS = $(patsubst sql/%.sql,%,$(sort $(wildcard sql/*.sql)))
REGRESS_OPTS = --load-extension=electra --encoding=UTF8

EXTRA_CLEAN = build electra-import $(IMPORT_SRCS:.c=.o)

PG_CPPFLAGS = -D_GNU_SOURCE -Isrc -DELECTRA_VERSION='"$(EXTVERSION)"'

# The compiler may not choose any bit of a result: no contraction, no
# reassociation, no optimization across files, whatever the user's CFLAGS say.
EXACT_CFLAGS = -std=gnu11 -ffp-contract=off -fno-fast-math -fno-unsafe-math-optimizations -fno-lto
WARN_CFLAGS = -Wall -Wextra -Wno-unused-parameter -Wno-missing-field-initializers -Wno-sign-compare -Wno-declaration-after-statement
PG_CFLAGS = $(WARN_CFLAGS) $(if $(WERROR),-Werror) $(EXACT_CFLAGS)

SHLIB_LINK += -lm

# HDF5 lies where its package says; only the importer uses it.
HDF5_CFLAGS ?= $(shell pkg-config --cflags hdf5)
HDF5_LIBS ?= $(shell pkg-config --libs hdf5)
IMPORT_LIBS = -ljansson $(HDF5_LIBS) -lm

# Bitcode of the kernels would contract a*b+c, and inlining it costs each
# backend 100 ms.
override with_llvm = no

PG_CONFIG ?= pg_config
PGXS := $(shell $(PG_CONFIG) --pgxs)
include $(PGXS)

override with_llvm = no

# Core and importer know nothing of PostgreSQL and keep to ISO C11.
$(CORE_SRCS:.c=.o) $(IMPORT_SRCS:.c=.o): override CFLAGS += -std=c11 -pedantic

# No jump of a hot loop may cross 32 bytes: Intel's cores of the Skylake family
# do not cache such code (their "JCC erratum"), which costs up to a quarter.
JUMP_CFLAGS := $(shell for flag in -mbranches-within-32B-boundaries -Wa,-mbranches-within-32B-boundaries; \
	do $(CC) -Werror $$flag -x c -c /dev/null -o /dev/null 2>/dev/null && echo $$flag && break; done)
$(CORE_SRCS:.c=.o): override CFLAGS += $(JUMP_CFLAGS)

src/import/hdf5_file.o: override CPPFLAGS += $(HDF5_CFLAGS)

# The version that the module tells is in electra.control.
$(OBJS) $(IMPORT_OBJS): $(ALL_HEADERS) electra.control

electra-import: $(IMPORT_OBJS)
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(IMPORT_LIBS)

all: electra-import check-presets

# Nothing else is ever installed under these names; asked each time, for a
# file's time tells nothing of its content.
check-presets: $(SHIPPED_PRESETS)
	@for name in $(SHIPPED); do \
		file=presets/$$name/$$name.safetensors; \
		digest=$$(sha256sum < $$file | cut -d' ' -f1); \
		grep -qF "{\"$$name\", \"$$digest\"}" src/pg/shipped.c && continue; \
		echo "$$file is not the archive that comes with electra: its SHA-256 is $$digest, src/pg/shipped.c has" >&2; \
		grep -F "{\"$$name\"," src/pg/shipped.c >&2; \
		exit 1; \
	done

install: install-presets
uninstall: uninstall-presets

install-presets: check-presets
	$(MKDIR_P) '$(DESTDIR)$(datadir)/electra/shipped' '$(DESTDIR)$(datadir)/electra/presets'
	$(INSTALL_DATA) $(SHIPPED_PRESETS) '$(DESTDIR)$(datadir)/electra/shipped/'

uninstall-presets:
	rm -f $(foreach file,$(notdir $(SHIPPED_PRESETS)),'$(DESTDIR)$(datadir)/electra/shipped/$(file)')
	-rmdir '$(DESTDIR)$(datadir)/electra/shipped' '$(DESTDIR)$(datadir)/electra/presets' '$(DESTDIR)$(datadir)/electra'

# The model directories that pg_regress loads; the server reads them, so they
# lie where it can.
# Debian's own Python has h5py, which some of them are written with.
PYTHON3 ?= /usr/bin/python3

export ELECTRA_TEST_SOURCES ?= $(CURDIR)/build/sources

build/sources.made: $(wildcard test/import/*.py)
	rm -rf build/sources
	mkdir -p build/sources
	PYTHONDONTWRITEBYTECODE=1 $(PYTHON3) test/import/make_directories.py build/sources >/dev/null
	chmod -R a+rX build/sources
	touch $@

installcheck: build/sources.made

# Unit tests are built apart from the module, each variant in its own folder,
# with strict warnings and, for VARIANT=sanitize, ASan and UBSan.
VARIANT ?= plain
UNIT_DIR = build/unit-$(VARIANT)
UNIT_CFLAGS_plain = -O2 -g
UNIT_CFLAGS_sanitize = -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
UNIT_CFLAGS = $(UNIT_CFLAGS_$(VARIANT)) -Wall -Wextra -Werror -D_GNU_SOURCE -Isrc -Isrc/core \
	-DELECTRA_VERSION='"$(EXTVERSION)"' -std=c11 -ffp-contract=off -fno-fast-math -fno-lto $(HDF5_CFLAGS)
UNIT_LIB_SRCS = $(CORE_SRCS) $(filter-out src/import/main.c,$(IMPORT_SRCS))
UNIT_LIB_OBJS = $(UNIT_LIB_SRCS:%.c=$(UNIT_DIR)/%.o)
UNIT_TESTS = $(patsubst test/unit/%.c,$(UNIT_DIR)/%,$(sort $(wildcard test/unit/test_*.c)))

$(UNIT_DIR)/%.o: %.c $(ALL_HEADERS)
	@mkdir -p $(dir $@)
	$(CC) $(UNIT_CFLAGS) -c -o $@ $<

$(UNIT_TESTS): $(UNIT_DIR)/%: test/unit/%.c $(UNIT_LIB_OBJS) $(wildcard test/unit/*.h)
	$(CC) $(UNIT_CFLAGS) -Itest/unit -o $@ $< $(UNIT_LIB_OBJS) -lcmocka $(IMPORT_LIBS) -lutf8proc -lopenblas

# Each test is a target: -j runs several at once, -k goes on after one that failed.
unit: $(UNIT_TESTS:%=%.run)

$(UNIT_TESTS:%=%.run): %.run: %
	@echo "== $<"; $<

unit-build: $(UNIT_TESTS)

# The programs that the scripts of test/parity drive.
PARITY_DRIVERS = $(patsubst test/parity/%.c,$(UNIT_DIR)/%,$(sort $(wildcard test/parity/*_driver.c)))

$(PARITY_DRIVERS): $(UNIT_DIR)/%: test/parity/%.c $(UNIT_LIB_OBJS) $(wildcard test/unit/*.h)
	$(CC) $(UNIT_CFLAGS) -Itest/unit -o $@ $< $(UNIT_LIB_OBJS) $(IMPORT_LIBS) -lopenblas

parity-drivers: $(PARITY_DRIVERS)

# test/t needs PostgreSQL::Test, which comes with the server's headers; where
# it does not, that of another version may serve.
PG_PERL ?= $(top_srcdir)/src/test/perl

prove:
	rm -rf '$(CURDIR)/tmp_check'
	TESTDIR='$(CURDIR)' PATH="$(bindir):$$PATH" PG_REGRESS='$(top_builddir)/src/test/regress/pg_regress' \
		prove -I '$(PG_PERL)' -I test/perl --timer $(PROVE_FLAGS) $(or $(PROVE_TESTS),test/t/*.pl)

.PHONY: unit $(UNIT_TESTS:%=%.run) unit-build parity-drivers prove check-presets install-presets uninstall-presets
.SECONDARY: $(UNIT_LIB_OBJS)

# SPDX-License-Identifier: GPL-2.0
# What a user types. The module's objects are listed in Kbuild; everything made goes below build/.

VERSION := $(shell sed -n 's/^PACKAGE_VERSION="\(.*\)"/\1/p' dkms.conf)
BUILD   := $(CURDIR)/build
PREFIX  ?= /usr/local
DESTDIR ?=

# Kernel to build for: the running one, or KVER=6.1.0-1-amd64, or KDIR=/path/to/its/headers.
KVER ?= $(shell uname -r)
KDIR ?= /lib/modules/$(KVER)/build

# kbuild puts objects beside their sources, so it is given a copy: the checkout stays clean.
MODBUILD := $(BUILD)/module

export VERSION BUILD PREFIX DESTDIR

all: module userspace

module:
	@test -e "$(KDIR)/Makefile" || { \
		echo "kstallmon: no kernel headers at $(KDIR): install them (Debian: apt-get install" \
			"linux-headers-$(KVER)), name others with KDIR=, or build the client alone" \
			"with 'make userspace'" >&2; exit 1; }
	@mkdir -p $(MODBUILD)
	@cp -ru Kbuild dkms.conf module $(MODBUILD)/
	$(MAKE) -C $(KDIR) M=$(MODBUILD) modules

userspace:
	$(MAKE) -C userspace all

# DKMS builds from the sources that this leaves in /usr/src.
DKMS_SRC = $(DESTDIR)/usr/src/kstallmon-$(VERSION)

install: install-userspace install-dkms

install-userspace: userspace
	$(MAKE) -C userspace install

install-dkms:
	rm -rf $(DKMS_SRC)
	install -d $(DKMS_SRC)
	cp -r Kbuild dkms.conf module $(DKMS_SRC)/
ifeq ($(DESTDIR),)
	@command -v dkms >/dev/null || { \
		echo "kstallmon: dkms is not installed (Debian: apt-get install dkms linux-headers-$(KVER))" >&2; exit 1; }
	dkms remove kstallmon/$(VERSION) --all >/dev/null 2>&1 || :
	dkms add kstallmon/$(VERSION)
	dkms install kstallmon/$(VERSION) -k $(KVER)
endif

uninstall:
ifeq ($(DESTDIR),)
	-dkms remove kstallmon/$(VERSION) --all
endif
	rm -rf $(DKMS_SRC)
	$(MAKE) -C userspace uninstall

# Packages, in build/deb and build/rpm; VERSION= builds another one than dkms.conf's.
deb rpm:
	selftests/setup $@
	userspace/packaging/build $@ "$(VERSION)"
	userspace/packaging/lint $@

demo check check-all check-builds check-quick check-packages accuracy bench lint:
	$(MAKE) -C selftests $@

clean:
	rm -rf $(BUILD)

.PHONY: all module userspace install install-userspace install-dkms uninstall deb rpm demo check check-all check-builds check-quick check-packages accuracy bench lint clean

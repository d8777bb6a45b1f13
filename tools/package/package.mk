# SPDX-License-Identifier: MIT
# package.mk - what is handed on: a tarball, packages, a subproject of Meson's.

.PHONY: version dist deb spec meson
version:  ## print it
	@echo $(VERSION)

# What git knows, or all that an unpacked tarball has; the same bytes each time.
dist_name := libmpool-$(VERSION)
dist_date = $(or $(SOURCE_DATE_EPOCH),$(shell git log -1 --format=%ct 2>/dev/null || \
	stat -c %Y src/mempool/version.h))
dist_files = if [ -e .git ]; then git ls-files; else \
	find . -path ./build -prune -o -type f -printf '%P\n'; fi
dist:  ## a tarball of the source, build/libmpool-VERSION.tar.gz
	@mkdir -p build
	@{ $(dist_files); } | LC_ALL=C sort | tar --create --files-from=- \
		--transform='s|^|$(dist_name)/|' --mtime=@$(dist_date) --owner=0 --group=0 \
		--numeric-owner --mode=u+w,go=rX | gzip -9n >build/$(dist_name).tar.gz
	@echo build/$(dist_name).tar.gz

# Built from the tarball, in build/deb; dpkg says which packages that takes.
maintainer = $(or $(DEBFULLNAME),The libmpool authors) \
	<$(or $(DEBEMAIL),libmpool@users.noreply.github.com)>
deb: dist  ## Debian packages of it all, build/deb/*.deb
	@command -v dpkg-buildpackage >/dev/null || { \
		echo 'make deb: no dpkg-buildpackage: apt install build-essential debhelper' >&2; exit 1; }
	@rm -rf build/deb && mkdir -p build/deb
	@tar -xzf build/$(dist_name).tar.gz -C build/deb
	@cp -r tools/package/debian build/deb/$(dist_name)/debian
	@sed -i 's|@MAINTAINER@|$(maintainer)|' build/deb/$(dist_name)/debian/control
	@printf 'libmpool (%s) unstable; urgency=medium\n\n  * %s\n\n -- %s  %s\n' $(VERSION) \
		'See src/CHANGELOG.md of the source.' '$(maintainer)' \
		"$$(date -uRd @$(dist_date))" >build/deb/$(dist_name)/debian/changelog
	@cd build/deb/$(dist_name) && env -u MAKEFLAGS -u MAKELEVEL -u MFLAGS -u CI -u CC -u CXX \
		DEB_BUILD_OPTIONS="parallel=$$(nproc) $$DEB_BUILD_OPTIONS" \
		dpkg-buildpackage -us -uc -b
	@ls build/deb/*.deb

spec: dist  ## for rpmbuild -ba --define "_sourcedir $$PWD/build" build/libmpool.spec
	@$(call filled,tools/package/libmpool.spec) >build/libmpool.spec
	@printf '* %s %s - %s-1\n- See src/CHANGELOG.md of the source.\n' \
		"$$(LC_ALL=C date -ud @$(dist_date) '+%a %b %d %Y')" '$(maintainer)' \
		$(VERSION) >>build/libmpool.spec
	@echo build/libmpool.spec

meson: dist  ## what a Meson project puts into its subprojects/: build/meson/*
	@rm -rf build/meson && mkdir -p build/meson/packagefiles/mempool
	@$(call filled,tools/package/meson/mempool.wrap) >build/meson/mempool.wrap
	@cp tools/package/meson/meson.build build/meson/packagefiles/mempool
	@cp build/$(dist_name).tar.gz build/meson/packagefiles
	@echo build/meson

# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
#
# Makefile of the driver in a board support package, which sets compiler, flags and archiver.
COMPILER =
ARCHIVER =
CP = cp
COMPILER_FLAGS =
EXTRA_COMPILER_FLAGS =
LIB = libxil.a

RELEASEDIR = ../../../lib
INCLUDEDIR = ../../../include
INCLUDES = -I. -I$(INCLUDEDIR)

OBJECTS = $(patsubst %.c,%.o,$(wildcard *.c))

libs: $(OBJECTS)
	$(ARCHIVER) -r $(RELEASEDIR)/$(LIB) $(OBJECTS)
	rm -f $(OBJECTS)

%.o: %.c
	$(COMPILER) $(COMPILER_FLAGS) $(EXTRA_COMPILER_FLAGS) $(INCLUDES) -c -o $@ $<

include:
	$(CP) *.h $(INCLUDEDIR)

clean:
	rm -f $(OBJECTS)

.PHONY: libs include clean

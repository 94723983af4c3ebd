#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
#
# The one wrapper: makes the Python environment on first use, then runs the corewright command line.
#
#   ./cw COMMAND [ARGUMENTS ...]      ./cw --help lists the commands
#
# COREWRIGHT_PYTHON  the interpreter to build the environment from (3.11 or newer)
# COREWRIGHT_SETS    further requirement sets to install, such as "test train" before `./cw shell`
# COREWRIGHT_VENV    the folder of the environment, .venv in the clone when left out
#
# A start with nothing to do costs a few milliseconds: it compares requirements/*.txt with the copies
# that the last installation left in .venv/.cw, and looks for the system's commands in PATH.
set -eu
unset PYTHONHOME

say() { printf 'cw: %s\n' "$*" >&2; }
die() {
  say "$@"
  exit 2
}

# The folder of this file, also when it is called through a symbolic link.
script=$0
while [ -L "$script" ]; do
  link=$(readlink "$script")
  case $link in
    /*) script=$link ;;
    *) script=$(dirname "$script")/$link ;;
  esac
done
case $script in
  */*) root=${script%/*} ;;
  *) root=. ;;
esac
root=$(CDPATH='' cd -P -- "${root:-/}" && pwd -P)

case $root in
  *[[:space:]]*) die "the path '$root' contains white space, which GNU make and Verilator's" \
    "makefiles cannot handle: please move the clone to a path without." ;;
esac

venv=$root/.venv
lock=$root/.cw.lock
if [ -n "${COREWRIGHT_VENV-}" ]; then
  case $COREWRIGHT_VENV in
    *[[:space:]]*) die "COREWRIGHT_VENV '$COREWRIGHT_VENV' contains white space" ;;
    /*) venv=${COREWRIGHT_VENV%/} ;;
    *) venv=$(pwd -P)/${COREWRIGHT_VENV%/} ;;
  esac
  lock=$venv.lock
  # Clones that share an environment each see their own sources.
  PYTHONPATH=$root/sw:$root/flows${PYTHONPATH:+:$PYTHONPATH}
  export PYTHONPATH
fi
elsewhere="COREWRIGHT_VENV=FOLDER makes the environment elsewhere"
stamps=$venv/.cw
python=$venv/bin/python

# ----------------------------------------------------------------------------- system packages

# A compiler's own search path decides where /usr/include is not the place.
has_header() {
  [ -f "/usr/include/$1" ] || [ -f "/usr/local/include/$1" ] ||
    printf '#include <%s>\n' "$1" | g++ -E -x c++ - >/dev/null 2>&1
}

# Prints the Debian packages that are missing; the command and the package differ for flock.
missing_packages() {
  for pair in g++:g++ make:make perl:perl ccache:ccache flock:util-linux; do
    command -v "${pair%%:*}" >/dev/null 2>&1 || printf '%s ' "${pair#*:}"
  done
  has_header lz4.h || printf 'liblz4-dev '
  has_header zlib.h || printf 'zlib1g-dev '
}

# Installs Debian packages as root, otherwise prints the line to run and stops.
install_packages() {
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    say "installing with apt-get: $*"
    log=$(mktemp)
    # shellcheck disable=SC2015  # Either failure is reported the same way.
    DEBIAN_FRONTEND=noninteractive apt-get -qq update >"$log" 2>&1 &&
      DEBIAN_FRONTEND=noninteractive apt-get -qq -y install --no-install-recommends "$@" \
        >>"$log" 2>&1 </dev/null || {
      cat "$log" >&2
      rm -f "$log"
      die "apt-get failed; please install by hand: $*"
    }
    rm -f "$log"
  elif command -v apt-get >/dev/null 2>&1; then
    die "system packages are missing; please run:" \
      "sudo apt-get update && sudo apt-get install -y $*"
  else
    die "please install what these Debian packages hold, with this system's package manager: $*"
  fi
}

# Commands are looked up at each start (free in the shell), the headers only once.
system_is_ready() {
  [ -f "$stamps/system" ] && command -v g++ >/dev/null 2>&1 &&
    command -v make >/dev/null 2>&1 && command -v perl >/dev/null 2>&1 &&
    command -v ccache >/dev/null 2>&1 && command -v flock >/dev/null 2>&1
}

check_system() {
  packages=$(missing_packages)
  # shellcheck disable=SC2086  # A list of words.
  [ -z "$packages" ] || install_packages $packages
}

# -------------------------------------------------------------------------- Python environment

find_python() {
  for candidate in ${COREWRIGHT_PYTHON:-python3.13 python3.12 python3.11 python3}; do
    # Run it: a version manager's shim may stand for a version that is not enabled.
    if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then
      printf '%s\n' "$candidate"
      return 0
    fi
  done
  return 1
}

make_venv() {
  base=$(find_python) || die "Python 3.11 or newer is needed and was not found in PATH;" \
    "name one with COREWRIGHT_PYTHON=/path/to/python3"
  version=$("$base" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
  # Debian packs ensurepip separately.
  "$base" -c 'import ensurepip, venv' >/dev/null 2>&1 || install_packages "python$version-venv"
  say "making the Python $version environment in $venv"
  "$base" -m venv --clear "$venv" >&2 || die "could not make $venv; $elsewhere"
}

# True unless an older cw made the environment.
venv_is_marked() { [ -f "$venv/FUSESOC_IGNORE" ]; }

# True for an environment that was made in this very place: its scripts name the interpreter by its
# absolute path, so a clone that was moved or copied needs a new one.
venv_is_ours() {
  [ -x "$python" ] && [ -f "$stamps/home" ] && IFS= read -r home <"$stamps/home" &&
    [ "$home" = "$venv" ]
}

# An environment made by hand with `python3 -m venv .venv` is taken over, not thrown away.
adopt_venv() {
  [ ! -d "$stamps" ] && [ -x "$python" ] && [ -f "$venv/pyvenv.cfg" ] || return 1
  case $(sed -n 's/^command = //p' "$venv/pyvenv.cfg") in
    *" -m venv "*"$venv") ;;
    *) return 1 ;;
  esac
  "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 &&
    "$python" -m pip --version >/dev/null 2>&1
}

# cocotb loads libpython into the simulator; Debian's interpreter is linked without it.
check_libpython() {
  "$python" -m find_libpython 2>/dev/null | grep -q . && return 0
  version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
  install_packages "libpython$version"
}

# The stand-in for Vivado is written in Tcl: tclsh, or the Tcl of Python's tkinter.
check_tcl() {
  command -v tclsh >/dev/null 2>&1 || "$python" -c 'import _tkinter' >/dev/null 2>&1 ||
    install_packages tcl
}

is_current() {
  for set in "$@"; do
    cmp -s "$root/requirements/$set.txt" "$stamps/$set.txt" || return 1
  done
}

# The whole installation runs under a lock; whoever comes second finds the work done.
install_sets() {
  command -v flock >/dev/null 2>&1 || check_system
  # In a shell of its own: a redirection that fails would end this one without a word of ours.
  (mkdir -p "${lock%/*}" && : >>"$lock") 2>/dev/null ||
    die "$lock cannot be written (a read-only clone, a full disk, no right?); $elsewhere"
  exec 9>"$lock"
  flock -n 9 || {
    say "waiting for another cw that is setting up the environment"
    flock 9
  }
  system_is_ready || check_system
  venv_is_ours || adopt_venv || make_venv
  # A FuseSoC library that names this clone looks for cores in all of its folders.
  (: >"$venv/FUSESOC_IGNORE" && mkdir -p "$stamps" && printf '%s\n' "$venv" >"$stamps/home" &&
    : >"$stamps/system") 2>/dev/null || die "$stamps cannot be written; $elsewhere"
  site=$("$python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
  printf '%s\n' "$root/sw" "$root/flows" >"$site/corewright.pth"

  files=
  names=
  for set in "$@"; do
    is_current "$set" && continue
    files="$files -r $root/requirements/$set.txt"
    names="$names $set"
  done
  [ -n "$names" ] || return 0
  case $names in
    *train*) note=" (TensorFlow is a large download: this takes some minutes)" ;;
    *) note= ;;
  esac
  say "installing the pinned packages:$names$note"
  started=$(date +%s)
  # Bytecode is made of what is imported, when it is: making it of all takes half of the time.
  # shellcheck disable=SC2086  # A list of words; the path has no white space, see above.
  "$python" -m pip --disable-pip-version-check --no-input install --quiet --quiet \
    --no-warn-script-location --no-compile $files >&2 9>&- ||
    die "pip could not install into $venv:$names ($elsewhere)"
  case $names in
    *test*)
      check_libpython
      check_tcl
      ;;
  esac
  for name in $names; do
    cp "$root/requirements/$name.txt" "$stamps/$name.txt.new"
    mv "$stamps/$name.txt.new" "$stamps/$name.txt"
  done
  say "done in $(($(date +%s) - started)) s"
}

sets=core
[ "${1-}" != test ] || sets="core synth test train farm"
# A night runs the tests, too.
[ "${1-}" != nightly ] || sets="core synth test train farm"
# Cases on other machines, and a database of results: who asks for them needs more packages.
for word in "$@"; do
  case "${1-} $word" in
    "regress --benches") sets="core synth test" ;;
    "regress --farm"* | "regress --database"* | "regress --history" | \
      "regress --resume" | "bench farm") sets="core farm" ;;
    "fusesoc synth" | "fusesoc ecp5" | "fusesoc gls" | "sim --gates") sets="core synth" ;;
  esac
done
# The blocks' benches and proofs; synthesis, place and route.
case "${1-} ${2-}" in
  "synth "*) sets="$sets synth" ;;
  "regress blocks" | "regress proofs" | "mutate "*) sets="$sets synth test" ;;
esac
sets="$sets ${COREWRIGHT_SETS-}"
for set in $sets; do
  [ -f "$root/requirements/$set.txt" ] || die "COREWRIGHT_SETS names no such set: $set"
done

# shellcheck disable=SC2086  # A list of words.
if ! { system_is_ready && venv_is_ours && venv_is_marked && is_current $sets; }; then
  (install_sets $sets)
fi

COREWRIGHT_ROOT=$root
VIRTUAL_ENV=$venv
PATH=$venv/bin:$PATH
export COREWRIGHT_ROOT VIRTUAL_ENV PATH
# -P: the current directory must not shadow modules.
exec "$python" -P -m corewright.cli "$@"

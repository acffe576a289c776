"""A Slurm of two nodes on this one machine, in a temporary folder: Debian's slurm-wlm and munge.

    with Lab() as lab:
        job = lab.sbatch("--wrap", "hostname")
        lab.wait_for_state(job, "COMPLETED")

Its daemons are started here and ended with it; nothing of a Slurm that is installed is touched."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time

CONFIGURATION = """
ClusterName=lab
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={ports[0]}
SlurmdPort={ports[1]}
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
AuthInfo=socket={folder}/munge/socket,cred_expire=5
CryptoType=crypto/munge
CommunicationParameters=NoCtldInAddrAny,NoInAddrAny
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool/%n
SlurmctldPidFile={folder}/run/slurmctld.pid
SlurmdPidFile={folder}/run/slurmd.%n.pid
SlurmctldLogFile={folder}/log/slurmctld.log
SlurmdLogFile={folder}/log/slurmd.%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SchedulerType=sched/backfill
SchedulerParameters=sched_interval=1,bf_interval=1,batch_sched_delay=0,sched_min_interval=0
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
SlurmctldParameters=preempt_send_user_signal
ReturnToService=2
SlurmdTimeout=10
SlurmctldTimeout=10
KillWait=120
MinJobAge=300
InactiveLimit=0
GresTypes=gpu
MailProg=/bin/true
NodeName=n[1-2] NodeAddr=127.0.0.1 NodeHostname={host} Port=[{ports[1]}-{ports[2]}] CPUs=2 \
RealMemory=4000 Gres=gpu:fake:2 State=UNKNOWN
PartitionName=main Nodes=ALL Default=YES MaxTime=60 PriorityTier=1 GraceTime=60 State=UP
PartitionName=short Nodes=ALL MaxTime=1 PriorityTier=1 State=UP
PartitionName=urgent Nodes=ALL MaxTime=60 PriorityTier=2 PreemptMode=OFF State=UP
"""

GPUS = """
AutoDetect=off
NodeName=n[1-2] Name=gpu Type=fake File={folder}/gpu[0-1]
"""

PROGRAMS = ["slurmctld", "slurmd", "munged", "sbatch", "squeue", "scontrol", "sinfo", "scancel"]
PATIENCE = 300  # seconds; reached only where something is wrong


def find(program):
    folders = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
    return shutil.which(program, path=folders)


def why_not():
    """Why there can be no lab here; None where there can."""
    missing = [name for name in PROGRAMS if find(name) is None]
    if missing:
        return f"{missing[0]} is not installed (apt-get install slurm-wlm munge)"
    if os.geteuid() != 0:
        return "slurmd starts jobs as root alone"
    return None


def wait_until(holds, what):
    """Polls: Slurm tells nobody when something has happened."""
    for _ in range(PATIENCE * 20):
        value = holds()
        if value:
            return value
        time.sleep(0.05)
    raise AssertionError(f"waited {PATIENCE} s in vain: {what}")


def processes():
    """(number, command line) of all that run."""
    for folder in os.listdir("/proc"):
        if not folder.isdigit():
            continue
        try:
            with open(f"/proc/{folder}/cmdline") as file:
                yield int(folder), file.read().replace("\0", " ").strip()
        except OSError:
            continue


def is_over(pid):
    """Whether a process has ended or is stopped: one that was only sent a signal may still take what
    others wait for."""
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rsplit(")", 1)[1].split()[0] in "ZXT"
    except OSError:
        return True


def kill_tree(pid, by=signal.SIGKILL):
    """The process by this signal, what it began by SIGKILL."""
    with contextlib.suppress(OSError):
        children = []
        for thread in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{thread}/children") as file:
                children += [int(word) for word in file.read().split()]
        os.kill(pid, by)
        wait_until(lambda: is_over(pid), f"process {pid} to end")
        for child in children:
            kill_tree(child)


def free_ports(count):
    """Consecutive ones."""
    for first in range(16817, 32000, 7):
        sockets = []
        try:
            for port in range(first, first + count):
                sockets.append(socket.socket())
                sockets[-1].bind(("127.0.0.1", port))
            return list(range(first, first + count))
        except OSError:
            continue
        finally:
            for each in sockets:
                each.close()
    raise AssertionError("no free ports")


class Lab:
    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="mvn-slurm-", dir="/tmp")
        self.daemons = {}
        self.environment = dict(os.environ, SLURM_CONF=self.folder + "/slurm.conf")

    def __enter__(self):
        try:
            self.configure()
            self.start_daemons()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        if "slurmctld" in self.daemons:
            self.end_jobs()
        for name in list(self.daemons):
            self.end(name)
        shutil.rmtree(self.folder, ignore_errors=True)

    def configure(self):
        os.chmod(self.folder, 0o755)
        for name in ("state", "spool/n1", "spool/n2", "run", "log", "munge"):
            os.makedirs(f"{self.folder}/{name}")
        os.chmod(self.folder + "/munge", 0o711)
        for name in ("gpu0", "gpu1"):
            os.mknod(f"{self.folder}/{name}", 0o644)
        values = dict(folder=self.folder, host=socket.gethostname().split(".")[0], user="root",
                      ports=free_ports(3))
        for name, text in (("slurm.conf", CONFIGURATION), ("gres.conf", GPUS)):
            with open(f"{self.folder}/{name}", "w") as file:
                file.write(text.format(**values))
        with open(os.open(self.folder + "/munge/key", os.O_CREAT | os.O_WRONLY, 0o600), "wb") as key:
            key.write(os.urandom(1024))

    def start_daemons(self):
        munge = self.folder + "/munge/"
        self.start("munged", "--foreground", "--force", f"--key-file={munge}key",
                   f"--socket={munge}socket", f"--pid-file={munge}pid", f"--seed-file={munge}seed",
                   f"--log-file={munge}log")
        wait_until(lambda: os.path.exists(munge + "socket"), "munged")
        self.start("slurmctld", "-D", "-f", self.folder + "/slurm.conf")
        self.start_node("n1")
        self.start_node("n2")
        wait_until(lambda: self.ask("sinfo", "-h", "-N", "-o", "%N %T", "-p", "main").count(" idle")
                   == 2, "two idle nodes")

    def start(self, program, *arguments, name=None):
        with open(f"{self.folder}/log/{name or program}.out", "ab") as log:
            self.daemons[name or program] = subprocess.Popen(
                [find(program), *arguments], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                env=self.environment, start_new_session=True)

    def start_node(self, name):
        self.start("slurmd", "-D", "-N", name, "-f", self.folder + "/slurm.conf", name=name)

    def end(self, name):
        daemon = self.daemons.pop(name)
        daemon.terminate()
        daemon.wait()

    def kill_node(self, name, job):
        """Its slurmd, and what the job runs there. Who is connected to them sees it at once."""
        self.kill_steps(job)
        daemon = self.daemons.pop(name)
        daemon.kill()
        daemon.wait()

    def freeze_node(self, name, job):
        """As a power failure does: whoever waits for an answer from there waits on."""
        self.daemons[name].send_signal(signal.SIGSTOP)
        self.kill_steps(job, by=signal.SIGSTOP)

    @contextlib.contextmanager
    def without_node(self, name, job, lose):
        """Loses a node by kill_node or freeze_node, and brings it back at the end."""
        lose(name, job)
        try:
            yield
        finally:
            if name in self.daemons:
                self.kill_node(name, job)
            self.start_node(name)
            wait_until(lambda: self.state_of(name) == "idle", name + " to be idle")

    def state_of(self, node):
        return self.ask("sinfo", "-h", "-n", node, "-o", "%T", "-p", "main")

    @staticmethod
    def kill_steps(job, by=signal.SIGKILL):
        steps = f"slurmstepd: [{job}."
        for pid, words in processes():
            if words.startswith(steps):
                kill_tree(pid, by)

    def end_jobs(self):
        """Those of a test that failed: they would outlive the daemons."""
        self.ask("scancel", "--user=root")
        try:
            wait_until(lambda: not self.ask("squeue", "-h"), "no jobs")
        except AssertionError as error:
            print(error)

    def ask(self, program, *arguments):
        """What it prints, or "" where it fails."""
        done = subprocess.run([program, *arguments], env=self.environment, stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL, text=True, timeout=PATIENCE, check=False)
        return done.stdout.strip() if done.returncode == 0 else ""

    def run(self, program, *arguments, environment=None):
        done = subprocess.run([program, *arguments], env=environment or self.environment,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              timeout=PATIENCE, check=False)
        assert done.returncode == 0, f"{program} {' '.join(arguments)}: {done.stdout}"
        return done.stdout.strip()

    def sbatch(self, *arguments, environment=None):
        return self.run("sbatch", "--parsable", *arguments, environment=environment)

    def job(self, number):
        """What scontrol says of a job, by key."""
        words = self.ask("scontrol", "show", "job", "-o", str(number)).split(" ")
        return dict(word.split("=", 1) for word in words if "=" in word)

    def wait_for_state(self, number, *states):
        return wait_until(lambda: (self.job(number).get("JobState") in states
                                   and self.job(number)), f"job {number} to be {states}")

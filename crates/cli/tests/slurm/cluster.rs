//! A cluster of one node: munged, slurmctld and slurmd of this machine, in a folder of their own.

use std::fs::Permissions;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::support::isolated;

const PROGRAMS: [&str; 6] = ["munged", "slurmctld", "slurmd", "sbatch", "squeue", "scontrol"];
const NODE: &str = "node";
/// How long anything may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(240);

pub(crate) struct Cluster {
    folder: PathBuf,
    slurmd: Child,
    others: Vec<Child>,
}

impl Cluster {
    /// `None`, and why, where this machine cannot have one.
    pub(crate) fn start(folder: &Path) -> Option<Self> {
        if let Some(missing) = PROGRAMS.into_iter().find(|program| !is_there(program)) {
            println!("skipped: {missing} is not on the path (Debian: slurm-wlm, munge)");
            return None;
        }
        if std::fs::metadata("/proc/self").is_ok_and(|own| std::os::unix::fs::MetadataExt::uid(&own) != 0) {
            println!("skipped: Slurm's daemons start jobs of any user, and so want to be root");
            return None;
        }
        for name in ["munge", "state", "spool", "log"] {
            std::fs::create_dir(folder.join(name)).unwrap();
        }
        // Whoever asks must be able to reach the socket.
        std::fs::set_permissions(folder, Permissions::from_mode(0o755)).unwrap();
        std::fs::set_permissions(folder.join("munge"), Permissions::from_mode(0o711)).unwrap();
        configure(folder);
        let others = vec![munged(folder), daemon(folder, "slurmctld", &[])];
        let mut cluster = Cluster { folder: folder.to_owned(), slurmd: slurmd(folder), others };
        cluster
            .wait_until("the node is idle", |cluster| cluster.asked("sinfo", &["-h", "-o", "%t"]) == "idle");
        Some(cluster)
    }

    /// A command that finds this cluster and nothing else of the machine.
    pub(crate) fn command(&self, program: &str, folder: &Path) -> Command {
        let mut command = isolated(Command::new(program), folder);
        command.env("SLURM_CONF", self.folder.join("slurm.conf"));
        command
    }

    /// What one of Slurm's programs answers.
    pub(crate) fn asked(&self, program: &str, args: &[&str]) -> String {
        let output = self.command(program, &self.folder).args(args).output().unwrap();
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    /// The same; it has to agree.
    pub(crate) fn told(&self, program: &str, args: &[&str]) {
        let output = self.command(program, &self.folder).args(args).output().unwrap();
        assert!(output.status.success(), "{program} {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    }

    /// Waits for a task of an array that computes and is not among those `seen`, and adds it to them.
    pub(crate) fn at_work(&mut self, array: &str, results: &Path, seen: &mut Vec<usize>) -> AtWork {
        let mut found = None;
        self.wait_until("a task is at work", |cluster| {
            let running = cluster.asked("squeue", &["-h", "-r", "-t", "R", "-o", "%K", "-j", array]);
            let running: Vec<usize> = running.lines().filter_map(|task| task.trim().parse().ok()).collect();
            let new = |at_work: &AtWork| running.contains(&at_work.task) && !seen.contains(&at_work.task);
            found = workers(results).into_iter().find(new);
            found.is_some()
        });
        let at_work = found.unwrap();
        seen.push(at_work.task);
        at_work
    }

    /// Waits until no job is left.
    pub(crate) fn wait_for_jobs(&mut self) {
        self.wait_until("all jobs have ended", |cluster| cluster.asked("squeue", &["-h"]).is_empty());
    }

    pub(crate) fn wait_until(&mut self, what: &str, mut is_so: impl FnMut(&Self) -> bool) {
        let start = Instant::now();
        while !is_so(self) {
            assert!(start.elapsed() < PATIENCE, "{what}: not after {PATIENCE:?}; {}", self.said());
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// Kills the node's daemon, and starts it again after a while.
    pub(crate) fn kill_node(&mut self, pause: Duration) {
        self.slurmd.kill().unwrap();
        self.slurmd.wait().unwrap();
        std::thread::sleep(pause);
        self.slurmd = slurmd(&self.folder);
    }

    /// What is in the queue, and what the daemons said last.
    fn said(&self) -> String {
        let mut said = self.asked("squeue", &[]);
        for name in ["munged", "slurmctld", "slurmd"] {
            let log = std::fs::read_to_string(self.folder.join("log").join(name)).unwrap_or_default();
            let last: Vec<&str> = log.lines().rev().take(15).collect();
            said.push_str(&format!("\n{name}:\n{}", last.into_iter().rev().collect::<Vec<_>>().join("\n")));
        }
        said
    }
}

/// A task of an array that has claimed parts.
#[derive(Debug, Clone, Copy)]
pub(crate) struct AtWork {
    pub(crate) task: usize,
    /// The process of its script.
    pub(crate) shell: u32,
}

/// Who works on a results folder, by its claims.
fn workers(results: &Path) -> Vec<AtWork> {
    let worker = |claim: std::io::Result<std::fs::DirEntry>| {
        let text = std::fs::read_to_string(claim.ok()?.path()).ok()?;
        let claim: serde_json::Value = serde_json::from_str(&text).ok()?;
        let (task, _) = claim["worker"]["shard"].as_str()?.split_once('/')?;
        let status = std::fs::read_to_string(format!("/proc/{}/status", claim["worker"]["pid"])).ok()?;
        let shell = status.lines().find_map(|line| line.strip_prefix("PPid:"))?;
        Some(AtWork { task: task.parse().ok()?, shell: shell.trim().parse().ok()? })
    };
    std::fs::read_dir(results.join("claims")).into_iter().flatten().filter_map(worker).collect()
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if std::thread::panicking() {
            println!("{}", self.said());
        }
        // Jobs first: nobody else ends them.
        self.asked("scancel", &["--user=root", "--signal=KILL", "--full"]);
        self.asked("scancel", &["--user=root"]);
        for daemon in std::iter::once(&mut self.slurmd).chain(self.others.iter_mut().rev()) {
            let _ = daemon.kill();
            let _ = daemon.wait();
        }
    }
}

fn is_there(program: &str) -> bool {
    path().split(':').any(|folder| Path::new(folder).join(program).is_file())
}

/// Daemons are where not every user's path leads.
fn path() -> String {
    format!("{}:/usr/sbin:/usr/local/sbin:/sbin", std::env::var("PATH").unwrap_or_default())
}

fn configure(folder: &Path) {
    let mut key = [0; 128];
    std::fs::File::open("/dev/urandom").unwrap().read_exact(&mut key).unwrap();
    let path = folder.join("munge/key");
    std::fs::write(&path, key).unwrap();
    std::fs::set_permissions(&path, Permissions::from_mode(0o400)).unwrap();
    // Both at once, so that they differ.
    let ports = [(); 2].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
    let [controller, node] = ports.map(|port| port.local_addr().unwrap().port());
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap();
    let host = host.trim().split('.').next().unwrap();
    let base = folder.display();
    let text = format!(
        "ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={controller}
SlurmdPort={node}
AuthType=auth/munge
AuthInfo=socket={base}/munge/socket
CredType=cred/munge
SlurmUser=root
SlurmdUser=root
StateSaveLocation={base}/state
SlurmdSpoolDir={base}/spool
SlurmctldPidFile={base}/slurmctld.pid
SlurmdPidFile={base}/slurmd.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerParameters=batch_sched_delay=0,sched_interval=1
ReturnToService=2
KillWait=30
NodeName={NODE} NodeHostname={host} NodeAddr=127.0.0.1 CPUs=2 State=UNKNOWN
PartitionName=all Nodes=ALL Default=YES MaxTime=INFINITE State=UP
"
    );
    std::fs::File::create(folder.join("slurm.conf")).unwrap().write_all(text.as_bytes()).unwrap();
}

fn munged(folder: &Path) -> Child {
    let at = |name: &str| folder.join("munge").join(name).display().to_string();
    let options = [
        format!("--key-file={}", at("key")),
        format!("--socket={}", at("socket")),
        format!("--pid-file={}", at("pid")),
        format!("--seed-file={}", at("seed")),
        "--log-file=/dev/stderr".to_owned(),
        "--foreground".to_owned(),
        // Folders of tests lie where all may write.
        "--force".to_owned(),
    ];
    let child = daemon(folder, "munged", &options.each_ref().map(String::as_str));
    let start = Instant::now();
    while !folder.join("munge/socket").exists() && start.elapsed() < PATIENCE {
        std::thread::sleep(Duration::from_millis(20));
    }
    child
}

fn slurmd(folder: &Path) -> Child {
    daemon(folder, "slurmd", &["-N", NODE])
}

/// Starts a daemon that stays a child of ours and says what it has to say in `log`.
fn daemon(folder: &Path, name: &str, more: &[&str]) -> Child {
    let log = std::fs::File::options().create(true).append(true).open(folder.join("log").join(name)).unwrap();
    let mut command = Command::new(name);
    if name != "munged" {
        command.arg("-D").arg("-f").arg(folder.join("slurm.conf"));
    }
    command.args(more).env("PATH", path()).env("SLURM_CONF", folder.join("slurm.conf"));
    command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log);
    command.spawn().unwrap()
}

//! What a server costs, read from /proc: processor time and memory of a process and of everything it started.

use std::{collections::HashMap, fs, path::Path};

/// The kernel's unit for processor times in /proc (USER_HZ), fixed on every Linux platform that we know.
const TICKS: f64 = 100.0;

struct Stat {
    parent: u32,
    ticks: f64,
}

fn stat(pid: u32) -> Option<Stat> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The second field is the name in parentheses and may hold anything.
    let fields: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
    // utime, stime and those of children that have ended.
    let ticks = fields.get(11..15)?.iter().filter_map(|field| field.parse::<f64>().ok()).sum();
    Some(Stat { parent: fields.get(1)?.parse().ok()?, ticks })
}

/// `roots` and all their descendants that live now.
fn family(roots: &[u32]) -> HashMap<u32, Stat> {
    let all: HashMap<u32, Stat> = fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter_map(|pid| Some((pid, stat(pid)?)))
        .collect();
    let belongs = |mut pid: u32| {
        while pid > 1 {
            if roots.contains(&pid) {
                return true;
            }
            pid = all.get(&pid).map_or(0, |stat| stat.parent);
        }
        false
    };
    let ours: Vec<u32> = all.keys().copied().filter(|&pid| belongs(pid)).collect();
    let mut all = all;
    ours.into_iter().filter_map(|pid| Some((pid, all.remove(&pid)?))).collect()
}

/// Processor seconds that `roots` and their descendants have used so far.
pub(crate) fn cpu_seconds(roots: &[u32]) -> f64 {
    family(roots).values().map(|stat| stat.ticks).sum::<f64>() / TICKS
}

/// Processor seconds that this process itself has used so far, without those it started.
pub(crate) fn own_cpu_seconds() -> f64 {
    let text = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = text.rsplit_once(')').map_or("", |(_, fields)| fields).split_whitespace();
    fields.skip(11).take(2).filter_map(|field| field.parse::<f64>().ok()).sum::<f64>() / TICKS
}

fn status_kib(pid: u32, field: &str) -> f64 {
    fs::read_to_string(format!("/proc/{pid}/status"))
        .ok()
        .and_then(|text| kib_field(&text, field))
        .unwrap_or(0.0)
}

fn kib_field(text: &str, field: &str) -> Option<f64> {
    let line = text.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'))?;
    line.trim().trim_end_matches("kB").trim().parse().ok()
}

/// Makes the highest memory use count from now on.
pub(crate) fn reset_peak(pid: u32) {
    // Needs root or the same user; without it the peak since start is reported, which is only ever larger.
    drop(fs::write(format!("/proc/{pid}/clear_refs"), "5"));
}

/// Highest resident memory of one process since [`reset_peak`], in MiB.
pub(crate) fn peak_mib(pid: u32) -> f64 {
    status_kib(pid, "VmHWM") / 1024.0
}

/// Resident memory of one process, in MiB.
pub(crate) fn resident_mib(pid: u32) -> f64 {
    status_kib(pid, "VmRSS") / 1024.0
}

/// What the kernel holds for the TCP sockets of this machine, both ends of a loopback connection, in MiB: the socket, its
/// inode, its file, its place in the event queue, and what is in its buffers.
pub(crate) fn sockets_mib() -> f64 {
    let pages = fs::read_to_string("/proc/net/sockstat").ok().and_then(|text| {
        let line = text.lines().find(|line| line.starts_with("TCP:"))?.to_owned();
        line.rsplit_once("mem ")?.1.trim().parse::<f64>().ok()
    });
    let slabs = fs::read_to_string("/proc/slabinfo").map_or_else(|_| guessed_slabs(), |text| slabs(&text));
    (slabs + pages.unwrap_or(0.0) * 4096.0) / 1_048_576.0
}

/// Bytes in the kernel's pools that hold sockets. The pools of files and of their names hold much else, so that they count
/// once a socket.
fn slabs(text: &str) -> f64 {
    let pool = |name: &str| {
        let line = text.lines().find(|line| line.split_whitespace().next() == Some(name))?;
        let mut fields = line.split_whitespace().skip(1).filter_map(|field| field.parse::<f64>().ok());
        Some((fields.next()?, fields.nth(1)?))
    };
    let whole = |name: &str| pool(name).map_or(0.0, |(count, size)| count * size);
    let sockets = pool("TCP").map_or(0.0, |(count, _)| count) + pool("TCPv6").map_or(0.0, |(count, _)| count);
    let size = |name: &str| pool(name).map_or(0.0, |(_, size)| size);
    ["TCP", "TCPv6", "sock_inode_cache", "eventpoll_epi", "eventpoll_pwq"].map(whole).iter().sum::<f64>()
        + sockets * (size("filp") + size("dentry"))
}

/// Where the pools may not be read: all small objects of the kernel, sockets among them.
fn guessed_slabs() -> f64 {
    let slab = fs::read_to_string("/proc/meminfo").ok().and_then(|text| kib_field(&text, "Slab"));
    slab.unwrap_or(0.0) * 1024.0
}

/// Bytes on disk below `path`.
pub(crate) fn disk_bytes(path: &Path) -> u64 {
    let Ok(meta) = fs::symlink_metadata(path) else { return 0 };
    if !meta.is_dir() {
        return meta.len();
    }
    fs::read_dir(path).into_iter().flatten().flatten().map(|entry| disk_bytes(&entry.path())).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_has_used_something() {
        let me = std::process::id();
        assert!(family(&[me]).contains_key(&me));
        assert!(resident_mib(me) > 0.0 && peak_mib(me) >= resident_mib(me) / 2.0);
        let own = own_cpu_seconds();
        assert!(cpu_seconds(&[me]) >= own && sockets_mib() > 0.0);
    }

    #[test]
    fn sockets_are_found_among_the_pools() {
        let text = "slabinfo - version: 2.1\n# name <active_objs> <num_objs> <objsize>\n\
                    TCP 10 117 2000 13 8 : tunables 0 0 0\nsock_inode_cache 20 30 800 19 4 :\n\
                    filp 5000 6000 192 21 1 :\ndentry 9000 9100 208 21 1 :\n";
        assert!((slabs(text) - (20_000.0 + 16_000.0 + 10.0 * 400.0)).abs() < 0.1);
    }

    #[test]
    fn folders_are_summed() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("in")).unwrap();
        fs::write(dir.path().join("a"), [0; 10]).unwrap();
        fs::write(dir.path().join("in/b"), [0; 7]).unwrap();
        assert_eq!(disk_bytes(dir.path()), 17);
        assert_eq!(disk_bytes(&dir.path().join("none")), 0);
    }
}

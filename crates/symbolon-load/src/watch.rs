//! What a process of this machine uses, as Linux tells it (proc(5)).

use std::time::Duration;

use nix::unistd::{SysconfVar, sysconf};
use serde::Serialize;

/// What it has used so far, and holds now.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Usage {
    pub(crate) cpu: Duration,
    pub(crate) rss_kb: u64,
    pub(crate) descriptors: u64,
}

/// The usage of a process, if it is there.
pub(crate) fn usage(pid: u32) -> Option<Usage> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let descriptors = std::fs::read_dir(format!("/proc/{pid}/fd")).map_or(0, |fds| fds.count() as u64);
    let per_second = sysconf(SysconfVar::CLK_TCK).ok()?? as f64;
    Some(Usage { cpu: Duration::from_secs_f64(ticks(&stat)? / per_second), rss_kb: rss(&status)?, descriptors })
}

/// `utime` and `stime`. The name before them may have spaces and parentheses in it.
fn ticks(stat: &str) -> Option<f64> {
    let (_, rest) = stat.rsplit_once(')')?;
    let mut fields = rest.split_whitespace().skip(11);
    let mut next = || fields.next()?.parse::<f64>().ok();
    Some(next()? + next()?)
}

fn rss(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().strip_suffix(" kB")?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_found_behind_any_name() {
        let stat = "42 (a) b (c) S 1 2 3 4 5 6 7 8 9 10 120 34 0 0 20";
        assert_eq!(ticks(stat), Some(154.0));
        assert_eq!(ticks("42 (a) S 1"), None);
        assert_eq!(rss("Name:\ta\nVmRSS:\t  1234 kB\n"), Some(1_234));
    }

    #[test]
    fn this_process_uses_something() {
        let usage = usage(std::process::id()).expect("it is there");
        assert!(usage.rss_kb > 0 && usage.descriptors > 2, "{usage:?}");
        assert!(super::usage(0).is_none());
    }
}

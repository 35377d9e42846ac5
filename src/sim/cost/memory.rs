//! How much memory there is.

use std::fs;

use crate::sim::cost::MEMORY_LIMIT;

/// Calls of less than this are not worth a look at the machine, bytes.
const SMALL: f64 = (64 << 20) as f64;

/// Bytes that a call of `needed` bytes may take: [`MEMORY_LIMIT`], or what the machine, the container or the limit of the
/// process leaves where Linux says so. It decides refusals alone, never a result or the choice of an engine.
pub fn available(needed: f64) -> f64 {
    if needed <= SMALL {
        return MEMORY_LIMIT;
    }
    let limits = [machine(), container("/sys/fs/cgroup"), process()];
    limits.into_iter().flatten().fold(MEMORY_LIMIT, f64::min)
}

fn read(path: &str) -> Option<String> {
    fs::read_to_string(path).ok()
}

/// What the machine can hand out without swapping.
fn machine() -> Option<f64> {
    let text = read("/proc/meminfo")?;
    let line = text.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    Some(1024.0 * line.trim().strip_suffix("kB")?.trim().parse::<f64>().ok()?)
}

/// What a container's limit leaves (cgroup version 2), file pages that can be dropped included.
fn container(folder: &str) -> Option<f64> {
    let number = |file: &str| read(&format!("{folder}/{file}"))?.trim().parse::<f64>().ok();
    let (most, used) = (number("memory.max")?, number("memory.current")?);
    let statistics = read(&format!("{folder}/memory.stat")).unwrap_or_default();
    let cached = statistics.lines().find_map(|line| line.strip_prefix("inactive_file "))?.trim().parse::<f64>().ok();
    Some((most - used + cached.unwrap_or(0.0)).max(0.0))
}

/// What the limit of the address space leaves.
fn process() -> Option<f64> {
    let limits = read("/proc/self/limits")?;
    let line = limits.lines().find_map(|line| line.strip_prefix("Max address space"))?;
    let most = line.split_whitespace().next()?.parse::<f64>().ok()?;
    let pages = read("/proc/self/statm")?.split_whitespace().next()?.parse::<f64>().ok()?;
    Some((most - 4096.0 * pages).max(0.0))
}

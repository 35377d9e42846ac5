//! Energy from a made-up folder of RAPL counters: what is counted, wraparound, and the estimate where there is none.

use std::fs;
use std::path::Path;

use qgraft::study::energy::{EnergySource, Meter};

fn zone(powercap: &Path, folder: &str, name: &str, microjoules: u64) {
    let zone = powercap.join(folder);
    fs::create_dir_all(&zone).unwrap();
    fs::write(zone.join("name"), format!("{name}\n")).unwrap();
    fs::write(zone.join("max_energy_range_uj"), "10000000\n").unwrap();
    fs::write(zone.join("energy_uj"), format!("{microjoules}\n")).unwrap();
}

fn source(powercap: &Path) -> EnergySource {
    EnergySource { powercap: powercap.into(), watts_per_core: 20.0, ..EnergySource::default() }
}

#[test]
fn packages_and_memory_are_summed_and_wrap_around() {
    let folder = tempfile::tempdir().unwrap();
    let powercap = folder.path();
    let zones = |package, other| {
        zone(powercap, "intel-rapl:0", "package-0", package);
        zone(powercap, "intel-rapl:0:1", "dram", other);
        // Parts of the package, the platform around it and its second view: none may be counted again.
        zone(powercap, "intel-rapl:0:0", "core", other);
        zone(powercap, "intel-rapl:1", "psys", other);
        zone(powercap, "intel-rapl-mmio:0", "package-0", other);
    };
    zones(9_000_000, 100_000);
    let mut meter = Meter::start(&source(powercap));
    zones(9_500_000, 200_000);
    meter.read();
    zones(1_500_000, 300_000);
    let usage = meter.stop();
    // Package 0.5 J, then 0.5 J to the end of the range and 1.5 J after it; memory twice 0.1 J.
    assert!((usage.joules - 2.7).abs() < 1e-9, "{usage:?}");
    assert!(!usage.estimated);
}

#[test]
fn without_a_readable_counter_energy_is_marked_as_an_estimate() {
    let folder = tempfile::tempdir().unwrap();
    let mut vanishing = folder.path().to_path_buf();
    vanishing.push("vanishing");
    zone(&vanishing, "intel-rapl:0", "package-0", 5);
    for powercap in [folder.path().join("absent"), vanishing] {
        let meter = Meter::start(&source(&powercap));
        let busy = (0..2_000_000u64).fold(0, |sum, k| std::hint::black_box(sum ^ k));
        std::hint::black_box(busy);
        let _ = fs::remove_dir_all(&powercap);
        let usage = meter.stop();
        assert!(usage.estimated && usage.cpu_seconds > 0.0 && usage.wall_seconds > 0.0, "{usage:?}");
        assert!((usage.joules - 20.0 * usage.cpu_seconds).abs() < 1e-12, "{usage:?}");
    }
}

#[test]
fn a_kilowatt_hour_has_the_carbon_intensity_of_the_grid() {
    let source = EnergySource { grid_grams_per_kwh: 50.0, ..EnergySource::default() };
    assert!((source.grams_of_co2(3.6e6) - 50.0).abs() < 1e-12);
}

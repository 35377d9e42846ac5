//! Converts a calibration snapshot of any format into our own, the way the files of `noise_models/` were made:
//!
//! ```text
//! cargo run --no-default-features --example convert_snapshot -- PROPS.json ORIGIN LICENCE > noise_models/NAME.json
//! ```

use qgraft::device::{Device, DeviceError};

fn main() -> Result<(), DeviceError> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [snapshot, origin, licence] = &arguments[..] else {
        eprintln!("usage: convert_snapshot SNAPSHOT ORIGIN LICENCE");
        std::process::exit(2);
    };
    let mut device = Device::read(snapshot)?;
    device.calibration.source.origin = origin.clone();
    device.calibration.source.licence = licence.clone();
    print!("{}", device.to_json());
    Ok(())
}

//! Converts a calibration snapshot of any format into our own, the way the files of `noise_models/` were made:
//!
//! ```text
//! cargo run --no-default-features --example convert_snapshot -- PROPS.json ORIGIN LICENCE > noise_models/NAME.json
//! ```

use std::process::ExitCode;

use qgraft::device::Device;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [snapshot, origin, licence] = &arguments[..] else {
        eprintln!("usage: convert_snapshot SNAPSHOT ORIGIN LICENCE");
        return ExitCode::from(2);
    };
    match Device::read(snapshot) {
        Ok(mut device) => {
            device.calibration.source.origin.clone_from(origin);
            device.calibration.source.licence.clone_from(licence);
            print!("{}", device.to_json());
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

//! Writes every circuit of tests/reference/qasm.json as OpenQASM 2 and 3 into a folder, for Qiskit to judge:
//! see tests/reference/qasm.py.

use std::error::Error;
use std::path::PathBuf;

use qgraft::circuit::qasm::{ReadOptions, WriteOptions, read, write2, write3};

#[derive(serde::Deserialize)]
struct Case {
    name: String,
    file: Option<PathBuf>,
    text: Option<String>,
    angles: Vec<f64>,
}

fn main() -> Result<(), Box<dyn Error>> {
    let folder = PathBuf::from(std::env::args().nth(1).ok_or("name a folder to write into")?);
    std::fs::create_dir_all(&folder)?;
    let cases: Vec<Case> = serde_json::from_str(&std::fs::read_to_string("tests/reference/qasm.json")?)?;
    for Case { name, file, text, angles } in cases {
        let text = text.map_or_else(|| std::fs::read_to_string(file.unwrap_or_default()), Ok)?;
        let circuit = read(&text, &ReadOptions::default())?;
        std::fs::write(folder.join(format!("{name}.2.qasm")), write2(&circuit.bind(&angles)?)?)?;
        std::fs::write(folder.join(format!("{name}.3.qasm")), write3(&circuit, &WriteOptions::default()))?;
    }
    Ok(())
}

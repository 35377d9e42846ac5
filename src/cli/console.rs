//! Text for people on stdout and stderr. Names of devices, files and classes come from others and cannot steer a terminal.

use std::io::{Result, Stdout, Write};

use crate::math::words::{printable, printable_json};

/// A line on stderr. Where stderr is closed or full there is nobody to report that to, and the work goes on.
pub fn note(line: impl std::fmt::Display) {
    let _ = writeln!(std::io::stderr(), "{}", printable(&line.to_string()));
}

/// Stdout for texts and tables. Bytes of a file go through [`super::circuit_file::write_bytes`], unchanged.
pub fn stdout() -> TextOut {
    TextOut(std::io::stdout())
}

/// A whole text on stdout.
pub fn print(text: &str) -> Result<()> {
    stdout().write_all(text.as_bytes())
}

/// A JSON text on stdout, and a line break.
pub fn print_json(text: &str) -> Result<()> {
    writeln!(std::io::stdout(), "{}", printable_json(text.trim_end()))
}

/// See [`stdout`].
pub struct TextOut(Stdout);

impl Write for TextOut {
    fn write(&mut self, buffer: &[u8]) -> Result<usize> {
        // Formatting hands over whole texts, so no letter is cut.
        self.0.write_all(printable(&String::from_utf8_lossy(buffer)).as_bytes())?;
        Ok(buffer.len())
    }

    fn flush(&mut self) -> Result<()> {
        self.0.flush()
    }
}

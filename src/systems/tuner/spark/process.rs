//! The process that holds Spark: one JSON object a line each way.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::data::write_file;
use crate::math::input;
use crate::study::StudyError;

/// What the process runs.
const DRIVER: &str = include_str!("driver.py");
const DRIVER_FILE: &str = "driver.py";
/// What it prints beside answers.
const LOG_FILE: &str = "driver.log";
/// How often a waiting caller looks whether the user stops.
const LOOK: Duration = Duration::from_millis(50);
/// How long a process that was asked to end may take, and then its group until it is gone: less than the program waits after Ctrl-C.
const END: Duration = Duration::from_secs(1);

/// A running driver with its own process group: Spark's processes are in it, and end with it.
pub struct Process {
    child: Child,
    input: Option<ChildStdin>,
    answers: Receiver<String>,
    log: std::path::PathBuf,
}

/// What came of a request.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// It was done.
    Done(Value),
    /// It failed, with the reason; the process goes on.
    Failed(String),
    /// The process ended or did not answer in time, and is no more.
    Lost(String),
}

impl Process {
    /// Starts the driver with this Python in a folder of its own.
    ///
    /// # Errors
    /// If there is no such program, or the folder cannot be written.
    pub fn start(python: &str, folder: &Path) -> Result<Self, StudyError> {
        let script = folder.join(DRIVER_FILE);
        let of = |path: &Path| {
            let path = path.to_path_buf();
            move |source| StudyError::File { path, source }
        };
        write_file(&script, DRIVER.as_bytes()).map_err(of(&script))?;
        let log = folder.join(LOG_FILE);
        // A handle that the driver writes through itself.
        let file = std::fs::File::create(&log).map_err(of(&log))?;
        let mut command = Command::new(python);
        command.arg("-u").arg(&script).current_dir(folder);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(file);
        // Ctrl-C of a terminal goes to a whole group; this program ends its driver itself.
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let mut child = command.spawn().map_err(|source| StudyError::External {
            what: format!("spark.python {python:?}"),
            reason: format!("{source}; expected a Python with pyspark, as --python PATH"),
        })?;
        let (send, answers) = channel();
        let input = child.stdin.take();
        if let Some(output) = child.stdout.take() {
            // Ends with the output, that is, with the process.
            std::thread::spawn(move || {
                for line in BufReader::new(output).lines() {
                    let Ok(line) = line else { break };
                    if send.send(line).is_err() {
                        break;
                    }
                }
            });
        }
        Ok(Self { child, input, answers, log })
    }

    /// Sends a request and waits for its answer, at most `limit`.
    ///
    /// # Errors
    /// [`StudyError::Interrupted`] if the user stops while it waits; the process has then ended.
    pub fn ask(
        &mut self,
        request: &Value,
        limit: Duration,
        is_stopped: &dyn Fn() -> bool,
    ) -> Result<Answer, StudyError> {
        let began = Instant::now();
        let sent =
            self.input.as_mut().is_some_and(|input| writeln!(input, "{request}").is_ok() && input.flush().is_ok());
        if !sent {
            return Ok(self.lost("the driver has ended"));
        }
        loop {
            match self.answers.recv_timeout(LOOK) {
                Ok(line) => return Ok(self.read(&line)),
                Err(RecvTimeoutError::Disconnected) => return Ok(self.lost("the driver has ended")),
                Err(RecvTimeoutError::Timeout) if is_stopped() => {
                    self.kill();
                    return Err(StudyError::Interrupted);
                }
                Err(RecvTimeoutError::Timeout) if began.elapsed() > limit => {
                    return Ok(self.lost(&format!("no answer in {} s", limit.as_secs())));
                }
                Err(RecvTimeoutError::Timeout) => {}
            }
        }
    }

    fn read(&mut self, line: &str) -> Answer {
        let Ok(answer) = serde_json::from_str::<Value>(line) else {
            return self.lost(&format!("the driver answered {line:.100?}, which is no JSON"));
        };
        match answer["ok"].as_bool() {
            Some(true) => Answer::Done(answer),
            Some(false) => Answer::Failed(answer["error"].as_str().unwrap_or("no reason given").into()),
            None => self.lost(&format!("the driver answered {line:.100?}, without \"ok\"")),
        }
    }

    /// Ends what is left of the process; the reason has the last line that it printed.
    fn lost(&mut self, reason: &str) -> Answer {
        self.kill();
        let text = input::read(&self.log, input::LARGEST_TEXT).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let last = text.lines().rev().find(|line| !line.trim().is_empty());
        Answer::Lost(match last {
            Some(line) => format!("{reason}; its last line: {:.200}", line.trim()),
            None => reason.into(),
        })
    }

    /// Ends every process of the group at once.
    fn kill(&mut self) {
        self.input = None;
        #[cfg(unix)]
        if let Some(group) = rustix::process::Pid::from_raw(self.child.id() as i32) {
            // Fails where the group is gone already.
            let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
            let _ = self.child.wait();
            // Spark's own process is no child of this one. While it ends, it still writes into the folder that is removed next.
            let began = Instant::now();
            while began.elapsed() < END && rustix::process::test_kill_process_group(group).is_ok() {
                std::thread::sleep(LOOK);
            }
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Process {
    /// Lets Spark end in order; what has not ended then is killed.
    fn drop(&mut self) {
        if let Some(mut input) = self.input.take() {
            let _ = writeln!(input, "{{\"do\": \"close\"}}");
            drop(input);
            let began = Instant::now();
            while began.elapsed() < END && matches!(self.child.try_wait(), Ok(None)) {
                std::thread::sleep(LOOK);
            }
        }
        self.kill();
    }
}

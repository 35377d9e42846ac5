//! What an engine worked out about the last program it saw.

use std::sync::{Arc, Mutex, PoisonError};

use crate::noise::Program;
use crate::sim::SimError;

/// Remembers one plan: training runs one program thousands of times with other angles. Keyed by the program itself, so
/// it changes nothing but time.
pub struct Memo<T> {
    last: Mutex<Option<(Program, usize, Arc<T>)>>,
}

impl<T> Default for Memo<T> {
    fn default() -> Self {
        Self { last: Mutex::new(None) }
    }
}

impl<T> Memo<T> {
    /// The plan of `program` with `input_slots` slots that differ by row, built if it is not the last one.
    pub fn get(
        &self,
        program: &Program,
        input_slots: usize,
        build: impl FnOnce() -> Result<T, SimError>,
    ) -> Result<Arc<T>, SimError> {
        // A thread that panicked while building left the old plan in place, which is still right.
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((known, slots, plan)) = last.as_ref()
            && *slots == input_slots
            && known == program
        {
            return Ok(Arc::clone(plan));
        }
        let plan = Arc::new(build()?);
        *last = Some((program.clone(), input_slots, Arc::clone(&plan)));
        Ok(plan)
    }
}

/// Runs a method written for both widths of numbers at the engine's own, with the memo of that width.
macro_rules! at_precision {
    ($engine:ident.$method:ident($($argument:expr),*)) => {
        match $engine.precision {
            $crate::sim::Precision::Double => $engine.$method(&$engine.double, $($argument),*),
            $crate::sim::Precision::Single => $engine.$method(&$engine.single, $($argument),*),
        }
    };
}
pub(super) use at_precision;

//! Pragmas and annotations of OpenQASM 3: words to other programs, kept beside the operations.

use serde::{Deserialize, Serialize};

use crate::circuit::{Circuit, CircuitError};
use crate::math::words::shortened;

/// A pragma (`pragma vendor.name …`) or an annotation (`@vendor.name …`) of OpenQASM 3. Nothing here acts on it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Directive {
    /// Index of the operation before which it stands; an annotation belongs to this operation. A pragma may stand behind
    /// the last.
    pub at: usize,
    /// One line, as OpenQASM 3 has it.
    pub text: String,
}

impl Directive {
    /// Whether it belongs to an operation.
    pub fn is_annotation(&self) -> bool {
        self.text.starts_with('@')
    }
}

impl Circuit {
    /// Pragmas and annotations, by the operation before which they stand. They are kept by exports as OpenQASM 3 and as
    /// circuit JSON, by [`Circuit::bind`] and [`Circuit::extend`]. Whatever rewrites operations leaves them out:
    /// transpilation, inverses, programs for simulation.
    pub fn directives(&self) -> &[Directive] {
        &self.directives
    }

    /// Adds a pragma or an annotation before the operation `at`, behind those that stand there.
    ///
    /// # Errors
    /// If it is not one line that begins with `pragma ` or `@` and a name, or there is no such operation.
    pub fn add_directive(&mut self, at: usize, text: &str) -> Result<&mut Self, CircuitError> {
        let refuse = |reason: &'static str| Err(CircuitError::BadDirective { text: shortened(text), reason });
        let named = |rest: &str| rest.starts_with(|first: char| first.is_alphabetic() || first == '_');
        let is_annotation = text.strip_prefix('@').is_some_and(named);
        if !(is_annotation || text.strip_prefix("pragma ").is_some_and(|rest| !rest.trim().is_empty())) {
            return refuse("it begins with neither pragma and a text nor @ and a name");
        }
        if text.contains(['\n', '\r']) {
            return refuse("it has more than one line");
        }
        if at > self.ops().len() || (is_annotation && at == self.ops().len()) {
            return refuse("there is no operation behind it");
        }
        let position = self.directives.partition_point(|directive| directive.at <= at);
        self.directives.insert(position, Directive { at, text: text.into() });
        Ok(self)
    }
}

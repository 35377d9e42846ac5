//! Parts of a run, for machines that share no file system.

use crate::study::StudyError;

/// One of several parts of the trials of a run. A trial belongs to the part that its id says, so a part stays what it is when
/// trials are added, and parts that were cut differently can be joined.
///
/// ```
/// use qgraft::lab::Part;
/// let parts: Vec<Part> = (1..=3).map(|k| Part::parse(&format!("{k}/3"))).collect::<Result<_, _>>()?;
/// assert_eq!(parts.iter().filter(|part| part.holds("00000000000000ff")).count(), 1);
/// # Ok::<(), qgraft::study::StudyError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// From 1 on.
    number: u64,
    count: u64,
}

/// Parts at most: as many as a run may have trials.
const MOST: u64 = 100_000;

impl Part {
    /// From a text such as `3/64`: the third of 64.
    ///
    /// # Errors
    /// A text of another form, or a number outside 1 to the count.
    pub fn parse(text: &str) -> Result<Self, StudyError> {
        let numbers = text.split_once('/').map(|(number, count)| (number.trim().parse(), count.trim().parse()));
        match numbers {
            Some((Ok(number), Ok(count))) if (1..=count).contains(&number) && count <= MOST => {
                Ok(Self { number, count })
            }
            _ => Err(StudyError::Settings {
                reason: format!("--part {text}: expected K/N with K from 1 to N and N up to {MOST}, such as 3/64"),
            }),
        }
    }

    /// Whether the trial of this id (16 hexadecimal digits) belongs to the part.
    pub fn holds(&self, id: &str) -> bool {
        // Ids are hashes in hexadecimal digits. Anything else is in the first part.
        u64::from_str_radix(id, 16).unwrap_or(0) % self.count == self.number - 1
    }
}
